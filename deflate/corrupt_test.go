package deflate_test

import (
	"bytes"
	"math/bits"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/deflate"
)

// stream writes DEFLATE by hand.
type stream struct {
	b []byte
	n uint // bits in the last byte
}

// bits adds the low n bits of v, lowest first, as numbers are written.
func (s *stream) bits(v, n uint) *stream {
	for ; n > 0; n-- {
		if s.n&7 == 0 {
			s.b = append(s.b, 0)
		}
		s.b[len(s.b)-1] |= byte(v&1) << (s.n & 7)
		s.n++
		v >>= 1
	}
	return s
}

// code adds the low n bits of v, highest first, as codes are written.
func (s *stream) code(v, n uint) *stream {
	return s.bits(uint(bits.Reverse64(uint64(v))>>(64-n)), n)
}

// align goes on with the next byte.
func (s *stream) align() *stream { s.n = uint(len(s.b)) * 8; return s }

// fixed begins a block with the fixed codes.
func (s *stream) fixed() *stream { return s.bits(0, 1).bits(1, 2) }

// stored adds a stored block.
func (s *stream) stored(b []byte) *stream {
	s.bits(0, 3).align().bits(uint(len(b)), 16).bits(uint(len(b))^0xffff, 16)
	for _, c := range b {
		s.bits(uint(c), 8)
	}
	return s
}

// literal, length, distance and end add a symbol of the fixed codes.
func (s *stream) literal(c byte) *stream {
	if c < 144 {
		return s.code(0x30+uint(c), 8)
	}
	return s.code(0x190+uint(c)-144, 9)
}

func (s *stream) length(symbol uint) *stream {
	if symbol < 280 {
		return s.code(symbol-256, 7)
	}
	return s.code(0xc0+symbol-280, 8)
}
func (s *stream) distance(symbol uint) *stream { return s.code(symbol, 5) }
func (s *stream) end() *stream                 { return s.code(0, 7) }

// three adds a match of length 3 at any distance.
func (s *stream) three(distance uint) *stream {
	s.length(257)
	if distance <= 4 {
		return s.distance(distance - 1)
	}
	extra := uint(bits.Len(distance-1)) - 2
	high := (distance - 1) >> extra
	return s.distance(2*extra+high).bits((distance-1)&(1<<extra-1), extra)
}

// marker ends a message.
func (s *stream) marker() []byte {
	s.bits(0, 3)
	return s.b
}

// dynamic begins a block with codes of its own: lens are the lengths of the code
// length codes, in the order of their symbols.
func (s *stream) dynamic(hlit, hdist uint, lens ...uint) *stream {
	s.bits(0, 1).bits(2, 2).bits(hlit-257, 5).bits(hdist-1, 5).bits(15, 4)
	for _, i := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
		n := uint(0)
		if i < len(lens) {
			n = lens[i]
		}
		s.bits(n, 3)
	}
	return s
}

// lens12 is a code length code: 0 is 00, 1 is 01, 2 is 10 and 18 is 11.
var lens12 = []uint{2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}

func (s *stream) len(n uint) *stream   { return s.code(n, 2) }
func (s *stream) zeros(n uint) *stream { return s.code(3, 2).bits(n-11, 7) }
func (s *stream) tree(n ...uint) *stream {
	for _, v := range n {
		if v > 2 {
			s.zeros(v)
		} else {
			s.len(v)
		}
	}
	return s
}

func newStream() *stream { return new(stream) }

