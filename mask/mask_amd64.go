//go:build !purego

package mask

import "github.com/duplexws/duplex/internal/cpu"

// use is what xor works with. It is set once, before main, and after that by tests only.
var use = cpu.Best()

// vectorMin is the size from which on the assembly below pays: at 64 bytes it takes 7
// to 8 ns, call and all, and the words of xor take 9; at 48 they are ahead.
const vectorMin = 64

// xorVectors is xor for at least vectorMin bytes, or does nothing and returns false.
func xorVectors(dst, src []byte, k uint32) bool {
	n := len(src)
	dst = dst[:n] // what follows checks nothing
	switch use {
	case cpu.AVX512:
		xorAVX512(&dst[0], &src[0], n, k)
	case cpu.AVX2:
		xorAVX2(&dst[0], &src[0], n, k)
	default:
		return false
	}
	return true
}

// xorAVX2 is xor with vectors of 32 bytes, for n >= vectorMin.
//
//go:noescape
func xorAVX2(dst, src *byte, n int, k uint32)

// xorAVX512 is xor with vectors of 64 bytes, for n >= vectorMin.
//
//go:noescape
func xorAVX512(dst, src *byte, n int, k uint32)
