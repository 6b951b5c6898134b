package protocol

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// oracle knows every beginning of every character, made by encoding them all.
type oracle map[string]bool

var theOracle = sync.OnceValue(newOracle)

func newOracle() oracle {
	o := oracle{}
	for r := rune(0x80); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := string(r)
		for n := 1; n < len(s); n++ {
			o[s[:n]] = true
		}
	}
	return o
}

// viable reports whether some continuation of p, perhaps none, is valid text: if p
// is valid up to a beginning of a character.
func (o oracle) viable(p []byte) bool {
	for n := range min(len(p), 3) + 1 {
		whole, rest := p[:len(p)-n], p[len(p)-n:]
		if utf8.Valid(whole) && (n == 0 || o[string(rest)]) {
			return true
		}
	}
	return false
}

// judge compares what text says of p, written in every possible cut, with the
// oracle's verdict on every beginning of p.
func (o oracle) judge(t *testing.T, p []byte) {
	t.Helper()
	viable := make([]bool, len(p)+1)
	for n := range viable {
		viable[n] = o.viable(p[:n])
	}
	whole := utf8.Valid(p)
	for cuts := range 1 << max(len(p)-1, 0) {
		var x text
		start := 0
		for n := 1; n <= len(p); n++ {
			if n < len(p) && cuts>>(n-1)&1 == 0 {
				continue
			}
			if got := x.write(p[start:n]); got != viable[n] {
				t.Fatalf("% x, cuts %b: write(% x) = %t, want %t", p, cuts, p[start:n], got, viable[n])
			}
			start = n
		}
		if got := x.end(); got != whole {
			t.Fatalf("% x, cuts %b: end() = %t, want %t", p, cuts, got, whole)
		}
		if x != (text{}) {
			t.Fatalf("% x, cuts %b: after end: %+v", p, cuts, x)
		}
	}
}

// TestTextShort: RFC 6455, section 8.1 (8.1-01, 2.1-01). Every text of one and of two
// bytes, and every one of three, in every cut. What follows an ASCII byte is a text
// of its own, so a few of them stand for all.
func TestTextShort(t *testing.T) {
	t.Parallel()
	o := theOracle()
	o.judge(t, nil)
	for a := range 256 {
		o.judge(t, []byte{byte(a)})
		for b := range 256 {
			o.judge(t, []byte{byte(a), byte(b)})
			if a >= 0x80 || a == 0 || a == 'a' || a == 0x7F {
				for c := range 256 {
					o.judge3(t, byte(a), byte(b), byte(c))
				}
			}
		}
	}
}

// judge3 is judge, but in full only where the first byte can begin a character and
// the second go on with it: else the first two have had their verdict already, and
// it must stay.
func (o oracle) judge3(t *testing.T, a, b, c byte) {
	p := []byte{a, b, c}
	if a < 0x80 || o[string(p[:2])] || utf8.Valid(p[:2]) {
		o.judge(t, p)
		return
	}
	var x text
	if x.write(p) || x.end() {
		t.Fatalf("% x is accepted", p)
	}
}

// TestTextFour: the leads F0 to F7 with every second byte, and a selection around
// the bounds of each class of bytes for the third, the fourth and what follows.
func TestTextFour(t *testing.T) {
	t.Parallel()
	o := theOracle()
	some := []byte{0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xF0, 0xFF}
	for a := 0xF0; a <= 0xF7; a++ {
		for b := range 256 {
			p := []byte{byte(a), byte(b), 0, 0, 0}
			for _, p[2] = range some {
				if !o.viable(p[:2]) && p[2] != 0x80 {
					continue
				}
				for _, p[3] = range some {
					o.judge(t, p[:4])
				}
			}
			p[2], p[3] = 0x80, 0xBF
			for _, p[4] = range some {
				o.judge(t, p)
			}
		}
	}
}

