package deflate

import (
	"encoding/binary"
	"math/bits"
)

// view is text in which matches are looked for.
type view [viewSize + margin]byte

// load returns the eight bytes at i. Positions of text are below viewSize-margin, and
// no load is farther than margin beyond.
func load(b *view, i uint) uint64 {
	i &= viewSize - 1
	return binary.LittleEndian.Uint64(b[i : i+8])
}

// hash8, hash6 and hash5 map the first bytes of v to 64 - shift bits. A shift that is a
// constant costs much less than one that is not.
func hash8(v uint64, shift uint) uint { return uint(v * 0x9e3779b185ebca87 >> (shift & 63)) }
func hash6(v uint64, shift uint) uint { return uint(v << 16 * 0x9e3779b185ebca87 >> (shift & 63)) }
func hash5(v uint64, shift uint) uint { return uint(v << 24 * 0x9e3779b185ebca87 >> (shift & 63)) }

// extend returns where a match of distance d ends that reaches to i at least.
func extend(b *view, i, d, end uint) uint {
	for i < end {
		if x := load(b, i) ^ load(b, i-d); x != 0 {
			return min(i+uint(bits.TrailingZeros64(x))>>3, end)
		}
		i += 8
	}
	return end
}

// extendBack returns how many bytes before i are as those at a distance d, at most eight
// and at most n.
func extendBack(b *view, i, d, n uint) uint {
	if i-d < first+8 {
		return 0
	}
	return min(uint(bits.LeadingZeros64(load(b, i-8)^load(b, i-d-8)))>>3, n)
}

// stride returns the step in which the history is put into the tables: each byte of
// it costs time even if no match begins there, so where the text is short and the
// history long only some do. A match that begins between two of them is found a
// little later and extended backwards.
func (c *compressor) stride() uint {
	history, text := c.from-c.indexed, c.to-c.from
	switch {
	case history <= text/2 || history <= 1<<12:
		return 1
	case history <= 2*text || history <= 1<<13:
		return 2
	case history <= 16*text:
		return 4
	}
	return 8
}

const (
	passed      = 2  // bytes that a match may begin later if it is longer
	longAlready = 64 // length of matches that are left as they are
)

// across returns the match of a distance d that begins at i or a little later, if it
// includes what begins at last.
func (c *compressor) across(i, last, d uint) (begin, length uint) {
	b := c.view()
	if i < first+d || (load(b, last-d)^load(b, last))<<24 != 0 {
		return i, 0
	}
	if load(b, i-d) != load(b, i) {
		i += passed
	}
	return i, extend(b, i, d, min(c.to, i+maxMatch)) - i
}

// skip adds n literals without looking for matches.
func (c *compressor) skip(i, k, n uint) (uint, uint) {
	for ; n > 0; n-- {
		c.w.tokens[k&tokenMask] = token(c.view()[i&(viewSize-1)])
		k++
		i++
	}
	return i, k
}

// movePositions moves the positions of a table down by n.
func movePositions(table []uint16, n uint16) {
	for i, p := range table {
		table[i] = p - min(p, n)
	}
}

// finish ends a search at i, with k tokens, that looked for matches of length least.
func (c *compressor) finish(i, k, least uint) {
	if i+least > c.to {
		i, k = c.skip(i, k, c.to-i)
	}
	c.from, c.indexed, c.w.n = i, i, int(k)
}
