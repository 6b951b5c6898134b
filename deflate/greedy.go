package deflate

import "math/bits"

const (
	// greedyMatch is the least length of matches that are looked for when only speed
	// counts: a shorter one often costs as much as its literals do.
	greedyMatch = 6
	maxSingles  = 13
)

// singles has for each hash the last position; 0 is none.
type singles [1 << maxSingles]uint16

func (c *compressor) prepareSingles() {
	if c.singles == nil {
		c.singles = new(singles)
	}
	*c.singles = singles{}
}

func (c *compressor) moveSingles(n uint16) { movePositions(c.singles[:], n) }

// greedy takes the first match that a table of one position per hash gives.
func (c *compressor) greedy() {
	b, table, tokens := c.view(), c.singles, &c.w.tokens
	limit, end := c.limit, c.to
	step, i := c.stride(), c.indexed
	for from := c.from; i < from; i += step {
		table[hash6(load(b, i), 64-maxSingles)] = uint16(i)
	}
	c.indexed = i
	i = c.from
	literals, k := i, uint(0)
	for i+greedyMatch <= end && k < maxTokens {
		v := load(b, i)
		p := &table[hash6(v, 64-maxSingles)]
		j := uint(*p)
		*p = uint16(i)
		x := load(b, j) ^ v
		d := i - j
		if x<<16 != 0 || j == 0 || d > limit {
			tokens[k&tokenMask] = token(v & 0xff)
			k++
			i++
			if i > literals+32 {
				i, k = c.skip(i, k, min((i-literals)>>5, 64, end-i))
			}
			continue
		}
		n := uint(bits.TrailingZeros64(x)) >> 3
		y := load(b, i+8) ^ load(b, j+8)
		n += uint(bits.TrailingZeros64(y)) >> 3 * (n >> 3)
		last := i + n
		m := extendBack(b, i, d, i-literals)
		i -= m
		k -= m
		if n == 16 {
			last = extend(b, last, d, i+maxMatch)
		}
		last = min(last, end)
		tokens[k&tokenMask] = lengthTokens[uint8(last-i-minMatch)]
		tokens[(k+1)&tokenMask] = distanceToken(d)
		k += 2
		i, literals = last, last
		table[hash6(load(b, i-1), 64-maxSingles)] = uint16(i - 1)
		table[hash6(load(b, i-3), 64-maxSingles)] = uint16(i - 3)
	}
	c.finish(i, k, greedyMatch)
}
