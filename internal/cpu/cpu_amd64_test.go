//go:build !purego

package cpu

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
		want   Vectors
	}{
		{"nothing missing", func(*features) {}, AVX512},
		{"every bit set", func(f *features) { *f = features{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)} }, AVX512},
		{"lower clock with AVX-512", func(f *features) { f.ecx7 = 0 }, AVX2},
		{"no AVX-512", func(f *features) { f.ebx7 &^= ebx7AVX512F }, AVX2},
		{"masks not saved", func(f *features) { f.xcr0 &^= 1 << 5 }, AVX2},
		{"upper halves of ZMM not saved", func(f *features) { f.xcr0 &^= 1 << 6 }, AVX2},
		{"ZMM16 and above not saved", func(f *features) { f.xcr0 &^= 1 << 7 }, AVX2},
		{"YMM only", func(f *features) { f.xcr0 = 7 }, AVX2},
		{"upper halves of YMM not saved", func(f *features) { f.xcr0 &^= 1 << 2 }, None},
		{"XMM not saved", func(f *features) { f.xcr0 &^= 1 << 1 }, None},
		{"XCR0 cannot be read", func(f *features) { f.xcr0 = 0 }, None},
		{"no AVX2", func(f *features) { f.ebx7 &^= ebx7AVX2 }, None},
		{"no AVX", func(f *features) { f.ecx1 &^= ecx1AVX }, None},
		{"no leaf 7", func(f *features) { f.maxLeaf = 6 }, None},
		{"nothing", func(f *features) { *f = features{} }, None},
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
		want = None
	}
	if diff := cmp.Diff(want, Best()); diff != "" {
		t.Errorf("Best() (-want +got):\n%s", diff)
	}
}

// TestWidest: a test of assembly leaves none out that pays.
func TestWidest(t *testing.T) {
	if paying, works := choose(read()), Widest(); works < paying {
		t.Errorf("Widest() = %d, less than the %d that pays", works, paying)
	}
}
