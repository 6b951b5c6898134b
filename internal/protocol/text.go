package protocol

import "encoding/binary"

// text checks that the bytes of a message are UTF-8, as they arrive: a sequence
// may be cut anywhere, and the first byte that no valid text can have in its place
// is refused at once, with all that follows. The zero value is ready for a new
// message.
//
// RFC 6455, section 8.1 (the encoding is that of RFC 3629, section 4).
type text struct {
	state uint8 // a state as below
}

// The states of the automaton that reads a text byte by byte. They are the positions
// of six bits in the words of transitions. RFC 3629, section 4: the byte after E0 and
// F0 has a narrower range (else the form is overlong), and so has the one after ED
// (surrogates) and F4 (beyond U+10FFFF).
const (
	whole   = 6 * iota // between characters; 0, so that the zero text is here
	refused            // and stays so
	lacks1             // the next bytes are this many continuation bytes, 80 to BF
	lacks2
	lacks3
	afterE0
	afterED
	afterF0
	afterF4
	endOfStates
)

// transitions has a word for each byte: the state after it, for a state s, stands in
// the six bits from bit s on. So to step is to shift, and text that mixes characters
// of all lengths takes no branch that a processor could guess wrong.
var transitions = makeTransitions()

func makeTransitions() *[256]uint64 {
	var words [256]uint64
	for s := whole; s < endOfStates; s += 6 {
		for b := range words {
			words[b] |= refused << s
		}
	}
	for _, step := range []struct {
		from   int
		lo, hi byte
		to     uint64
	}{
		{whole, 0x00, 0x7F, whole},
		{whole, 0xC2, 0xDF, lacks1},
		{whole, 0xE0, 0xE0, afterE0},
		{whole, 0xE1, 0xEC, lacks2},
		{whole, 0xED, 0xED, afterED},
		{whole, 0xEE, 0xEF, lacks2},
		{whole, 0xF0, 0xF0, afterF0},
		{whole, 0xF1, 0xF3, lacks3},
		{whole, 0xF4, 0xF4, afterF4},
		{afterE0, 0xA0, 0xBF, lacks1},
		{afterED, 0x80, 0x9F, lacks1},
		{afterF0, 0x90, 0xBF, lacks2},
		{afterF4, 0x80, 0x8F, lacks2},
		{lacks3, 0x80, 0xBF, lacks2},
		{lacks2, 0x80, 0xBF, lacks1},
		{lacks1, 0x80, 0xBF, whole},
	} {
		for b := int(step.lo); b <= int(step.hi); b++ {
			words[b] ^= (refused ^ step.to) << step.from
		}
	}
	return &words
}

// highBits has the bit of every byte that ASCII leaves clear.
const highBits = 0x8080808080808080

// ValidText reports whether p is a text by itself. It is several times faster than
// utf8.Valid where most characters have two bytes or more.
//
// RFC 6455, section 8.1.
func ValidText(p []byte) bool {
	var t text
	return t.write(p) && t.end()
}

// write reports whether the bytes so far, p included, can be the beginning of valid
// text.
//
// Vectors skip what they are certain of. The verdict on the rest is found by blocks of
// four words. ASCII, and text with characters of up to two bytes, is checked by words;
// where there are longer ones, and at the end, the automaton takes over.
func (t *text) write(p []byte) bool {
	s := uint64(t.state)
	for ; len(p) >= vectorMin && s > refused; p = p[1:] {
		s = transitions[p[0]] >> s & 63
	}
	if len(p) >= vectorMin && s == whole {
		p = p[certain(p):]
	}
	for len(p) >= 32 {
		a, b := binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])
		c, d := binary.LittleEndian.Uint64(p[16:]), binary.LittleEndian.Uint64(p[24:])
		switch {
		case (a|b|c|d)&highBits|s == 0:
			for p = p[32:]; len(p) >= 32 && ascii(p); p = p[32:] {
			}
			continue
		case s != whole && s != lacks1 || (long(a)|long(b)|long(c)|long(d))&highBits != 0:
			// Where one is long, more follow, as a rule.
			n := min(len(p), 128)
			s = scan(s, p[:n])
			p = p[n:]
			continue
		case short(a, s/lacks1)|short(b, cut(a))|short(c, cut(b))|short(d, cut(c)) == 0:
			s = cut(d) * lacks1
		default:
			t.state = refused
			return false
		}
		p = p[32:]
	}
	s = scan(s, p)
	t.state = uint8(s)
	return s != refused
}

// end reports whether the message may end here, and makes t ready for the next one.
func (t *text) end() bool {
	ended := t.state == whole
	*t = text{}
	return ended
}

// ascii reports whether the first 32 bytes of p are ASCII.
func ascii(p []byte) bool {
	return (binary.LittleEndian.Uint64(p)|binary.LittleEndian.Uint64(p[8:])|
		binary.LittleEndian.Uint64(p[16:])|binary.LittleEndian.Uint64(p[24:]))&highBits == 0
}

// long marks, among the high bits, the bytes of w that begin three bytes or more.
func long(w uint64) uint64 {
	return w & (w << 1) & (w << 2)
}

// cut is 1 if the last byte of w begins a character, else 0.
func cut(w uint64) uint64 {
	return w & (w << 1) >> 63
}

// short is 0 if w, which has no long bytes, is text behind a byte that begins a
// character (1) or does not (0).
func short(w, behind uint64) uint64 {
	leads := w & (w << 1) & highBits
	continuations := w & highBits &^ leads
	misplaced := continuations ^ (leads<<8 | behind<<7)
	// C0 and C1, all overlong, have none of the four bits that make 1E overflow.
	const four = 0x1E1E1E1E1E1E1E1E
	return misplaced | leads&^((w&four+four)<<2)
}

// scan takes the bytes of p one by one, beginning in state s, and returns the state
// after them.
func scan(s uint64, p []byte) uint64 {
	for ; len(p) >= 8; p = p[8:] {
		w := binary.LittleEndian.Uint64(p)
		if w&highBits|s == 0 {
			continue
		}
		s = transitions[byte(w)] >> (s & 63)
		s = transitions[byte(w>>8)] >> (s & 63)
		s = transitions[byte(w>>16)] >> (s & 63)
		s = transitions[byte(w>>24)] >> (s & 63)
		s = transitions[byte(w>>32)] >> (s & 63)
		s = transitions[byte(w>>40)] >> (s & 63)
		s = transitions[byte(w>>48)] >> (s & 63)
		s = transitions[byte(w>>56)] >> (s & 63) & 63
	}
	for _, b := range p {
		s = transitions[b] >> (s & 63)
	}
	return s & 63
}
