package deflate

import (
	"encoding/binary"
	"slices"
)

// sequence is a number of literals and the match that follows them.
type sequence struct {
	literals uint32
	length   uint16
	distance uint16 // less one
}

// Symbols and extra bits of lengths less minMatch, and of distances less one.
var (
	lengthSymbols [maxMatch - minMatch + 1]uint8 // less endOfBlock+1
	lengthExtra   [maxLiterals - endOfBlock - 1]uint8
	lengthBase    [maxLiterals - endOfBlock - 1]uint8 // less minMatch
	// Distances beyond 256 by their bits above the lowest seven.
	distanceSymbols [512]uint8
	distanceExtra   [maxDistances]uint8
	distanceBase    [maxDistances]uint16
)

func init() {
	for i := range lengthBase {
		base, extra := lengthRange(i + endOfBlock + 1)
		lengthBase[i], lengthExtra[i] = uint8(base-minMatch), uint8(extra)
		for j := base; j < base+1<<extra && j <= maxMatch; j++ {
			lengthSymbols[j-minMatch] = uint8(i)
		}
	}
	for i := range distanceBase {
		base, extra := distanceRange(i)
		distanceBase[i], distanceExtra[i] = uint16(base-1), uint8(extra)
		for j := base - 1; j < base-1+1<<extra; j++ {
			if j < 256 {
				distanceSymbols[j] = uint8(i)
			} else {
				distanceSymbols[256+j>>7] = uint8(i)
			}
		}
	}
}

// distanceSymbol returns the symbol for a distance less one.
func distanceSymbol(d uint16) uint8 {
	if d < 256 {
		return distanceSymbols[d]
	}
	return distanceSymbols[256+int(d>>7)]
}

// blockWriter turns literals and matches into blocks. It picks the type of block by
// its exact size.
type blockWriter struct {
	bits uint64 // not written yet, the next bit lowest
	nb   uint

	seqs     []sequence
	litFreq  [allLiterals]uint32
	distFreq [allDistances]uint32
	lit      huffman
	dist     huffman
	lens     lengthCoder
}

// fewSymbols is the number of literals and matches below which codes of its own
// cannot pay for a block.
const fewSymbols = 24

// block appends text, which seqs and the literals after them stand for.
func (w *blockWriter) block(dst, text []byte) []byte {
	symbols, extra := w.tally(text)
	fixed := 3 + extra + cost(w.litFreq[:], fixedLiteralCodes[:]) + cost(w.distFreq[:], fixedDistanceCodes[:])
	best := min(fixed, w.storedCost(len(text)))
	if symbols >= fewSymbols {
		w.lit.build(w.litFreq[:maxLiterals], maxCodeLength)
		w.dist.build(w.distFreq[:maxDistances], maxCodeLength)
		w.lens.build(w.lit.lens[:maxLiterals], w.dist.lens[:maxDistances])
		own := 3 + extra + w.lens.cost() + cost(w.litFreq[:maxLiterals], w.lit.codes[:]) + cost(w.distFreq[:maxDistances], w.dist.codes[:])
		if own < best {
			dst = slices.Grow(dst, own/8+16)
			dst = w.put(dst, 2<<1, 3)
			dst = w.writeLengths(dst)
			return w.writeSymbols(dst, text, &w.lit.codes, (*[allDistances]code)(w.dist.codes[:]))
		}
	}
	if fixed > best {
		return w.stored(dst, text)
	}
	dst = slices.Grow(dst, fixed/8+16)
	dst = w.put(dst, 1<<1, 3)
	return w.writeSymbols(dst, text, &fixedLiteralCodes, &fixedDistanceCodes)
}

// tally counts the symbols of the block, each kind and all together, and the extra
// bits.
func (w *blockWriter) tally(text []byte) (symbols, extra int) {
	clear(w.litFreq[:])
	clear(w.distFreq[:])
	symbols = len(w.seqs)
	for _, s := range w.seqs {
		for _, c := range text[:s.literals] {
			w.litFreq[c]++
		}
		symbols += int(s.literals)
		text = text[s.literals+uint32(s.length):]
		l, d := lengthSymbols[s.length-minMatch], distanceSymbol(s.distance)
		w.litFreq[endOfBlock+1+int(l)]++
		w.distFreq[d&31]++
	}
	for _, c := range text {
		w.litFreq[c]++
	}
	w.litFreq[endOfBlock] = 1
	for i, n := range lengthExtra {
		extra += int(n) * int(w.litFreq[endOfBlock+1+i])
	}
	for i, n := range distanceExtra {
		extra += int(n) * int(w.distFreq[i])
	}
	return symbols + len(text), extra
}

