package deflate

import "math/bits"

// code is a Huffman code as it is written.
type code struct {
	bits  uint16 // in the order of the stream
	all   uint16 // number of bits, extra bits included
	scale uint32 // what extra bits are multiplied with to stand behind the code
}

// with returns the code with its extra bits.
func (c *code) with(extra token) uint64 { return uint64(c.bits) + uint64(extra)*uint64(c.scale) }

// newCode returns a code of n bits, with the first of them highest.
func newCode(first uint16, n, extra uint8) code {
	return code{bits.Reverse16(first) >> (16 - n&31), uint16(n + extra), 1 << (n & 31)}
}

// huffman makes codes from frequencies. It holds scratch space and, between build
// and the next one, the code.
type huffman struct {
	lens   [allLiterals]uint8
	count  [maxCodeLength + 1]int
	sorted [allLiterals + 1]uint32 // one more than there are symbols
	spare  [allLiterals]uint32
	weight [allLiterals]uint32
}

// build makes the code for freq whose codes have at most limit bits, and returns the
// number of bits that all symbols take. With a single symbol its code has one bit.
func (h *huffman) build(freq []uint32, limit int) (total int) {
	clear(h.lens[:len(freq)])
	sorted := h.sort(freq)
	if len(sorted) == 0 {
		return 0
	}
	h.count = [maxCodeLength + 1]int{}
	h.countLengths(sorted, freq, limit, &h.count)
	// The rarest symbols get the longest codes.
	i := 0
	for n := limit; n > 0; n-- {
		for range h.count[n] {
			h.lens[sorted[i]] = uint8(n)
			total += n * int(freq[sorted[i]])
			i++
		}
	}
	return total
}

// assign sets the codes for symbols with these numbers of extra bits.
func (h *huffman) assign(codes []code, extra []uint8) {
	assignCodes(codes, h.lens[:len(codes)], extra[:len(codes)], &h.count)
}

// sort returns the symbols that occur, the rarest first.
func (h *huffman) sort(freq []uint32) []uint32 {
	n, most := 0, uint32(0)
	for symbol, f := range freq {
		// Without a branch: which symbols occur is hard to foresee.
		h.sorted[n] = uint32(symbol)
		n += int((f | -f) >> 31)
		most = max(most, f)
	}
	from, to := h.sorted[:n], h.spare[:n]
	for shift := 0; most>>shift != 0; shift += 8 {
		var start [256]uint16
		for _, symbol := range from {
			start[freq[symbol]>>shift&0xff]++
		}
		sum := uint16(0)
		for i, used := range start[:min(most>>shift, 255)+1] {
			start[i] = sum
			sum += used
		}
		for _, symbol := range from {
			p := &start[freq[symbol]>>shift&0xff]
			to[*p] = symbol
			*p++
		}
		from, to = to, from
	}
	return from
}

// countLengths sets the number of codes of each length. It builds the Huffman tree
// in the array of weights, as Moffat and Katajainen have shown: first pairs of the
// lightest nodes, then the depths of the inner nodes from the root down.
func (h *huffman) countLengths(sorted, freq []uint32, limit int, count *[maxCodeLength + 1]int) {
	n := len(sorted)
	if n == 1 {
		count[1] = 1
		return
	}
	inner := h.weight[:n-1] // weight of an inner node, then its parent, then its depth
	leaf, root := 0, 0
	for next := range inner {
		w := uint32(0)
		for range 2 {
			if leaf < n && (root == next || freq[sorted[leaf]] <= inner[root]) {
				w += freq[sorted[leaf]]
				leaf++
			} else {
				w += inner[root]
				inner[root] = uint32(next)
				root++
			}
		}
		inner[next] = w
	}
	inner[n-2] = 0
	for i := n - 3; i >= 0; i-- {
		inner[i] = inner[inner[i]] + 1
	}
	// Of the nodes of each depth those that are not inner ones are leaves.
	nodes, i := 1, n-2
	for depth := 0; nodes > 0; depth++ {
		inside := 0
		for ; i >= 0 && inner[i] == uint32(depth); i-- {
			inside++
		}
		count[min(depth, limit)] += nodes - inside
		nodes = 2 * inside
	}
	shorten(count, limit)
}

// shorten makes a code with lengths cut off at limit a prefix code again.
func shorten(count *[maxCodeLength + 1]int, limit int) {
	room := 1 << limit
	for n := 1; n <= limit; n++ {
		room -= count[n] << (limit - n)
	}
	for ; room < 0; room++ {
		// A leaf becomes an inner node with itself and one of the longest below.
		n := limit - 1
		for count[n] == 0 {
			n--
		}
		count[n]--
		count[n+1] += 2
		count[limit]--
	}
}

// assignCodes sets the codes that the lengths describe.
//
// RFC 1951, section 3.2.2.
func assignCodes(codes []code, lens, extra []uint8, count *[maxCodeLength + 1]int) {
	var next [maxCodeLength + 2]uint16
	for n := 1; n <= maxCodeLength; n++ {
		next[n+1] = (next[n] + uint16(count[n])) << 1
	}
	extra = extra[:len(lens)]
	codes = codes[:len(lens)]
	for symbol, n := range lens {
		codes[symbol] = newCode(next[n&15], n, extra[symbol])
		next[n&15]++
	}
}

// The fixed codes.
//
// RFC 1951, section 3.2.6.
var fixedCodes = func() (codes [tokenSymbols]code) {
	lens := fixedLengths()
	var count [maxCodeLength + 1]int
	for _, n := range lens {
		count[n]++
	}
	assignCodes(codes[:allLiterals], lens[:], extraBits[:], &count)
	for i := range allDistances {
		codes[distanceTokens+i] = newCode(uint16(i), 5, extraBits[distanceTokens+i])
	}
	return codes
}()
