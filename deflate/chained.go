package deflate

import "math/bits"

const (
	chainedMatch = 5 // least length
	// Numbers of bits that positions are hashed to.
	minTableBits = 9
	maxTableBits = 15
	// thorough is the number of candidates from which on time is no object.
	thorough = 64
	// furtherDepth is the number of candidates at the end of a match, at most.
	furtherDepth = 32
)

// chains has for each hash the last position, 0 for none, and for each position how
// far back the one before with the same hash is.
type chains struct {
	heads [1 << maxTableBits]uint16
	back  [maxDistance]uint16
	base  uint // what is added to a position to index back
	shift uint // 64 less the number of bits that positions are hashed to
}

// put remembers position j, where v begins, and returns how far back the one before with
// the same hash is.
func (t *chains) put(j uint, v uint64) (back uint) {
	p := &t.heads[hash5(v, t.shift)%uint(len(t.heads))]
	back = j - uint(*p)
	if *p == 0 {
		back = 1<<16 - 1
	}
	*p = uint16(j)
	t.back[(t.base+j)%maxDistance] = uint16(back)
	return back
}

func (c *compressor) prepareChains() {
	if c.chains == nil {
		c.chains = new(chains)
	}
	n := min(max(uint(bits.Len(uint(c.end-1))), minTableBits), maxTableBits, uint(bits.Len(c.limit))+2)
	clear(c.chains.heads[:1<<n])
	c.chains.shift = 64 - n
}

func (c *compressor) moveChains(n uint16) {
	movePositions(c.chains.heads[:], n)
	c.chains.base += uint(n)
}

// chained looks through chains of positions with the same hash, and puts a match off
// by one byte if a longer one begins there.
func (c *compressor) chained() {
	b, l, tokens := c.view(), c.level, &c.w.tokens
	if l.depth < thorough {
		t, j := c.chains, c.indexed
		for step := c.stride(); j < c.from; j += step {
			t.put(j, load(b, j))
		}
		c.indexed = j
	}
	i, literals, k, end := c.from, c.from, uint(0), c.to
	for i+chainedMatch <= end && k < maxTokens {
		length, distance := c.longest(b, i, chainedMatch-1, l.depth)
		if length < chainedMatch {
			tokens[k&tokenMask] = token(b[i&(viewSize-1)])
			k++
			i++
			continue
		}
		// RFC 1951, section 4, describes this lazy matching.
		for length < l.lazy && i+1 < end {
			depth := l.depth
			if length >= l.good {
				depth >>= 2
			}
			n, d := c.longest(b, i+1, length, depth)
			if n <= length {
				break
			}
			tokens[k&tokenMask] = token(b[i&(viewSize-1)])
			k++
			i++
			length, distance = n, d
		}
		start := i
		if length < l.lazy {
			i, length, distance = c.furtherChained(i, length, distance)
		}
		last := i + length
		if i > start {
			tokens[k&tokenMask] = token(b[start&(viewSize-1)])
			tokens[(k+1)&tokenMask] = token(b[(start+1)&(viewSize-1)])
			k += passed
		}
		// It may have begun between the positions of the history that were indexed.
		m := extendBack(b, i, distance, i-literals)
		i -= m
		k -= m
		last = min(last, i+maxMatch)
		tokens[k&tokenMask] = lengthTokens[uint8(last-i-minMatch)]
		tokens[(k+1)&tokenMask] = distanceToken(distance)
		k += 2
		i, literals = last, last
	}
	indexed := c.indexed
	c.finish(i, k, chainedMatch)
	c.indexed = indexed
}

// index puts the positions up to i into the tables and returns how far back the last
// one is with the same first five bytes as i has.
func (c *compressor) index(b *view, i uint) (back uint) {
	t := c.chains
	for j := c.indexed; j <= i; j++ {
		back = t.put(j, load(b, j))
	}
	c.indexed = i + 1
	return back
}

// longest puts the positions up to i into the tables and returns the longest match
// at i that is longer than least.
func (c *compressor) longest(b *view, i, least uint, depth int) (length, distance uint) {
	d := c.index(b, i)
	end := min(c.to, i+maxMatch)
	if d > c.limit || i+least >= end {
		return 0, 0
	}
	v, limit, back, pos := load(b, i), c.limit, &c.chains.back, c.chains.base+i
	length = least
	for ; d <= limit && depth > 0; depth-- {
		// The last five bytes of a longer one.
		off := length - (chainedMatch - 1)
		if (load(b, i-d+off)^load(b, i+off))<<24 == 0 && (load(b, i-d)^v)<<24 == 0 {
			if n := extend(b, i, d, end) - i; n > length {
				length, distance = n, d
				if n >= c.level.nice || i+n >= end {
					break
				}
			}
		}
		d += uint(back[(pos-d)%maxDistance])
	}
	if distance == 0 {
		return 0, 0
	}
	return length, distance
}

// furtherChained looks for a longer match than the one that begins at i.
func (c *compressor) furtherChained(i, n, d uint) (begin, length, distance uint) {
	last, begin := i+n, i
	if last+chainedMatch > c.to {
		return i, n, d
	}
	t := c.chains
	p := uint(t.heads[hash5(load(c.view(), last), c.chains.shift)%uint(len(t.heads))])
	if p == 0 {
		return i, n, d
	}
	far := last - p
	for depth := min(max(c.level.depth/4, 4), furtherDepth); far <= c.limit && depth > 0; depth-- {
		if from, m := c.across(i, last, far); m > n {
			begin, n, d = from, m, far
		}
		far += uint(t.back[(t.base+last-far)%maxDistance])
	}
	return begin, n, d
}
