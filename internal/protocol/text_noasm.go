//go:build !amd64 || purego

package protocol

// vectorMin is a size that pays for vectors.
const vectorMin = 64

// certain is for machines that have vector instructions.
func certain([]byte) int { return 0 }