// TestCorrupt holds a stream against each way of being malformed, and beside it the
// nearest one that is not.
func TestCorrupt(t *testing.T) {
	full := newStream().stored([]byte("abcdefgh"))
	full.b = full.b[:len(full.b)-3]
	for _, test := range []struct {
		name string
		wire []byte
		want result
	}{
		{"block type 3", newStream().bits(0, 1).bits(3, 2).marker(), result{"", deflate.BlockType}},
		{"NLEN is not the complement", []byte{0, 1, 0, 0xfe, 0xfe, 'a', 0}, result{"", deflate.StoredLength}},
		{"287 literal codes", newStream().dynamic(287, 1, lens12...).marker(), result{"", deflate.CodeCount}},
		{"288 literal codes", newStream().dynamic(288, 1, lens12...).marker(), result{"", deflate.CodeCount}},
		{"31 distance codes", newStream().dynamic(257, 31, lens12...).marker(), result{"", deflate.CodeCount}},
		{"code length code empty", newStream().dynamic(257, 1).marker(), result{"", deflate.CodeLengthCode}},
		{"code length code over-subscribed", newStream().dynamic(257, 1, 1, 1, 1).marker(), result{"", deflate.CodeLengthCode}},
		{"code length code incomplete", newStream().dynamic(257, 1, 1, 2).marker(), result{"", deflate.CodeLengthCode}},
		{"code length code of one code", newStream().dynamic(257, 1, 1).marker(), result{"", deflate.CodeLengthCode}},
		{"repeat with none before", newStream().dynamic(257, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2).code(3, 2).bits(0, 2).marker(), result{"", deflate.CodeLengthRepeat}},
		{"repeat past the last code", newStream().dynamic(257, 1, lens12...).zeros(138).zeros(121).marker(), result{"", deflate.CodeLengthRepeat}},
		{"repeat up to the last code", newStream().dynamic(257, 1, lens12...).zeros(138).zeros(120).marker(), result{"", deflate.NoEndOfBlock}},
		{"no end of block", newStream().dynamic(257, 1, lens12...).tree(97, 1, 1, 138, 20, 0, 1).marker(), result{"", deflate.NoEndOfBlock}},
		{"literal code over-subscribed", newStream().dynamic(257, 1, lens12...).tree(97, 1, 1, 138, 19, 1, 1).marker(), result{"", deflate.LiteralCode}},
		{"literal code incomplete", newStream().dynamic(257, 1, lens12...).tree(97, 2, 2, 138, 19, 2, 1).marker(), result{"", deflate.LiteralCode}},
		{"literal code of one code of two bits", newStream().dynamic(257, 1, lens12...).tree(138, 118, 2, 1).marker(), result{"", deflate.LiteralCode}},
		{"literal code of one code", newStream().dynamic(257, 1, lens12...).tree(138, 118, 1, 1).code(0, 1).marker(), result{"", nil}},
		{"literal code of one code, the other used", newStream().dynamic(257, 1, lens12...).tree(138, 118, 1, 1).code(1, 1).marker(), result{"", deflate.LiteralSymbol}},
		{"distance code over-subscribed", newStream().dynamic(257, 3, lens12...).tree(97, 1, 138, 20, 1, 1, 1, 1).marker(), result{"", deflate.DistanceCode}},
		{"distance code incomplete", newStream().dynamic(257, 2, lens12...).tree(97, 1, 138, 20, 1, 2, 2).marker(), result{"", deflate.DistanceCode}},
		{"distance code empty and not used", newStream().dynamic(257, 1, lens12...).tree(97, 1, 138, 20, 1, 0).code(0, 1).code(0, 1).code(1, 1).marker(), result{"aa", nil}},
		{"distance code empty and used", newStream().dynamic(258, 1, lens12...).tree(97, 1, 138, 20, 2, 2, 0).code(0, 1).code(3, 2).code(0, 1).bits(0, 64).marker(), result{"a", deflate.DistanceSymbol}},
		{"distance code of one code", newStream().dynamic(258, 1, lens12...).tree(97, 1, 138, 20, 2, 2, 1).code(0, 1).code(3, 2).code(0, 1).code(2, 2).marker(), result{"aaaa", nil}},
		{"distance code of one code, the other used", newStream().dynamic(258, 1, lens12...).tree(97, 1, 138, 20, 2, 2, 1).code(0, 1).code(3, 2).code(1, 1).bits(0, 64).marker(), result{"a", deflate.DistanceSymbol}},
		{"literal/length symbol 285", newStream().fixed().literal('a').length(285).distance(0).end().marker(), result{string(bytes.Repeat([]byte("a"), 259)), nil}},
		{"literal/length symbol 286", newStream().fixed().literal('a').length(286).distance(0).end().bits(0, 200).marker(), result{"a", deflate.LiteralSymbol}},
		{"literal/length symbol 287", newStream().fixed().literal('a').length(287).distance(0).end().marker(), result{"a", deflate.LiteralSymbol}},
		{"distance symbol 30", newStream().fixed().literal('a').length(257).distance(30).end().marker(), result{"a", deflate.DistanceSymbol}},
		{"distance symbol 31", newStream().fixed().literal('a').length(257).distance(31).end().bits(0, 200).marker(), result{"a", deflate.DistanceSymbol}},
		{"length 258 as 284 with 31", newStream().fixed().literal('a').length(284).bits(31, 5).distance(0).end().marker(), result{string(bytes.Repeat([]byte("a"), 259)), nil}},
		{"distance to the first byte", newStream().fixed().literal('a').literal('b').three(2).end().marker(), result{"ababa", nil}},
		{"distance before the first byte", newStream().fixed().literal('a').literal('b').three(3).end().marker(), result{"ab", deflate.DistanceTooFar}},
		{"distance before the first byte, more to come", newStream().fixed().literal('a').literal('b').three(3).end().bits(0, 200).marker(), result{"ab", deflate.DistanceTooFar}},
		{"end before the first bit", newStream().fixed().literal('a').b, result{"a", deflate.EarlyEnd}},
		{"end after the end of a block", newStream().stored([]byte("a")).b, result{"a", deflate.EarlyEnd}},
		{"end after BFINAL", newStream().bits(1, 1).bits(1, 2).literal('a').end().b, result{"a", deflate.EarlyEnd}},
		{"end in LEN", []byte{0, 0}, result{"", deflate.EarlyEnd}},
		{"the marker not cut off", []byte{0, 0, 0, 0xff, 0xff}, result{"", deflate.EarlyEnd}},
		{"end in a stored block", full.b, result{"abcde", deflate.EarlyEnd}},
		{"end four bytes before that of a stored block", full.b[:len(full.b)-1], result{"abcd", deflate.EarlyEnd}},
		{"end in HCLEN", newStream().dynamic(257, 1, lens12...).b[:1], result{"", deflate.EarlyEnd}},
		{"end in the code lengths", newStream().dynamic(257, 1, lens12...).tree(97, 1).b, result{"", deflate.EarlyEnd}},
		{"end in a repeat", newStream().dynamic(257, 1, lens12...).tree(97, 1).code(3, 2).b, result{"", deflate.EarlyEnd}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := every(t, deflate.Window{}, test.wire)
			if diff := cmp.Diff([]result{test.want}, got, equalErrors); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if test.want.Err == nil {
				return
			}
			if test.want.Err != deflate.DistanceTooFar {
				// The same behind enough text for the fast loop, and with more to come.
				long := newStream().stored(bytes.Repeat([]byte("x"), 300)).b
				long = append(append(long, test.wire...), make([]byte, 40)...)
				got := every(t, deflate.Window{}, long)[0]
				if test.want.Err != deflate.EarlyEnd && (got.Err != test.want.Err || got.Text[300:] != test.want.Text) {
					t.Errorf("after 300 bytes: %+v", got)
				}
			}
			d := deflate.NewDecoder(deflate.Window{})
			if _, _, err := d.Append(nil, test.wire); err != nil && err != test.want.Err {
				t.Errorf("without room: %v", err)
			}
			d.Reset(deflate.Window{NoTakeover: true})
			if got := whole(d, test.wire); got != test.want {
				t.Errorf("without takeover: %+v", got)
			}
			if _, _, err := d.Append(nil, []byte{0}); err != test.want.Err {
				t.Errorf("the error does not stay: %v", err)
			}
			if _, _, err := d.End(nil); err != test.want.Err {
				t.Errorf("the error does not stay: %v", err)
			}
			d.Reset(deflate.Window{})
			if got := whole(d, []byte{0xf2, 0x48, 0xcd, 0xc9, 0xc9, 7, 0}); got != (result{"Hello", nil}) {
				t.Errorf("after Reset: %+v", got)
			}
		})
	}
}

