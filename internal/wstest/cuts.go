package wstest

import (
	"fmt"
	"iter"
)

// Cuts yields ways for b to arrive, each with a name for subtests and messages:
// whole, byte by byte, and in two pieces, cut at every place. If b is long, only
// the places near its ends are tried, and pieces of an odd size take the place of
// single bytes. Pieces share memory with b and together are b.
func Cuts(b []byte) iter.Seq2[string, [][]byte] {
	const (
		long  = 1024
		near  = 64
		piece = 251
	)
	return func(yield func(string, [][]byte) bool) {
		if !yield("whole", [][]byte{b}) {
			return
		}
		size := 1
		if len(b) > long {
			size = piece
		}
		if !yield(fmt.Sprintf("pieces of %d", size), Pieces(b, size)) {
			return
		}
		for i := 1; i < len(b); i++ {
			if len(b) > long && i == near {
				i = len(b) - near
			}
			if !yield(fmt.Sprintf("cut at %d", i), [][]byte{b[:i], b[i:]}) {
				return
			}
		}
	}
}

// Pieces cuts b into pieces of n bytes, the last of which may be shorter.
func Pieces(b []byte, n int) [][]byte {
	var pieces [][]byte
	for len(b) > n {
		pieces = append(pieces, b[:n:n])
		b = b[n:]
	}
	return append(pieces, b)
}
