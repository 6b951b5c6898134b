package deflate

// chained looks through chains of positions with the same hash, and puts a match off
// by one byte if a longer one begins there.
func (c *compressor) chained() {
	if c.chain == nil {
		c.chain = make([]uint16, maxDistance)
	}
	end := len(c.buf)
	b := c.buf[:end+slack]
	for ; c.indexed < c.start; c.indexed++ {
		c.insert(b, c.indexed)
	}
	l := c.level
	literals := c.start
	for i := c.start; i < end; {
		length, distance := c.longest(b, i, leastMatch-1, l.depth)
		if length < leastMatch {
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
		c.w.sequence(b, literals, i, length, distance)
		i += length
		literals = i
	}
	c.w.addLiterals(b, literals, end)
}

// insert puts position i into the tables and returns how far back the last one with
// the same first four bytes is.
func (c *compressor) insert(b []byte, i int) uint32 {
	pos := c.base + uint32(i)
	p := &c.table[hash5(load64(b, i), c.tableBits)]
	back := pos - *p
	*p = pos
	c.chain[pos&(maxDistance-1)] = uint16(min(back, 1<<16-1))
	return back
}

// longest puts the positions up to i into the tables and returns the longest match
// at i that is longer than least.
func (c *compressor) longest(b []byte, i, least, depth int) (length, distance int) {
	for ; c.indexed < i; c.indexed++ {
		c.insert(b, c.indexed)
	}
	c.indexed++
	end := min(len(c.buf), i+maxMatch)
	d := c.insert(b, i)
	if i+least >= end {
		return 0, 0
	}
	v := load64(b, i)
	length = least
	for ; d <= c.limit && depth > 0; depth-- {
		j := i - int(d)
		if b[j+length] == b[i+length] && (load64(b, j)^v)<<24 == 0 {
			if n := matchLength(b, i, j, end); n > length {
				length, distance = n, int(d)
				if n >= c.level.nice || i+n >= end {
					break
				}
			}
		}
		d += uint32(c.chain[(c.base+uint32(j))&(maxDistance-1)])
	}
	if distance == 0 {
		return 0, 0
	}
	return length, distance
}
