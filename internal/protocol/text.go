package protocol

import "unicode/utf8"

// text checks that the bytes of a message are UTF-8, as they arrive: a sequence
// may be cut anywhere, and the first byte that no valid text can have in its place
// is refused at once, with all that follows. The zero value is ready for a new
// message.
//
// RFC 6455, section 8.1 (the encoding is that of RFC 3629, section 4).
type text struct {
	need   uint8 // continuation bytes that the sequence under way still lacks
	lo, hi uint8 // the range for the next of them; empty, hi being 0, after a refusal
}

// write reports whether the bytes so far, p included, can be the beginning of valid
// text.
func (t *text) write(p []byte) bool {
	for t.need > 0 {
		if len(p) == 0 {
			return t.hi != 0
		}
		if !t.next(p[0]) {
			return false
		}
		p = p[1:]
	}
	// The bulk is checked by the standard library, up to a sequence that p cuts.
	whole := len(p) - tail(p)
	if !utf8.Valid(p[:whole]) {
		return t.refuse()
	}
	for _, b := range p[whole:] {
		if !t.next(b) {
			return false
		}
	}
	return true
}

// end reports whether the message may end here, and makes t ready for the next one.
func (t *text) end() bool {
	whole := t.need == 0
	*t = text{}
	return whole
}

// tail returns the length of the sequence at the end of p that p does not complete:
// 0 to 3 bytes.
func tail(p []byte) int {
	for n := 1; n <= 3 && n <= len(p); n++ {
		b := p[len(p)-n]
		if b < 0x80 {
			return 0
		}
		if b >= 0xC0 { // a lead byte; does its sequence go on after p?
			if b >= 0xF0 || b >= 0xE0 && n < 3 || n < 2 {
				return n
			}
			return 0
		}
	}
	return 0
}

// next takes one byte of a sequence of two to four.
func (t *text) next(b byte) bool {
	if t.need == 0 {
		return t.lead(b)
	}
	if b < t.lo || b > t.hi {
		return t.refuse()
	}
	t.need--
	t.lo, t.hi = 0x80, 0xBF
	return true
}

// lead takes the first byte of a sequence of two to four bytes. RFC 3629, section 4:
// the byte after it has a narrower range after E0 and F0 (overlong forms), ED
// (surrogates) and F4 (beyond U+10FFFF).
func (t *text) lead(b byte) bool {
	t.lo, t.hi = 0x80, 0xBF
	switch {
	case b >= 0xC2 && b <= 0xDF:
		t.need = 1
	case b >= 0xE0 && b <= 0xEF:
		t.need = 2
		switch b {
		case 0xE0:
			t.lo = 0xA0
		case 0xED:
			t.hi = 0x9F
		}
	case b >= 0xF0 && b <= 0xF4:
		t.need = 3
		switch b {
		case 0xF0:
			t.lo = 0x90
		case 0xF4:
			t.hi = 0x8F
		}
	default: // a continuation byte, C0, C1, or F5 and above
		return t.refuse()
	}
	return true
}

// refuse makes t lack a byte that no byte can be, so that neither more bytes nor the
// end of the message are accepted. It returns false.
func (t *text) refuse() bool {
	*t = text{need: 1, lo: 1, hi: 0}
	return false
}
