package deflate

import (
	"encoding/binary"
	"math/bits"
)

// What RFC 1951 fixes, sections 3.2.5 to 3.2.7.
const (
	maxLiterals   = 286 // literal/length codes that a block may declare
	maxDistances  = 30
	allLiterals   = 288 // symbols of the fixed literal/length code
	allDistances  = 32
	endOfBlock    = 256
	maxCodeLength = 15
	minMatch      = 3
	maxMatch      = 258
)

// Sizes of the decoding tables: a code is looked up by its first bits, and a longer
// one once more in a subtable. The sums are the most entries that a complete code
// can need for all subtables together.
const (
	literalBits  = 10
	distanceBits = 8
	literalSize  = 1334
	distanceSize = 402
)

type (
	literalTable  [literalSize]uint32
	distanceTable [distanceSize]uint32
)

// An entry of a decoding table:
//
//	bits 0 to 5    bits that the code and its extra bits take
//	bits 8 to 11   bits that the code alone takes; in a link, those that index the subtable
//	bit 12         end of block
//	bit 13         link to a subtable
//	bit 15         none of literal, length and distance
//	bits 16 to 30  literal, least length, least distance, or where the subtable begins
//	bit 31         literal
//
// With bit 15 alone the code stands for nothing.
const (
	entryEnd     = 1 << 12
	entryLink    = 1 << 13
	entrySpecial = 1 << 15
	entryLiteral = 1 << 31
)

// Entries by symbol, without the length of the code.
//
// RFC 1951, section 3.2.5.
var literalEntries, distanceEntries = func() (lit [allLiterals]uint32, dist [allDistances]uint32) {
	for i := range lit {
		switch {
		case i < endOfBlock:
			lit[i] = entryLiteral | uint32(i)<<16
		case i == endOfBlock:
			lit[i] = entrySpecial | entryEnd
		case i < maxLiterals:
			base, extra := lengthRange(i)
			lit[i] = uint32(base)<<16 | uint32(extra)
		default:
			lit[i] = entrySpecial
		}
	}
	for i := range dist {
		dist[i] = entrySpecial
		if i < maxDistances {
			base, extra := distanceRange(i)
			dist[i] = uint32(base)<<16 | uint32(extra)
		}
	}
	return lit, dist
}()

// lengthRange returns the least length that a length symbol stands for and the
// number of its extra bits.
func lengthRange(symbol int) (base, extra int) {
	i := symbol - endOfBlock - 1
	switch {
	case i < 8:
		return minMatch + i, 0
	case i == 28:
		return maxMatch, 0
	}
	extra = i/4 - 1
	return minMatch + (4+i%4)<<extra, extra
}

// distanceRange returns the least distance that a distance symbol stands for and the
// number of its extra bits.
func distanceRange(symbol int) (base, extra int) {
	if symbol < 4 {
		return 1 + symbol, 0
	}
	extra = symbol/2 - 1
	return 1 + (2+symbol%2)<<extra, extra
}

// The tables of the fixed codes.
//
// RFC 1951, section 3.2.6.
var fixedLiterals, fixedDistances = func() (lit literalTable, dist distanceTable) {
	lens := fixedLengths()
	buildTable(lit[:], literalBits, lens[:], literalEntries[:])
	var short [allDistances]uint8
	for i := range short {
		short[i] = 5
	}
	buildTable(dist[:], distanceBits, short[:], distanceEntries[:])
	return lit, dist
}()

// fixedLengths returns the code lengths of the fixed literal/length code.
func fixedLengths() (lens [allLiterals]uint8) {
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	return lens
}

// canonical is a code as its lengths describe it.
type canonical struct {
	count  [maxCodeLength + 1]uint16 // codes per length
	sorted [allLiterals]uint16       // symbols in the order of their codes
}

// read sorts the symbols and reports whether the code can be used: it is complete,
// has one code of one bit, or has no code at all. zlib accepts the same.
//
// RFC 1951, section 3.2.2.
func (c *canonical) read(lens []uint8) bool {
	var used [allLiterals]uint16
	symbols := 0
	for i := 0; i < len(lens); i++ {
		// Most of a code for text is unused, in long runs.
		for i+8 <= len(lens) && binary.LittleEndian.Uint64(lens[i:]) == 0 {
			i += 8
		}
		if i < len(lens) && lens[i] != 0 {
			used[symbols] = uint16(i)
			symbols++
			c.count[lens[i]&15]++
		}
	}
	var next [maxCodeLength + 1]uint16
	room, codes := 1, uint16(0) // codes of the present length that are not taken; codes up to it
	for n := 1; n <= maxCodeLength; n++ {
		next[n] = codes
		codes += c.count[n]
		room = room<<1 - int(c.count[n])
		if room < 0 {
			return false
		}
	}
	for _, symbol := range used[:symbols] {
		n := lens[symbol] & 15
		c.sorted[next[n]] = symbol
		next[n]++
	}
	return room == 0 || codes == 0 || codes == 1 && c.count[1] == 1
}

// buildTable fills a table whose first 1<<primary entries are indexed by the next
// bits of the stream. It reports whether the lengths describe a usable code.
func buildTable(table []uint32, primary int, lens []uint8, entries []uint32) bool {
	var c canonical
	if !c.read(lens) {
		return false
	}
	// Where a code is incomplete or empty, what is left stands for nothing.
	table[0], table[1] = entrySpecial|1<<8|1, entrySpecial|1<<8|1
	sorted, code := c.sorted[:], uint32(0)
	for n := 1; n <= primary; n++ {
		// The table for codes of up to n-1 bits, twice, serves n bits but for the
		// codes of n bits.
		if n > 1 {
			half := 1 << (n - 1)
			copy(table[half:2*half], table[:half])
		}
		code <<= 1
		for range c.count[n] {
			table[reversed(code, n)] = entries[sorted[0]] + uint32(n)<<8 + uint32(n)
			sorted = sorted[1:]
			code++
		}
	}
	c.buildSubtables(table, primary, code, sorted, entries)
	return true
}

// buildSubtables goes on with the codes of more than primary bits, the first of
// which follows on code.
func (c *canonical) buildSubtables(table []uint32, primary int, code uint32, sorted []uint16, entries []uint32) {
	end, prefix := 1<<primary, -1 // of the table so far; of the codes in the present subtable
	start, width := 0, 0
	for n := primary + 1; n <= maxCodeLength; n++ {
		code <<= 1
		for left := int(c.count[n]); left > 0; left-- {
			r := reversed(code, n)
			if p := r & (1<<primary - 1); p != prefix {
				prefix, start, width = p, end, n-primary
				// As wide as the longest code with this prefix.
				for room := 1<<width - left; room > 0; {
					width++
					room = room<<1 - int(c.count[primary+width])
				}
				end += 1 << width
				table[p] = entrySpecial | entryLink | uint32(start)<<16 | uint32(width)<<8
			}
			e := entries[sorted[0]] + uint32(n)<<8 + uint32(n)
			for i := start + r>>primary; i < end; i += 1 << (n - primary) {
				table[i] = e
			}
			sorted = sorted[1:]
			code++
		}
	}
}

// reversed returns the n bits of a code in the order of the stream, first bit lowest.
func reversed(code uint32, n int) int { return int(bits.Reverse16(uint16(code)) >> (16 - n)) }
