package deflate

// thoroughDepth is the number of candidates from which on time is no object.
const thoroughDepth = 64

// chained looks through chains of positions with the same hash, and puts a match off
// by one byte if a longer one begins there.
func (c *compressor) chained() {
	if c.chain == nil {
		c.chain = make([]uint16, maxDistance)
	}
	end := len(c.buf)
	b := c.buf[:end+slack]
	l := c.level
	if l.depth < thoroughDepth {
		for step := c.stride(); c.indexed < c.start; c.indexed += step - 1 {
			c.index(b, c.indexed)
		}
	}
	literals := c.start
	for i := c.start; i < end; {
		length, distance := c.longest(b, i, chainedMatch-1, l.depth)
		if length < chainedMatch {
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
			i++
			length, distance = n, d
		}
		next := i + length
		// It may have begun between the positions of the history that were indexed.
		for i > literals && i > distance && length < maxMatch && b[i-1] == b[i-1-distance] {
			i--
			length++
		}
		c.w.sequence(b, literals, i, length, distance)
		i, literals = next, next
	}
	c.w.addLiterals(b, literals, end)
}

// index puts the positions up to i into the tables and returns how far back the last
// one is with the same first five bytes as i has.
func (c *compressor) index(b []byte, i int) (back uint32) {
	table, chain, n, base := &c.table, (*[maxDistance]uint16)(c.chain), c.tableBits, c.base
	for j := c.indexed; j <= i; j++ {
		pos := base + uint32(j)
		p := &table[hash5(load64(b, j), n)&(1<<maxTableBits-1)]
		back = pos - *p
		*p = pos
		chain[pos&(maxDistance-1)] = uint16(min(back, 1<<16-1))
	}
	c.indexed = i + 1
	return back
}

// longest puts the positions up to i into the tables and returns the longest match
// at i that is longer than least.
func (c *compressor) longest(b []byte, i, least, depth int) (length, distance int) {
	d := c.index(b, i)
	end := min(len(c.buf), i+maxMatch)
	if d > c.limit || i+least >= end {
		return 0, 0
	}
	v, limit, chain, pos := load64(b, i), c.limit, (*[maxDistance]uint16)(c.chain), c.base+uint32(i)
	length = least
	for ; d <= limit && depth > 0; depth-- {
		j := i - int(d)
		if b[j+length] == b[i+length] && (load64(b, j)^v)<<24 == 0 {
			if n := matchLength(b, i, j, end); n > length {
				length, distance = n, int(d)
				if n >= c.level.nice || i+n >= end {
					break
				}
			}
		}
		d += uint32(chain[(pos-d)&(maxDistance-1)])
	}
	if distance == 0 {
		return 0, 0
	}
	return length, distance
}