// cost returns the number of bits that symbols take.
func cost(freq []uint32, codes []code) (n int) {
	codes = codes[:len(freq)]
	for i, f := range freq {
		n += int(f) * int(codes[i]>>16)
	}
	return n
}

// storedCost returns the number of bits that n bytes take as stored blocks.
func (w *blockWriter) storedCost(n int) int {
	bits := 0
	for nb := w.nb; n > 0; nb = 0 {
		bits += 3 + int(-(nb+3)&7) + 32 + 8*min(n, maxStored)
		n -= min(n, maxStored)
	}
	return bits
}

// maxStored is the number of bytes that a stored block can hold.
const maxStored = 1<<16 - 1

// stored appends text as it is.
//
// RFC 1951, section 3.2.4.
func (w *blockWriter) stored(dst, text []byte) []byte {
	for len(text) > 0 {
		n := min(len(text), maxStored)
		dst = w.beginStored(dst)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(n))
		dst = binary.LittleEndian.AppendUint16(dst, ^uint16(n))
		dst = append(dst, text[:n]...)
		text = text[n:]
	}
	return dst
}

// beginStored appends what comes before the length of a stored block, up to the next
// whole byte.
func (w *blockWriter) beginStored(dst []byte) []byte {
	w.nb += 3
	for ; w.nb > 0; w.nb -= min(w.nb, 8) {
		dst = append(dst, byte(w.bits))
		w.bits >>= 8
	}
	return dst
}

// put appends the low n bits of v, of which there are at most 32. At most seven bits
// stay behind.
func (w *blockWriter) put(dst []byte, v uint64, n uint) []byte {
	w.bits |= v << w.nb
	for w.nb += n; w.nb >= 8; w.nb -= 8 {
		dst = append(dst, byte(w.bits))
		w.bits >>= 8
	}
	return dst
}

// writeSymbols appends the literals and matches of text and the end of the block,
// for which dst has the capacity and eight bytes more.
//
// RFC 1951, section 3.2.3.
func (w *blockWriter) writeSymbols(dst, text []byte, lit *[allLiterals]code, dist *[allDistances]code) []byte {
	out, n := dst[:cap(dst)], len(dst)
	bits, nb := w.bits, w.nb
	for i := 0; ; i++ {
		run := text
		if i < len(w.seqs) {
			run = text[:w.seqs[i].literals]
		}
		// Three codes and the bits left over fit in 64.
		for len(run) >= 3 {
			a, b, c := lit[run[0]], lit[run[1]], lit[run[2]]
			bits |= a.bits() << (nb & 63)
			nb += a.len()
			bits |= b.bits() << (nb & 63)
			nb += b.len()
			bits |= c.bits() << (nb & 63)
			nb += c.len()
			binary.LittleEndian.PutUint64(out[n:], bits)
			n += int(nb >> 3)
			bits >>= nb & 56
			nb &= 7
			run = run[3:]
		}
		for _, c := range run {
			bits |= lit[c].bits() << (nb & 63)
			nb += lit[c].len()
		}
		binary.LittleEndian.PutUint64(out[n:], bits)
		n += int(nb >> 3)
		bits >>= nb & 56
		nb &= 7
		if i == len(w.seqs) {
			break
		}
		s := w.seqs[i]
		text = text[s.literals+uint32(s.length):]
		length := uint8(s.length - minMatch)
		l := lengthSymbols[length]
		a := lit[endOfBlock+1+int(l)]
		bits |= a.bits() << (nb & 63)
		nb += a.len()
		bits |= uint64(length-lengthBase[l]) << (nb & 63)
		nb += uint(lengthExtra[l])
		d := distanceSymbol(s.distance)
		b := dist[d&31]
		bits |= b.bits() << (nb & 63)
		nb += b.len()
		bits |= uint64(s.distance-distanceBase[d]) << (nb & 63)
		nb += uint(distanceExtra[d])
		binary.LittleEndian.PutUint64(out[n:], bits)
		n += int(nb >> 3)
		bits >>= nb & 56
		nb &= 7
	}
	w.bits, w.nb = bits, nb
	return w.put(out[:n], lit[endOfBlock].bits(), lit[endOfBlock].len())
}
