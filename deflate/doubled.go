package deflate

import "math/bits"

const (
	doubledMatch = 5 // least length
	longMatch    = 8 // length of matches that are taken at once
	maxDoubles   = 13
)

// doubles has for each hash of the next eight bytes, and for each of the next five, the
// last position; 0 is none. Both tables together fit in the first level of a cache.
type doubles struct{ long, short [1 << maxDoubles]uint16 }

// put remembers position i, where v begins.
func (t *doubles) put(i uint, v uint64) {
	t.long[hash8(v, 64-maxDoubles)] = uint16(i)
	t.short[hash5(v, 64-maxDoubles)] = uint16(i)
}

func (c *compressor) prepareDoubles() {
	if c.doubles == nil {
		c.doubles = new(doubles)
	}
	*c.doubles = doubles{}
}

func (c *compressor) moveDoubles(n uint16) {
	movePositions(c.doubles.long[:], n)
	movePositions(c.doubles.short[:], n)
}

// doubled takes the last position with the same eight bytes, or one with the same five
// if the next byte has none with eight, and looks for a longer match where it ends.
func (c *compressor) doubled() {
	b, t, tokens := c.view(), c.doubles, &c.w.tokens
	limit, end, every := c.limit, c.to, c.level.step
	i, from := c.indexed, c.from
	for step := c.stride(); i < from; i += step {
		t.put(i, load(b, i))
	}
	i = from
	literals, k := i, uint(0)
	for i+doubledMatch <= end && k < maxTokens {
		v := load(b, i)
		p, q := &t.long[hash8(v, 64-maxDoubles)], &t.short[hash5(v, 64-maxDoubles)]
		j, near := uint(*p), uint(*q)
		*p, *q = uint16(i), uint16(i)
		d, n := i-j, uint(longMatch)
		if load(b, j) != v || d > limit || j == 0 {
			d = i - near
			x := load(b, near) ^ v
			if x<<24 != 0 || d > limit || near == 0 {
				tokens[k&tokenMask] = token(v & 0xff)
				k++
				i++
				if i > literals+32 {
					i, k = c.skip(i, k, min((i-literals)>>5, 64, end-i))
				}
				continue
			}
			n = uint(bits.TrailingZeros64(x)) >> 3
			w := load(b, i+1)
			p := &t.long[hash8(w, 64-maxDoubles)]
			j := uint(*p)
			*p = uint16(i + 1)
			if e := i + 1 - j; load(b, j) == w && e <= limit && j != 0 {
				tokens[k&tokenMask] = token(v & 0xff)
				k++
				i++
				d, n = e, longMatch
			}
		}
		if n == longMatch {
			n = extend(b, i+longMatch, d, min(i+maxMatch, end)) - i
		}
		start, next := i, i+1
		i, n, d = c.furtherDoubled(start, n, d)
		last := i + n
		if i > start {
			tokens[k&tokenMask] = token(b[start&(viewSize-1)])
			tokens[(k+1)&tokenMask] = token(b[(start+1)&(viewSize-1)])
			k += passed
		}
		m := extendBack(b, i, d, i-literals)
		i -= m
		k -= m
		last = min(last, end, i+maxMatch)
		tokens[k&tokenMask] = lengthTokens[uint8(last-i-minMatch)]
		tokens[(k+1)&tokenMask] = distanceToken(d)
		k += 2
		for ; next < last; next += every {
			t.put(next, load(b, next))
		}
		i, literals = last, last
	}
	c.finish(i, k, doubledMatch)
}

// furtherDoubled looks for a longer match than the one that begins at i.
func (c *compressor) furtherDoubled(i, n, d uint) (begin, length, distance uint) {
	last, begin := i+n, i
	if n >= longAlready || last+longMatch > c.to {
		return i, n, d
	}
	v := load(c.view(), last)
	short := last - uint(c.doubles.short[hash5(v, 64-maxDoubles)])
	long := last - uint(c.doubles.long[hash8(v, 64-maxDoubles)])
	if short <= c.limit && short != last {
		if from, m := c.across(i, last, short); m > n {
			begin, n, d = from, m, short
		}
	}
	if long <= c.limit && long != last && long != short {
		if from, m := c.across(i, last, long); m > n {
			begin, n, d = from, m, long
		}
	}
	return begin, n, d
}
