package mask

import "crypto/rand"

// Key is a masking key, in the order of its bytes on the wire. Every value is a
// valid key; the zero Key leaves data as it is.
type Key [4]byte

// NewKey returns an unpredictable key from crypto/rand. A client takes a new one
// for every frame.
//
// RFC 6455, sections 5.3 and 10.3.
func NewKey() Key {
	var k Key
	// crypto/rand.Read never fails: it crashes the program where the operating
	// system cannot provide randomness.
	_, _ = rand.Read(k[:])
	return k
}

// XOR masks or unmasks b in place, its first byte with k[0], and returns k
// rotated by len(b): the key to use for the bytes that follow b in the same
// payload.
//
// RFC 6455, section 5.3.
func XOR(b []byte, k Key) Key {
	xor(b, b, k)
	return k.rotate(len(b))
}

// Copy sets dst[i] to the masked src[i] for every byte of src and returns k
// rotated by len(src), as [XOR] does; src is only read. If dst is shorter than
// src, Copy handles the first len(dst) bytes only. The two slices must be the
// same or not overlap.
//
// RFC 6455, section 5.3.
func Copy(dst, src []byte, k Key) Key {
	n := min(len(dst), len(src))
	xor(dst[:n], src[:n], k)
	return k.rotate(n)
}

// rotate returns the key for the byte that stands n bytes further on.
func (k Key) rotate(n int) Key {
	return Key{k[n&3], k[(n+1)&3], k[(n+2)&3], k[(n+3)&3]}
}
