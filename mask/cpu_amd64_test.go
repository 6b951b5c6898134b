//go:build !purego

package mask

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChoose: what the processor has does not count where the operating system does
// not save the registers.
func TestChoose(t *testing.T) {
	newest := features{
		maxLeaf: 0x1f,
		ecx1:    ecx1OSXSAVE | ecx1AVX,
		ebx7:    ebx7AVX2 | ebx7AVX512F,
		ecx7:    ecx7AVX512VBMI,
		xcr0:    1 | xcr0ZMM,
	}
	for _, test := range []struct {
		name   string
		change func(f *features)
		want   instructions
	}{
		{"nothing missing", func(*features) {}, avx512},
		{"every bit set", func(f *features) { *f = features{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)} }, avx512},
		{"lower clock with AVX-512", func(f *features) { f.ecx7 = 0 }, avx2},
		{"no AVX-512", func(f *features) { f.ebx7 &^= ebx7AVX512F }, avx2},
		{"masks not saved", func(f *features) { f.xcr0 &^= 1 << 5 }, avx2},
		{"upper halves of ZMM not saved", func(f *features) { f.xcr0 &^= 1 << 6 }, avx2},
		{"ZMM16 and above not saved", func(f *features) { f.xcr0 &^= 1 << 7 }, avx2},
		{"YMM only", func(f *features) { f.xcr0 = 7 }, avx2},
		{"upper halves of YMM not saved", func(f *features) { f.xcr0 &^= 1 << 2 }, words},
		{"XMM not saved", func(f *features) { f.xcr0 &^= 1 << 1 }, words},
		{"XCR0 cannot be read", func(f *features) { f.xcr0 = 0 }, words},
		{"no AVX2", func(f *features) { f.ebx7 &^= ebx7AVX2 }, words},
		{"no AVX", func(f *features) { f.ecx1 &^= ecx1AVX }, words},
		{"no leaf 7", func(f *features) { f.maxLeaf = 6 }, words},
		{"nothing", func(f *features) { *f = features{} }, words},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newest
			test.change(&f)
			if diff := cmp.Diff(test.want, choose(f)); diff != "" {
				t.Errorf("choose(%+v) (-want +got):\n%s", f, diff)
			}
		})
	}
}

// TestBest: detectors see every access.
func TestBest(t *testing.T) {
	want := choose(read())
	if instrumented {
		want = words
	}
	if diff := cmp.Diff(want, use); diff != "" {
		t.Errorf("in use (-want +got):\n%s", diff)
	}
}
