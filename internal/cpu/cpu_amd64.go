//go:build !purego

package cpu

// Best returns what is fastest here. The race detector and the memory sanitizers do
// not see what assembly reads and writes: for them it is Go, which they do see.
func Best() Vectors {
	if instrumented {
		return None
	}
	return choose(read())
}

// Widest returns what works here, for tests: detectors and the clock of the processor
// notwithstanding.
func Widest() Vectors {
	f := read()
	f.ecx7 |= ecx7AVX512VBMI
	return choose(f)
}

// features is what the processor and the operating system say of themselves.
type features struct {
	maxLeaf uint32 // the last leaf of CPUID
	ecx1    uint32 // leaf 1
	ebx7    uint32 // leaf 7
	ecx7    uint32
	xcr0    uint32 // the registers that are saved on a switch of threads; 0: unknown
}

// Bits of features, from volumes 1 and 2 of the Intel 64 and IA-32 Architectures
// Software Developer's Manual (chapter 14.3; CPUID).
const (
	ecx1OSXSAVE    = 1 << 27 // XGETBV may be used
	ecx1AVX        = 1 << 28
	ebx7AVX2       = 1 << 5
	ebx7AVX512F    = 1 << 16
	ecx7AVX512VBMI = 1 << 6 // its second set, VBMI2

	xcr0YMM = 1<<1 | 1<<2                  // the XMM registers, the upper halves of YMM
	xcr0ZMM = xcr0YMM | 1<<5 | 1<<6 | 1<<7 // the masks, the upper halves of ZMM, ZMM16 to ZMM31
)

// choose returns the widest vectors that f allows and that pay.
//
// The first processors with AVX-512 run at a lower clock, the rest of the program
// included, for a while after each use of a 64-byte register. The second set of byte
// manipulation instructions came with those that hardly do (Ice Lake and Zen 4); it is
// required for that reason only. On one of them (Sapphire Rapids), other code kept its
// speed while up to a sixth of the time went into masking, which is more than a
// connection ever spends on it, and lost 5 % against AVX2 when a third and more did.
func choose(f features) Vectors {
	switch {
	case f.maxLeaf < 7 || f.ecx1&ecx1AVX == 0 || f.ebx7&ebx7AVX2 == 0 || f.xcr0&xcr0YMM != xcr0YMM:
		return None
	case f.ebx7&ebx7AVX512F == 0 || f.ecx7&ecx7AVX512VBMI == 0 || f.xcr0&xcr0ZMM != xcr0ZMM:
		return AVX2
	}
	return AVX512
}

// read asks the processor.
func read() features {
	var f features
	f.maxLeaf, _, _, _ = cpuid(0, 0)
	_, _, f.ecx1, _ = cpuid(1, 0)
	if f.maxLeaf >= 7 {
		_, f.ebx7, f.ecx7, _ = cpuid(7, 0)
	}
	if f.ecx1&ecx1OSXSAVE != 0 {
		f.xcr0, _ = xgetbv()
	}
	return f
}

// cpuid is the instruction CPUID.
func cpuid(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// xgetbv is the instruction XGETBV for XCR0. It exists only where OSXSAVE is set.
func xgetbv() (eax, edx uint32)
