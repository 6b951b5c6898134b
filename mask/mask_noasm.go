//go:build !amd64 || purego

package mask

// vectorMin is a size that pays for vectors.
const vectorMin = 64

// xorVectors is for machines that have vector instructions.
func xorVectors(_, _ []byte, _ uint32) bool { return false }
