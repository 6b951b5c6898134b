package deflate

// threeBits is the size of the table for matches of three bytes, which pay only
// over short distances.
const (
	threeBits     = 13
	threeDistance = 4096
)

// chained looks through chains of positions with the same hash, and puts a match off
// by one byte if a longer one begins there.
func (c *compressor) chained() {
	if c.chain == nil {
		c.chain = make([]uint16, maxDistance)
		c.threes = make([]uint32, 1<<threeBits)
	}
	end := len(c.buf)
	b := c.buf[:end+slack]
	for ; c.indexed < c.start; c.indexed++ {
		c.insert(b, c.indexed)
	}
	l := c.level
	literals := c.start
	for i := c.start; i < end; {
		length, distance := c.longest(b, i, minMatch-1, l.depth)
		if length < minMatch {
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
		c.sequence(i-literals, length, distance)
		i += length
		literals = i
	}
}

// insert puts position i, and all before it that are not there yet, into the tables
// and returns how far back the last ones with the same first four and three bytes
// are.
func (c *compressor) insert(b []byte, i int) (four, three uint32) {
	v, pos := load32(b, i), c.base+uint32(i)
	p := &c.table[hash4(v, c.tableBits)]
	four = pos - *p
	*p = pos
	c.chain[pos&(maxDistance-1)] = uint16(min(four, 1<<16-1))
	q := &c.threes[hash3(v, threeBits)]
	three = pos - *q
	*q = pos
	return four, three
}

// longest returns the longest match at i that is longer than least.
func (c *compressor) longest(b []byte, i, least, depth int) (length, distance int) {
	for ; c.indexed < i; c.indexed++ {
		c.insert(b, c.indexed)
	}
	c.indexed++
	end := min(len(c.buf), i+maxMatch)
	four, three := c.insert(b, i)
	length = least
	if i+length >= end {
		return 0, 0
	}
	v := load32(b, i)
	if length < 4 && three <= min(c.limit, threeDistance) && (load32(b, i-int(three))^v)<<8 == 0 {
		length, distance = matchLength(b, i, i-int(three), end), int(three)
		if length <= least {
			length, distance = least, 0
		}
	}
	for d := four; d <= c.limit && depth > 0; depth-- {
		j := i - int(d)
		if b[j+length] == b[i+length] && load32(b, j) == v {
			if n := matchLength(b, i, j, end); n > length {
				length, distance = n, int(d)
				if n >= c.level.nice || i+n >= end {
					break
				}
			}
		}
		next := uint32(c.chain[(c.base+uint32(j))&(maxDistance-1)])
		d += next
	}
	if distance == 0 {
		return 0, 0
	}
	return length, distance
}
