package protocol

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// A checker is one of the ways to check text that is long enough for vectors. Between
// use and restore, text goes that way.
type checker struct {
	name string
	use  func() (restore func())
}

// eachChecker runs f once for each way to check text. Nothing else that checks text
// may run at the same time.
func eachChecker(t *testing.T, f func(t *testing.T)) {
	for _, checker := range checkers() {
		t.Run(checker.name, func(t *testing.T) {
			defer checker.use()()
			f(t)
		})
	}
}

// useFastest goes the last of those ways until the test ends. The words have the tests
// of text_test.go, which take as long as all that follows.
func useFastest(t *testing.T) {
	all := checkers()
	t.Cleanup(all[len(all)-1].use())
}

// refusedAfter returns the number of bytes after which text, told them one by one,
// refuses p, and one more than p has if it never does.
func refusedAfter(p []byte) int {
	var x text
	for i := range p {
		if !x.write(p[i : i+1]) {
			return i + 1
		}
	}
	return len(p) + 1
}

// against compares what text says of p, whole and in random pieces of up to most bytes,
// with utf8.Valid and with refused, which is refusedAfter(p).
func against(t *testing.T, r *rand.Rand, p []byte, most, refused int) {
	t.Helper()
	valid := utf8.Valid(p)
	if got := ValidText(p); got != valid {
		t.Fatalf("% x: valid %t, want %t", p, got, valid)
	}
	var x text
	for n := 0; n < len(p); {
		piece := p[n:min(len(p), n+r.IntN(most+1))]
		n += len(piece)
		if got := x.write(piece); got != (n < refused) {
			t.Fatalf("% x: refused after byte %d, but write of %d bytes to byte %d says %t", p, refused, len(piece), n, got)
		}
	}
	if got := x.end(); got != valid {
		t.Fatalf("% x: valid %t, in pieces %t", p, valid, got)
	}
}

// randomText returns size bytes or a few more: pieces of the samples, in which some
// places are like one sample and others mixed.
func randomText(r *rand.Rand, size int) []byte {
	var p []byte
	for len(p) < size {
		runes := []rune(samples[r.IntN(len(samples))].text)
		from := r.IntN(len(runes))
		to := from + 1 + r.IntN(len(runes)-from)
		for range 1 + r.IntN(3) {
			p = append(p, string(runes[from:to])...)
		}
	}
	return p
}

// mutate changes up to three bytes of p: to any, to one that begins or continues a
// character, by a bit, by taking it away or repeating it.
func mutate(r *rand.Rand, p []byte) []byte {
	for range r.IntN(4) {
		i := r.IntN(len(p))
		switch r.IntN(6) {
		case 0:
			p[i] = byte(r.Uint32())
		case 1:
			p[i] = 0xC0 | byte(r.Uint32())
		case 2:
			p[i] = 0x80 | byte(r.Uint32())&0x3F
		case 3:
			p[i] ^= 1 << r.IntN(8)
		case 4:
			p = append(p[:i], p[i+1:]...)
		case 5:
			p = append(p[:i+1], p[i:]...)
		}
	}
	return p
}

// TestTextLong: RFC 6455, section 8.1 (8.1-01). Texts of many blocks, valid ones and
// such as have a few bytes changed, cut into pieces that are short and long, are refused
// with the piece that has the first byte that is wrong.
func TestTextLong(t *testing.T) {
	rounds := 10000
	if raceDetector || testing.Short() {
		rounds = 1000
	}
	eachChecker(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 1))
		valid := 0
		for range rounds {
			p := mutate(r, randomText(r, 2+r.IntN(700)))
			against(t, r, p, 1+r.IntN(400), refusedAfter(p))
			if utf8.Valid(p) {
				valid++
			}
		}
		if valid < rounds/10 || valid > rounds*9/10 {
			t.Errorf("%d of %d texts are valid: the test shows little", valid, rounds)
		}
	})
}

// TestTextSizes: a byte that is never valid in every place of texts of every size up to
// four blocks and a half, at every alignment.
func TestTextSizes(t *testing.T) {
	most, step := 4*64+32, 1
	if raceDetector || testing.Short() {
		step = 13
	}
	eachChecker(t, func(t *testing.T) {
		for _, fill := range []string{"a", "é", "€", "😀"} {
			memory := make([]byte, most+64)
			for alignment := 0; alignment < 64; alignment += step {
				for size := 0; size <= most; size += step {
					p := append(memory[alignment:alignment:alignment+most], strings.Repeat(fill, size/len(fill))...)
					p = append(p, strings.Repeat("a", size%len(fill))...)
					if !ValidText(p) {
						t.Fatalf("%q, %d bytes at alignment %d: refused", fill, size, alignment)
					}
					for i, original := range p {
						p[i] = 0xFF
						if ValidText(p) {
							t.Fatalf("%q, %d bytes at alignment %d, FF at %d: accepted", fill, size, alignment, i)
						}
						p[i] = original
					}
				}
			}
		}
	})
}

