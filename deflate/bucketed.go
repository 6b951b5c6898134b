package deflate

import "math/bits"

const (
	bucketMatch = 5 // least length
	maxBuckets  = 13
)

// buckets has for each hash the last four positions, the latest lowest; 0 is none.
type buckets [1 << maxBuckets]uint64

func (c *compressor) prepareBuckets() {
	if c.buckets == nil {
		c.buckets = new(buckets)
	}
	c.shift = max(c.shift+1, 64-maxBuckets)
	clear(c.buckets[:1<<(64-c.shift)])
}

func (c *compressor) moveBuckets(n uint16) {
	for i, e := range c.buckets {
		moved := uint64(0)
		for s := 0; s < 64; s += 16 {
			p := uint16(e >> s)
			moved |= uint64(p-min(p, n)) << s
		}
		c.buckets[i] = moved
	}
}

// bucketed looks at the last two positions with the same hash, puts a match off by
// one byte if a better one begins there, and looks for a longer one where it ends.
func (c *compressor) bucketed() {
	b, table, tokens := c.view(), c.buckets, &c.w.tokens
	shift, limit, end := c.shift, c.limit, c.to
	for step := c.stride(); c.indexed < c.from; c.indexed += step {
		p := &table[hash5(load(b, c.indexed), shift)%uint(len(table))]
		*p = *p<<16 | uint64(uint16(c.indexed))
	}
	i, literals, k := c.from, c.from, uint(0)
	var score, start, length, distance uint // of the match put off
	for i+bucketMatch <= end && k < maxTokens || score > 0 {
		v := load(b, i)
		p := &table[hash5(v, shift)%uint(len(table))]
		e := *p
		*p = e<<16 | uint64(uint16(i))
		before := score
		// Is there one at least as long? The last five of its bytes tell.
		off := max(length, bucketMatch) - bucketMatch
		w := load(b, i+off)
		x := load(b, uint(uint16(e))+off) ^ w
		y := load(b, uint(uint16(e>>16))+off) ^ w
		if min(x<<24, y<<24) == 0 {
			for range 2 {
				j := uint(uint16(e))
				e >>= 16
				d := i - j
				if j == 0 || d > limit {
					break
				}
				x := load(b, j) ^ v
				n := uint(bits.TrailingZeros64(x)) >> 3
				if n == 8 {
					n = extend(b, i+8, d, i+maxMatch) - i
				}
				n = min(n, end-i)
				if s := 5*n - uint(bits.Len(d)); n >= bucketMatch && s > score {
					score, start, length, distance = s, i, n, d
				}
			}
		}
		if score == 0 || score > before && length < c.level.lazy {
			tokens[k&tokenMask] = token(v & 0xff)
			k++
			i++
			if i > literals+64 && score == 0 {
				i, k = c.skip(i, k, min((i-literals)>>6, 64, end-i))
			}
			continue
		}
		next := i + 1
		k -= i - start
		i, length, distance = c.further(start, length, distance)
		last := i + length
		if i > start {
			tokens[k&tokenMask] = token(b[start&(viewSize-1)])
			tokens[(k+1)&tokenMask] = token(b[(start+1)&(viewSize-1)])
			k += passed
		}
		m := extendBack(b, i, distance, i-literals)
		i -= m
		k -= m
		last = min(last, i+maxMatch)
		tokens[k&tokenMask] = lengthTokens[uint8(last-i-minMatch)]
		tokens[(k+1)&tokenMask] = distanceToken(distance)
		k += 2
		for ; next < last; next += c.level.step {
			p := &table[hash5(load(b, next), shift)%uint(len(table))]
			*p = *p<<16 | uint64(uint16(next))
		}
		i, literals, score, length = last, last, 0, 0
	}
	c.finish(i, k, bucketMatch)
}

// further looks for a longer match than the one that begins at i.
func (c *compressor) further(i, n, d uint) (begin, length, distance uint) {
	last, begin := i+n, i
	if n >= longAlready || last+bucketMatch > c.to {
		return i, n, d
	}
	v := load(c.view(), last)
	for e := c.buckets[hash5(v, c.shift)%uint(len(c.buckets))]; e != 0; e >>= 16 {
		far := last - uint(uint16(e))
		if far > c.limit {
			break
		}
		if from, m := c.across(i, last, far); m > n {
			begin, n, d = from, m, far
		}
	}
	return begin, n, d
}
