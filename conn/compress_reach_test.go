package conn

import (
	"errors"
	"strings"
	"testing"

	"github.com/duplexws/duplex/deflate"
)

// bitReader reads a DEFLATE stream bit by bit: slow, and simple enough to be right.
//
// RFC 1951, section 3.1.1.
type bitReader struct {
	in  string
	pos int // in bits
	err error
}

var errBits = errors.New("the stream is not DEFLATE")

func (r *bitReader) bits(n int) (v int) {
	for i := range n {
		if r.pos/8 >= len(r.in) {
			r.err = errBits
			return 0
		}
		v |= int(r.in[r.pos/8]>>(r.pos%8)&1) << i
		r.pos++
	}
	return v
}

// code is a Huffman code: how many symbols there are of each length, and the symbols in
// their order.
type code struct {
	count   [16]int
	symbols []int
}

func newCode(lengths []int) (c code) {
	for length := 1; length < 16; length++ {
		for symbol, n := range lengths {
			if n == length {
				c.count[length]++
				c.symbols = append(c.symbols, symbol)
			}
		}
	}
	return c
}

// symbol reads one.
//
// RFC 1951, section 3.2.2.
func (r *bitReader) symbol(c code) int {
	value, first, index := 0, 0, 0
	for length := 1; length < 16 && r.err == nil; length++ {
		value |= r.bits(1)
		if n := c.count[length]; value-first < n {
			return c.symbols[index+value-first]
		}
		index += c.count[length]
		first = (first + c.count[length]) << 1
		value <<= 1
	}
	r.err = errBits
	return 256
}

// RFC 1951, section 3.2.5.
var (
	lengthBase = [...]int{
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31,
		35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
	}
	lengthBits   = [...]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distanceBase = [...]int{
		1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
		1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
	}
)

// codes reads the codes of a block of type 1 or 2.
//
// RFC 1951, sections 3.2.6 and 3.2.7.
func (r *bitReader) codes(kind int) (literals, distances code) {
	var lengths [288 + 32]int
	if kind == 1 {
		for i := range lengths {
			switch {
			case i >= 288:
				lengths[i] = 5
			case i >= 280 || i < 144:
				lengths[i] = 8
			case i >= 256:
				lengths[i] = 7
			default:
				lengths[i] = 9
			}
		}
		return newCode(lengths[:288]), newCode(lengths[288:])
	}
	n, m, k := 257+r.bits(5), 1+r.bits(5), 4+r.bits(4)
	var small [19]int
	for _, i := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[:k] {
		small[i] = r.bits(3)
	}
	c := newCode(small[:])
	for i := 0; i < n+m && r.err == nil; {
		symbol, times, value := r.symbol(c), 1, 0
		switch symbol {
		case 16:
			times, value = 3+r.bits(2), lengths[max(i-1, 0)]
		case 17:
			times = 3 + r.bits(3)
		case 18:
			times = 11 + r.bits(7)
		default:
			value = symbol
		}
		for ; times > 0 && i < n+m; times, i = times-1, i+1 {
			lengths[i] = value
		}
	}
	return newCode(lengths[:n]), newCode(lengths[n : n+m])
}

// reach inflates a stream behind what came before, and returns as well how far back the
// furthest match reaches. It is at the end of the stream when it stops.
func reach(past []byte, stream string) (text string, furthest int, err error) {
	r := bitReader{in: stream}
	out := append([]byte(nil), past...)
	for r.pos < 8*len(stream) && r.err == nil {
		_ = r.bits(1)
		kind := r.bits(2)
		if kind == 0 {
			r.pos = (r.pos + 7) &^ 7
			n := r.bits(16)
			if r.bits(16) != n^0xffff || r.pos/8+n > len(stream) {
				return "", furthest, errBits
			}
			out = append(out, stream[r.pos/8:r.pos/8+n]...)
			r.pos += 8 * n
			continue
		}
		literals, distances := r.codes(kind)
		for symbol := r.symbol(literals); symbol != 256 && r.err == nil; symbol = r.symbol(literals) {
			if symbol < 256 {
				out = append(out, byte(symbol))
				continue
			}
			n := lengthBase[symbol-257] + r.bits(lengthBits[symbol-257])
			d := r.symbol(distances)
			if d >= len(distanceBase) {
				return "", furthest, errBits
			}
			back := distanceBase[d] + r.bits(max(d/2-1, 0))
			if back > len(out) {
				return "", furthest, errBits
			}
			furthest = max(furthest, back)
			for range n {
				out = append(out, out[len(out)-back])
			}
		}
	}
	return string(out[len(past):]), furthest, r.err
}

// TestReach shows that reach sees how far back a message refers.
func TestReach(t *testing.T) {
	first := jsonText(700, 1)
	gap := jsonText(3000, 2)
	for level := deflate.Level(2); level <= deflate.Best; level++ {
		for _, bits := range []int{8, 10, 15} {
			e := deflate.NewEncoder(deflate.Window{Bits: bits}, level)
			wire := e.End(e.Append(nil, []byte(first+gap+first)))
			text, furthest, err := reach(nil, string(wire)+"\x00\x00\xff\xff")
			must(t, err)
			if text != first+gap+first || furthest > 1<<bits || bits == 15 && furthest < 3000 {
				t.Errorf("level %d, %d bits: a match reaches %d bytes back; the same text: %v", level, bits, furthest, text == first+gap+first)
			}
			wire = e.End(e.Append(nil, []byte(first)))
			text, furthest, err = reach([]byte(first+gap+first), string(wire)+"\x00\x00\xff\xff")
			must(t, err)
			if text != first || furthest > 1<<bits || bits > 8 && furthest < len(first) {
				t.Errorf("level %d, %d bits: a match reaches %d bytes back; the same text: %v", level, bits, furthest, text == first)
			}
		}
	}
	for _, stream := range []string{"\x07", "\x00\x01\x00\x00\x00", strings.Repeat("\xff", 100)} {
		if text, _, err := reach(nil, stream); err == nil {
			t.Errorf("%x is taken for %q", stream, text)
		}
	}
}