// window is a text with a gap, for sequences that are to stand there. Before the gap a
// character ends and behind it one begins, so the whole is valid if the sequence is.
type window struct {
	p   []byte
	gap []byte // a part of p
}

func newWindow(fill string, at, gap, size int) window {
	p := bytes.Repeat([]byte("a"), at%len(fill))
	p = append(p, strings.Repeat(fill, at/len(fill))...)
	p = append(p, make([]byte, gap)...)
	rest := max(size-len(p), 0)
	p = append(p, strings.Repeat(fill, rest/len(fill))...)
	p = append(p, strings.Repeat("a", rest%len(fill))...)
	return window{p, p[at : at+gap]}
}

// atEdge reports whether a sequence of n bytes at a place in a text of the given size is
// at its end, or at or across the border of two vectors.
func atEdge(at, n, size int) bool {
	return at+n == size || at%32 == 0 || at%32 == 1 || at%32 > 32-n-1
}

// TestTextPairs: every two bytes at all edges of texts that end with a block, and with a
// vector and with two behind the last one. What follows an ASCII byte is a text of its
// own, so one of them stands for all.
func TestTextPairs(t *testing.T) {
	useFastest(t)
	for _, size := range []int{64, 65, 67, 95, 96, 97, 128, 150} {
		for at := range size - 1 {
			if !atEdge(at, 2, size) || (raceDetector || testing.Short()) && at%31 > 1 {
				continue
			}
			w := newWindow("a", at, 2, size)
			for pair := 0x7F00; pair < 1<<16; pair++ {
				w.gap[0], w.gap[1] = byte(pair>>8), byte(pair)
				if ValidText(w.p) != utf8.Valid(w.gap) {
					t.Fatalf("% x at %d of %d: ValidText says %t", w.gap, at, size, !utf8.Valid(w.gap))
				}
			}
		}
	}
}

// TestTextTriples: every three bytes: in one vector, across two, across two blocks, in
// the rest behind them, and at the end.
func TestTextTriples(t *testing.T) {
	useFastest(t)
	places := []struct{ at, size int }{{0, 64}, {30, 64}, {31, 64}, {61, 64}, {62, 128}, {63, 97}, {67, 70}}
	step := 1
	if raceDetector || testing.Short() {
		step = 251
	}
	for _, place := range places {
		w := newWindow("a", place.at, 3, place.size)
		for triple := 0x7F0000; triple < 1<<24; triple += step {
			w.gap[0], w.gap[1], w.gap[2] = byte(triple>>16), byte(triple>>8), byte(triple)
			if ValidText(w.p) != utf8.Valid(w.gap) {
				t.Fatalf("% x at %d of %d: ValidText says %t", w.gap, place.at, place.size, !utf8.Valid(w.gap))
			}
		}
	}
}

// TestTextBounds: every four bytes of a selection around the bounds of each class, at
// all edges of two blocks and the rest behind them, between characters of each length.
func TestTextBounds(t *testing.T) {
	useFastest(t)
	some := []byte{'a', 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEE, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF}
	if raceDetector || testing.Short() {
		some = []byte{'a', 0x80, 0x90, 0xBF, 0xC2, 0xE0, 0xF4, 0xF5}
	}
	var fours [][4]byte
	var verdicts []bool
	for i := range len(some) * len(some) * len(some) * len(some) {
		var four [4]byte
		for place := range four {
			four[place] = some[i%len(some)]
			i /= len(some)
		}
		fours = append(fours, four)
		verdicts = append(verdicts, utf8.Valid(four[:]))
	}
	const size = 150
	for _, fill := range []string{"a", "é", "€", "😀"} {
		for at := range size - 3 {
			if !atEdge(at, 4, size) {
				continue
			}
			w := newWindow(fill, at, 4, size)
			for i, four := range fours {
				copy(w.gap, four[:])
				if ValidText(w.p) != verdicts[i] {
					t.Fatalf("% x at %d, between %q: ValidText says %t", four, at, fill, !verdicts[i])
				}
			}
		}
	}
}