// TestTextRules names the classes of invalid text and shows at which byte each is
// refused. RFC 3629, sections 3 and 4.
func TestTextRules(t *testing.T) {
	for _, test := range []struct {
		name string
		text string
		want int // bytes after which it is refused; 0: never
	}{
		{"empty", "", 0},
		{"NUL is text", "\x00", 0},
		{"noncharacters are text", "\uFFFE\uFFFF\U0010FFFF", 0},
		{"last before the surrogates", "\uD7FF", 0},
		{"first after the surrogates", "\uE000", 0},
		{"continuation byte alone", "a\x80", 2},
		{"overlong slash in two bytes", "\xC0\xAF", 1},
		{"overlong in two bytes, C1", "\xC1\xBF", 1},
		{"overlong in three bytes", "\xE0\x9F\xBF", 2},
		{"overlong in four bytes", "\xF0\x8F\xBF\xBF", 2},
		{"first surrogate", "\xED\xA0\x80", 2},
		{"last surrogate", "\xED\xBF\xBF", 2},
		{"beyond U+10FFFF", "\xF4\x90\x80\x80", 2},
		{"lead F5", "\xF5\x80\x80\x80", 1},
		{"FE and FF are never used", "\xFE", 1},
		{"character cut short by a character", "\xE2\x82\xE2\x82\xAC", 3},
		{"character cut short by ASCII", "\xF0\x9F\x98a", 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			var x text
			got := 0
			for i := range len(test.text) {
				if !x.write([]byte{test.text[i]}) {
					got = i + 1
					break
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("refused after (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTextEnd: RFC 6455, section 5.6 (5.6-02): a frame may end inside a character,
// a message may not. The next message begins anew either way.
func TestTextEnd(t *testing.T) {
	for _, s := range []string{"\u0080", "\u07FF", "\u0800", "\u20AC", "\uD7FF", "\uFFFF", "\U00010000", "\U0001F600", "\U0010FFFF"} {
		for n := 1; n < len(s); n++ {
			var x text
			if !x.write([]byte("a" + s[:n])) {
				t.Errorf("% x: refused before the character was complete", s[:n])
			}
			if x.end() {
				t.Errorf("% x: may end inside a character", s[:n])
			}
			if !x.write([]byte(s)) || !x.end() {
				t.Errorf("% x: the next message is not a text", s)
			}
		}
	}
}

// TestTextStaysRefused: what was refused once is not text any more, whatever
// follows, nothing at all included, until the message ends.
func TestTextStaysRefused(t *testing.T) {
	for _, bad := range []string{"\xFF", "a\xFFb", "\xE2\x82a", "\xE2a", "\xC0", "\xED\xA0", "ok\xF5", "\xE2\x82\xAC\x80"} {
		for _, later := range []string{"", "a", "\u20AC", "\x80", "\x82\xAC", "\xE2"} {
			for n := range len(bad) {
				var x text
				if x.write([]byte(bad[:n])) && x.write([]byte(bad[n:])) {
					t.Errorf("%q, cut at %d: accepted", bad, n)
				}
				if x.write([]byte(later)) {
					t.Errorf("%q, cut at %d: %q after it is accepted", bad, n, later)
				}
				if x.end() {
					t.Errorf("%q, cut at %d, then %q: may end", bad, n, later)
				}
				if !x.write([]byte("a")) || !x.end() {
					t.Errorf("%q, cut at %d: the next message is refused too", bad, n)
				}
			}
		}
	}
}

// samples have characters of all lengths, mixed as in the texts that people write.
var samples = []struct{ name, text string }{
	{"ASCII", "The quick brown fox jumps over the lazy dog. "},
	{"German", "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. "},
	{"JSON", `{"user":"someone","text":"good morning 😀 to all of you out there","n":12345678},`},
	{"Cyrillic", "Съешь же ещё этих мягких французских булок. "},
	{"CJK", "いろはにほへと散りぬるを我が世誰ぞ常ならむ"},
	{"Korean", "하늘과 바람과 별과 시 "},
	{"emoji", "👋🏽🌍😀🎉🚀"},
	{"mixed", "Hello, мир! 世界 and 😀; naïve "},
}

// TestTextCuts: longer texts, cut in two everywhere, as they are and with each byte
// changed in turn.
func TestTextCuts(t *testing.T) {
	o := theOracle()
	for _, sample := range samples {
		t.Run(sample.name, func(t *testing.T) {
			t.Parallel()
			p := []byte(strings.Repeat(sample.text, 2))
			p = p[:min(len(p), 75)]
			o.cut(t, p)
			for i := range p {
				original := p[i]
				for _, p[i] = range []byte{'a', 0x80, 0x9F, 0xBF, 0xC1, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xF5} {
					o.cut(t, p)
				}
				p[i] = original
			}
		})
	}
}

// cut compares what text says of p, in one and in two pieces, with the oracle's
// verdict on the pieces.
func (o oracle) cut(t *testing.T, p []byte) {
	t.Helper()
	whole := utf8.Valid(p)
	valid := o.viable(p)
	begins := true
	for n := range p {
		begins = begins && o.viable(p[:n])
		var x text
		if got := x.write(p[:n]); got != begins {
			t.Fatalf("% x, cut at %d: write says %t, want %t", p, n, got, begins)
		}
		if got := x.write(p[n:]); got != valid {
			t.Fatalf("% x, cut at %d: the second write says %t, want %t", p, n, got, valid)
		}
		if got := x.end(); got != whole {
			t.Fatalf("% x, cut at %d: end() = %t, want %t", p, n, got, whole)
		}
	}
}

// TestTextPlaces: every three bytes of a selection around the bounds of each class,
// in every place of a block and across two, between characters of each length.
func TestTextPlaces(t *testing.T) {
	o := theOracle()
	some := []byte{'a', 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xF0, 0xF4, 0xF5, 0xFF}
	if raceDetector || testing.Short() {
		some = []byte{'a', 0x80, 0xA0, 0xC1, 0xC2, 0xE0, 0xED, 0xF4}
	}
	for _, around := range []string{"a", "é", "€", "😀"} {
		t.Run(around, func(t *testing.T) {
			t.Parallel()
			for at := range 40 {
				p := make([]byte, 0, 100)
				for len(p) < at {
					p = append(p, around...)
				}
				three := len(p)
				p = append(p, "123"...)
				for len(p) < 80 {
					p = append(p, around...)
				}
				for _, p[three] = range some {
					for _, p[three+1] = range some {
						for _, p[three+2] = range some {
							var x text
							if want, got := o.viable(p), x.write(p); got != want {
								t.Fatalf("% x: write says %t, want %t", p, got, want)
							}
						}
					}
				}
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	for _, sample := range samples {
		for _, size := range []int{16, 128, 1024, 16384} {
			p := []byte(strings.Repeat(sample.text, size/len(sample.text)+1))[:size]
			for !utf8.Valid(p) {
				p = p[:len(p)-1]
			}
			run := func(name string, f func() bool) {
				b.Run(fmt.Sprintf("%s/size=%d/%s", sample.name, size, name), func(b *testing.B) {
					b.SetBytes(int64(len(p)))
					for b.Loop() {
						if !f() {
							b.Fatal("refused")
						}
					}
				})
			}
			run("text", func() bool { var x text; return x.write(p) })
			run("utf8.Valid", func() bool { return utf8.Valid(p) })
		}
	}
}
