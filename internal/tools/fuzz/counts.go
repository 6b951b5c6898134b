package main

import (
	"regexp"
	"strconv"
)

// counts are what the go command says about a target.
type counts struct {
	executions  int64
	interesting int64 // inputs that reach what no other did
}

// progress is a line that the go command prints every three seconds, and at the end:
//
//	fuzz: elapsed: 5s, execs: 20027 (5843/sec), new interesting: 9 (total: 518)
var progress = regexp.MustCompile(`(?m)^fuzz: elapsed: [^,]+, execs: (\d+) \([^)]*\), new interesting: (\d+) `)

// parse returns the last counts that were printed; ok is false if there are none.
func parse(printed string) (n counts, ok bool) {
	all := progress.FindAllStringSubmatch(printed, -1)
	if len(all) == 0 {
		return counts{}, false
	}
	last := all[len(all)-1]
	n.executions, _ = strconv.ParseInt(last[1], 10, 64)
	n.interesting, _ = strconv.ParseInt(last[2], 10, 64)
	return n, true
}
