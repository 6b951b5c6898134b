// Package cpu says which vector instructions the packages with assembly are to use.
package cpu

// Vectors is a set of vector instructions. A greater one includes the lesser.
type Vectors uint8

const (
	None   Vectors = iota // Go
	AVX2                  // vectors of 32 bytes
	AVX512                // vectors of 64 bytes: F and VBMI2
)
