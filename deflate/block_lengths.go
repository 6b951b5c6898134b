package deflate

// repeatBits has the number of extra bits by code length symbol.
var repeatBits = [codeLengthCodes]uint8{repeatLast: 2, repeatZero: 3, repeatZeroLong: 7}

// lengthCoder writes the code lengths of a block with codes of its own.
//
// RFC 1951, section 3.2.7.
type lengthCoder struct {
	literals, distances int // codes declared
	codes               int // code length codes declared
	items               []lengthItem
	freq                [codeLengthCodes]uint32
	huff                huffman
	table               [codeLengthCodes]code
	all                 [maxLiterals + maxDistances]uint8
}

// lengthItem is a symbol of the code length code with its extra bits.
type lengthItem struct{ symbol, extra uint8 }

// build takes the lengths of both codes, which are written as one sequence, and
// returns the number of bits that they take.
func (c *lengthCoder) build(lit, dist []uint8) int {
	c.literals, c.distances = trimmed(lit, endOfBlock+1), trimmed(dist, 1)
	n := copy(c.all[:], lit[:c.literals])
	n += copy(c.all[n:], dist[:c.distances])
	c.items = c.items[:0]
	clear(c.freq[:])
	for lens := c.all[:n]; len(lens) > 0; {
		run := 1
		for run < len(lens) && lens[run] == lens[0] {
			run++
		}
		c.run(lens[0], run)
		lens = lens[run:]
	}
	total := 14 + c.huff.build(c.freq[:], codeLengthBits)
	total += 2*int(c.freq[repeatLast]) + 3*int(c.freq[repeatZero]) + 7*int(c.freq[repeatZeroLong])
	for c.codes = codeLengthCodes; c.codes > 4 && c.huff.lens[codeLengthOrder[c.codes-1]] == 0; {
		c.codes--
	}
	return total + 3*c.codes
}

// trimmed returns the number of lengths up to the last that is not zero, but at
// least the number given.
func trimmed(lens []uint8, least int) int {
	n := len(lens)
	for n > least && lens[n-1] == 0 {
		n--
	}
	return n
}

// run adds n equal lengths.
func (c *lengthCoder) run(length uint8, n int) {
	if length != 0 {
		c.add(length, 0)
		n--
	}
	for n >= 3 {
		switch {
		case length != 0:
			m := min(n, 6)
			c.add(repeatLast, uint8(m-3))
			n -= m
		case n <= 10:
			c.add(repeatZero, uint8(n-3))
			n = 0
		default:
			m := min(n, 138)
			c.add(repeatZeroLong, uint8(m-11))
			n -= m
		}
	}
	for range n {
		c.add(length, 0)
	}
}

func (c *lengthCoder) add(symbol, extra uint8) {
	c.items = append(c.items, lengthItem{symbol, extra})
	c.freq[symbol]++
}

// writeLengths appends what stands between the header of the block and its data.
func (w *blockWriter) writeLengths(dst []byte) []byte {
	c := &w.lens
	dst = w.put(dst, uint64(c.literals-257)|uint64(c.distances-1)<<5|uint64(c.codes-4)<<10, 14)
	for _, symbol := range codeLengthOrder[:c.codes] {
		dst = w.put(dst, uint64(c.huff.lens[symbol]), 3)
	}
	c.huff.assign(c.table[:], repeatBits[:])
	for _, item := range c.items {
		a := c.table[item.symbol]
		dst = w.put(dst, a.with(token(item.extra)), uint(a.all))
	}
	return dst
}