// TestDecoderWindow reaches back as far as each window goes, and one byte further,
// in the message and in the one before it.
func TestDecoderWindow(t *testing.T) {
	for n := deflate.MinWindowBits; n <= deflate.MaxWindowBits; n++ {
		size := uint(1) << n
		text := randomBytes(uint64(n), int(size))
		before := newStream().stored(text[:size/2]).stored(text[size/2:]).marker()
		three := string(text[:3])
		for _, test := range []struct {
			name string
			w    deflate.Window
			wire [][]byte
			want []result
		}{
			{"within a message", deflate.Window{Bits: n}, [][]byte{newStream().stored(text[:size/2]).stored(text[size/2:]).fixed().three(size).end().marker()}, []result{{string(text) + three, nil}}},
			{"into the message before", deflate.Window{Bits: n}, [][]byte{before, newStream().fixed().three(size).end().marker()}, []result{{string(text), nil}, {three, nil}}},
			{"a wrapped window", deflate.Window{Bits: n}, [][]byte{before, newStream().stored([]byte("xyz")).marker(), newStream().fixed().three(size).end().marker()}, []result{{string(text), nil}, {"xyz", nil}, {string(text[3:6]), nil}}},
			{"across the end of the message before", deflate.Window{Bits: n}, [][]byte{before, newStream().fixed().literal('x').three(2).end().marker()}, []result{{string(text), nil}, {"x" + string(text[size-1:]) + "x" + string(text[size-1:]), nil}}},
			{"too far within a message", deflate.Window{Bits: n}, [][]byte{newStream().stored(text).fixed().literal('x').three(size + 1).end().marker()}, []result{{string(text) + "x", deflate.DistanceTooFar}}},
			{"too far into the message before", deflate.Window{Bits: n}, [][]byte{before, newStream().fixed().literal('x').three(size + 1).end().marker()}, []result{{string(text), nil}, {"x", deflate.DistanceTooFar}}},
			{"too far, more to come", deflate.Window{Bits: n}, [][]byte{before, newStream().fixed().literal('x').three(size+1).end().bits(0, 200).marker()}, []result{{string(text), nil}, {"x", deflate.DistanceTooFar}}},
			{"no takeover", deflate.Window{Bits: n, NoTakeover: true}, [][]byte{before, newStream().fixed().literal('x').three(2).end().marker()}, []result{{string(text), nil}, {"x", deflate.DistanceTooFar}}},
		} {
			if size == 1<<15 && (test.name == "too far within a message" || test.name == "too far into the message before" || test.name == "too far, more to come") {
				continue // cannot be written
			}
			if diff := cmp.Diff(test.want, every(t, test.w, test.wire...), equalErrors); diff != "" {
				t.Errorf("2^%d, %s (-want +got):\n%s", n, test.name, diff)
			}
		}
	}
}

