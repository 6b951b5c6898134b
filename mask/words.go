package mask

import (
	"encoding/binary"
	"math/bits"
)

// xor sets dst[i] to src[i] XOR byte i mod 4 of k, whose first byte is the lowest. The
// slices have the same length and are the same or do not overlap.
//
// Where there are no vector instructions, and for little data, it goes by words of
// eight bytes. The key is widened to a word in the byte order of the data, so that
// the same code is right on little- and big-endian machines; the compiler turns each
// load and store into one instruction. What is left of a whole number of words is
// covered by a word that ends with the data and overlaps the one before: it is loaded
// first, since in place that one changes it, and stored last.
func xor(dst, src []byte, k uint32) {
	n := len(src)
	if n < 8 {
		xorBytes(dst, src, k)
		return
	}
	if n >= vectorMin && xorVectors(dst, src, k) {
		return
	}
	dst = dst[:n]
	last := binary.LittleEndian.Uint64(src[n-8:]) ^ widen(bits.RotateLeft32(k, -8*n))
	w, s, d := widen(k), src, dst

	// Reslicing both sides in step lets the compiler drop the bounds checks.
	for len(s) > 32 && len(d) > 32 {
		a := binary.LittleEndian.Uint64(s) ^ w
		b := binary.LittleEndian.Uint64(s[8:]) ^ w
		c := binary.LittleEndian.Uint64(s[16:]) ^ w
		e := binary.LittleEndian.Uint64(s[24:]) ^ w
		binary.LittleEndian.PutUint64(d, a)
		binary.LittleEndian.PutUint64(d[8:], b)
		binary.LittleEndian.PutUint64(d[16:], c)
		binary.LittleEndian.PutUint64(d[24:], e)
		s, d = s[32:], d[32:]
	}
	for len(s) > 8 && len(d) > 8 {
		binary.LittleEndian.PutUint64(d, binary.LittleEndian.Uint64(s)^w)
		s, d = s[8:], d[8:]
	}
	binary.LittleEndian.PutUint64(dst[n-8:], last)
}

// xorBytes is xor for less than a word.
func xorBytes(dst, src []byte, k uint32) {
	n := len(src)
	dst = dst[:n]
	if n >= 4 {
		last := binary.LittleEndian.Uint32(src[n-4:]) ^ bits.RotateLeft32(k, -8*n)
		binary.LittleEndian.PutUint32(dst, binary.LittleEndian.Uint32(src)^k)
		binary.LittleEndian.PutUint32(dst[n-4:], last)
		return
	}
	for i := range src {
		dst[i] = src[i] ^ byte(k)
		k >>= 8
	}
}

// widen repeats k.
func widen(k uint32) uint64 {
	return uint64(k) | uint64(k)<<32
}
