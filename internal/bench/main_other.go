//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "bench: the load generator uses epoll and so needs Linux")
	os.Exit(2)
}