// TestDecoderMatch writes matches of every kind of distance and length at each
// distance from the end of the room.
func TestDecoderMatch(t *testing.T) {
	for _, distance := range []int{1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 40} {
		text := randomBytes(uint64(distance), 40)
		s := newStream().stored(text).fixed()
		var want []byte
		want = append(want, text...)
		for symbol := uint(257); symbol < 265; symbol++ {
			s.length(symbol)
			extra := uint(max(bits.Len(uint(distance-1)), 2)) - 2
			if distance <= 2 {
				s.distance(uint(distance - 1))
			} else {
				s.distance(2*extra+uint(distance-1)>>extra).bits(uint(distance-1)&(1<<extra-1), extra)
			}
			for range 3 + symbol - 257 {
				want = append(want, want[len(want)-distance])
			}
		}
		s.length(285)
		extra := uint(max(bits.Len(uint(distance-1)), 2)) - 2
		s.distance(2*extra+uint(distance-1)>>extra).bits(uint(distance-1)&(1<<extra-1), extra)
		for range 258 {
			want = append(want, want[len(want)-distance])
		}
		wire := s.end().marker()
		for room := len(want); room < len(want)+40; room++ {
			d := deflate.NewDecoder(deflate.Window{})
			out, n, err := d.Append(make([]byte, 0, room), wire)
			if err != nil || n != len(wire) || !bytes.Equal(out, want) {
				t.Fatalf("distance %d, room %d: %d of %d bytes taken, %v\n%x\n%x", distance, room, n, len(wire), err, out, want)
			}
			if _, done, err := d.End(out); !done || err != nil {
				t.Fatal(done, err)
			}
		}
		every(t, deflate.Window{}, wire, wire)
	}
}
