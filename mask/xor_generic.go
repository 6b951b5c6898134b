package mask

import "encoding/binary"

// xor is the seam where an assembly version can follow: it sets dst[i] to
// src[i] ^ k[i&3]. The slices have the same length and are equal or disjoint.
//
// The key is widened to eight bytes in the byte order of the data, so that the
// same code is right on little- and big-endian machines; the compiler turns each
// load and store into one instruction.
func xor(dst, src []byte, k Key) {
	w := uint64(binary.LittleEndian.Uint32(k[:]))
	w |= w << 32

	// Reslicing both sides in step lets the compiler drop the bounds checks.
	for len(src) >= 32 && len(dst) >= 32 {
		s, d := src[:32], dst[:32]
		a := binary.LittleEndian.Uint64(s) ^ w
		b := binary.LittleEndian.Uint64(s[8:]) ^ w
		c := binary.LittleEndian.Uint64(s[16:]) ^ w
		e := binary.LittleEndian.Uint64(s[24:]) ^ w
		binary.LittleEndian.PutUint64(d, a)
		binary.LittleEndian.PutUint64(d[8:], b)
		binary.LittleEndian.PutUint64(d[16:], c)
		binary.LittleEndian.PutUint64(d[24:], e)
		src, dst = src[32:], dst[32:]
	}
	for len(src) >= 8 && len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^w)
		src, dst = src[8:], dst[8:]
	}
	for i := range src {
		dst[i] = src[i] ^ k[i&3]
	}
}
