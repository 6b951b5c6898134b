package mask_test

import (
	"bytes"
	"testing"

	"github.com/duplexws/duplex/mask"
)

// FuzzMask holds XOR and Copy against the naive loop, in one piece and cut in two,
// and undoes them, with every implementation that this machine has.
func FuzzMask(f *testing.F) {
	f.Add([]byte("Hello"), []byte{0x37, 0xfa, 0x21, 0x3d}, 2, 5)
	f.Add([]byte{}, []byte{0, 0, 0, 0}, 0, 0)
	f.Add(random(300), []byte{0xff, 0, 0x80, 1}, 33, 100)
	f.Add(random(900), []byte{1, 2, 3, 4}, 301, 800)
	f.Add(random(50000), []byte{1, 2, 3, 4}, 301, 49700)
	f.Fuzz(func(t *testing.T, src, key []byte, cut, dstLen int) {
		if len(key) != 4 || cut < 0 || cut > len(src) || dstLen < 0 || dstLen > 2*len(src) {
			return
		}
		for _, implementation := range mask.Implementations() {
			restore := implementation.Use()
			against(t, src, mask.Key(key), cut, dstLen)
			restore()
		}
	})
}

// against masks src in place, in two pieces and into dstLen bytes.
func against(t *testing.T, src []byte, k mask.Key, cut, dstLen int) {
	t.Helper()
	want := naive(src, k, 0)

	b := bytes.Clone(src)
	next := mask.XOR(b, k)
	if !bytes.Equal(b, want) || next != rotated(k, len(src)) {
		t.Fatalf("XOR: %x, next key %x", b, next)
	}
	mask.XOR(b, k)
	if !bytes.Equal(b, src) {
		t.Fatal("XOR twice does not give the original")
	}
	mask.XOR(b[cut:], mask.XOR(b[:cut], k))
	if !bytes.Equal(b, want) {
		t.Fatal("XOR in two pieces differs")
	}

	dst := make([]byte, dstLen)
	n := min(dstLen, len(src))
	next = mask.Copy(dst, src, k)
	if !bytes.Equal(dst[:n], want[:n]) || !bytes.Equal(dst[n:], make([]byte, dstLen-n)) || next != rotated(k, n) {
		t.Fatalf("Copy to %d bytes: %x, next key %x", dstLen, dst, next)
	}
}
