package masking

import (
	"fmt"
	"testing"

	"github.com/duplexws/duplex/internal/bench/corpus"
	"github.com/duplexws/duplex/mask"
	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"
)

var key = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// funcs all take dst and src, of the same size. Those that work in place leave src.
var funcs = []struct {
	name string
	mask func(dst, src []byte)
}{
	{"copy", func(dst, src []byte) { copy(dst, src) }},
	{"duplex.XOR", func(dst, _ []byte) { mask.XOR(dst, key) }},
	{"duplex.Copy", func(dst, src []byte) { mask.Copy(dst, src, key) }},
	{"gobwas.Cipher", func(dst, _ []byte) { ws.Cipher(dst, key, 0) }},
}

// TestAgree shows that all of them mask.
func TestAgree(t *testing.T) {
	src := corpus.Bytes(1, 1, 1021)[0]
	want := make([]byte, len(src))
	for i, b := range src {
		want[i] = b ^ key[i%4]
	}
	for _, f := range funcs[1:] {
		got := append([]byte(nil), src...)
		f.mask(got, src)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.name, diff)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	for _, size := range []int{16, 125, 1 << 10, 16 << 10, 64 << 10, 1 << 20} {
		src := corpus.Bytes(1, 1, size)[0]
		dst := make([]byte, size)
		for _, f := range funcs {
			b.Run(fmt.Sprintf("size=%d/func=%s", size, f.name), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					f.mask(dst, src)
				}
			})
		}
	}
}
