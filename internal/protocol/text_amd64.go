//go:build !purego

package protocol

import "github.com/duplexws/duplex/internal/cpu"

// vectors says that the assembly below may be used. It is set once, before main, and
// after that by tests only.
var vectors = cpu.Best() >= cpu.AVX2

// vectorMin is the size from which on the assembly pays, and the least that it takes: at
// 64 bytes it takes 10 ns, call and all, and the words of text take 9 for ASCII, 20 and
// more for the rest; at 80 they are behind for ASCII, too.
const vectorMin = 64

// certain returns a number of bytes at the beginning of p that are whole, valid
// characters: all but a character that p cuts at its end, as a rule, and fewer, perhaps
// none, where something further on is not valid. The number is no verdict: the bytes
// behind it are to be looked at one by one. p has at least vectorMin bytes, the first of
// which does not go on with a character begun before.
func certain(p []byte) int {
	if !vectors {
		return 0
	}
	n := validAVX2(&p[0], len(p), pairs)
	// No rule was broken in the first n bytes, 0 or at least 64, but the last
	// character may lack its end.
	switch {
	case n == 0:
		return 0
	case p[n-1] >= 0xC0:
		return n - 1
	case p[n-2] >= 0xE0:
		return n - 2
	case p[n-3] >= 0xF0:
		return n - 3
	}
	return n
}

// validAVX2 returns a number of bytes at the beginning of p[:n] none of which is wrong
// behind those before it: all n, or so many whole blocks of 64 that the first byte that
// is wrong is in the next, or in the rest if none is left. It reads nothing else.
//
//go:noescape
func validAVX2(p *byte, n int, t *tables) int

// tables are what validAVX2 looks bytes up in. A vector instruction looks up 16 values
// of four bits for each half of a vector, so all is there twice.
//
// A pair of neighbours is wrong if its first byte, by its high and by its low half, and
// its second byte, by its high half, are all listed under one rule: the rules are bits,
// and the three bytes found have one in common. Rules of no more than a pair are enough
// for the first two bytes of a character. For the third and the fourth, all there is to
// say is that they continue. They must where E0 or more stands two places before, or F0
// or more three, and may not elsewhere, which the assembly compares.
//
// The algorithm is that of John Keiser and Daniel Lemire, Validating UTF-8 in less than
// one instruction per byte, Software: Practice and Experience 51(5), 2021.
type tables struct {
	high, low, next [32]byte
}

// continues is the bit of a pair of bytes that continue a character. It is the highest,
// which subtraction leaves in a byte as the answer to whether one must continue.
const continues = 1 << 7

var pairs = makePairs()

func makePairs() *tables {
	var t tables
	for _, rule := range []struct {
		bit       byte
		high, low [2]byte // the halves of the first byte, from and to
		next      [2]byte // the high half of the second
	}{
		// RFC 3629, section 3: how many bytes follow which.
		{1 << 0, [2]byte{0xC, 0xF}, [2]byte{0x0, 0xF}, [2]byte{0x0, 0x7}}, // cut short by ASCII
		{1 << 0, [2]byte{0xC, 0xF}, [2]byte{0x0, 0xF}, [2]byte{0xC, 0xF}}, // or by another character
		{1 << 1, [2]byte{0x0, 0x7}, [2]byte{0x0, 0xF}, [2]byte{0x8, 0xB}}, // ASCII continued
		{continues, [2]byte{0x8, 0xB}, [2]byte{0x0, 0xF}, [2]byte{0x8, 0xB}},
		// RFC 3629, section 4: the ranges.
		{1 << 2, [2]byte{0xC, 0xC}, [2]byte{0x0, 0x1}, [2]byte{0x8, 0xB}}, // overlong in two bytes
		{1 << 3, [2]byte{0xE, 0xE}, [2]byte{0x0, 0x0}, [2]byte{0x8, 0x9}}, // in three
		{1 << 4, [2]byte{0xF, 0xF}, [2]byte{0x0, 0x0}, [2]byte{0x8, 0x8}}, // in four
		{1 << 5, [2]byte{0xE, 0xE}, [2]byte{0xD, 0xD}, [2]byte{0xA, 0xB}}, // surrogates
		{1 << 6, [2]byte{0xF, 0xF}, [2]byte{0x4, 0xF}, [2]byte{0x9, 0xB}}, // beyond U+10FFFF
		{1 << 4, [2]byte{0xF, 0xF}, [2]byte{0x5, 0xF}, [2]byte{0x8, 0x8}}, // and far beyond: a rule like that of the same bit
	} {
		for i := range byte(16) {
			for _, half := range []byte{0, 16} {
				if rule.high[0] <= i && i <= rule.high[1] {
					t.high[half+i] |= rule.bit
				}
				if rule.low[0] <= i && i <= rule.low[1] {
					t.low[half+i] |= rule.bit
				}
				if rule.next[0] <= i && i <= rule.next[1] {
					t.next[half+i] |= rule.bit
				}
			}
		}
	}
	return &t
}
