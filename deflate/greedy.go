package deflate

// stride returns the step in which the history is put into the table: each byte of
// it costs time even if no match begins there, so where the text is short and the
// history long only some do. A match that begins between two of them is found a
// little later and extended backwards.
func (c *compressor) stride() int {
	history, text := c.start-c.indexed, len(c.buf)-c.start
	switch {
	case history <= text/2 || history <= 1<<11:
		return 1
	case history <= 2*text || history <= 1<<13:
		return 2
	}
	return 4
}

// greedy takes the first match that a table of one position per hash gives.
func (c *compressor) greedy() {
	end, n := len(c.buf), c.tableBits
	b := c.buf[:end+slack]
	for step := c.stride(); c.indexed < c.start; c.indexed += step {
		c.table[hash6(load64(b, c.indexed), n)] = c.base + uint32(c.indexed)
	}
	i, literals := c.start, c.start
	for i+greedyMatch <= end {
		v := load64(b, i)
		h, pos := hash6(v, n), c.base+uint32(i)
		distance := pos - c.table[h]
		c.table[h] = pos
		if distance > c.limit || (load64(b, i-int(distance))^v)<<16 != 0 {
			i += 1 + (i-literals)>>c.level.skip
			continue
		}
		i = c.take(b, i, int(distance), literals)
		literals = i
		c.table[hash6(load64(b, i-1), n)] = c.base + uint32(i-1)
		c.table[hash6(load64(b, i-3), n)] = c.base + uint32(i-3)
	}
	c.indexed = end
	c.w.addLiterals(b, literals, end)
}

// take extends a match of the least length at i in both directions, adds it and
// returns where it ends.
func (c *compressor) take(b []byte, i, distance, literals int) int {
	last := i + greedyMatch
	for i > literals && i > distance && last-i < maxMatch && b[i-1] == b[i-1-distance] {
		i--
	}
	last += matchLength(b, last, last-distance, min(len(c.buf), i+maxMatch))
	c.w.sequence(b, literals, i, last-i, distance)
	return last
}
