package mask

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"
	"unsafe"
)

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
	w := binary.LittleEndian.Uint32(k[:])
	xor(b, b, w)
	return rotated(w, len(b))
}

// Copy sets dst[i] to the masked src[i] for every byte of src and returns k
// rotated by len(src), as [XOR] does. If dst is shorter than src, Copy handles the
// first len(dst) bytes only, and if it is longer, Copy leaves the rest as it is. The
// two slices may overlap in any way, as those of the builtin copy; where they do not,
// src is only read.
//
// RFC 6455, section 5.3.
func Copy(dst, src []byte, k Key) Key {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	if shifted(dst, src) {
		copy(dst, src)
		src = dst
	}
	w := binary.LittleEndian.Uint32(k[:])
	xor(dst, src, w)
	return rotated(w, n)
}

// shifted reports whether two slices of the same length overlap but do not begin at
// the same byte. What follows wants to read each byte before it is written, in the
// order of the data, and may read some of the last ones first.
func shifted(a, b []byte) bool {
	distance := uintptr(unsafe.Pointer(unsafe.SliceData(a))) - uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	n := uintptr(len(a))
	return distance != 0 && (distance < n || -distance < n)
}

// rotated returns the key for the byte that stands n bytes after that of k, a key
// whose first byte is the lowest.
func rotated(k uint32, n int) Key {
	var next Key
	binary.LittleEndian.PutUint32(next[:], bits.RotateLeft32(k, -8*n))
	return next
}
