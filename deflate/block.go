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
	lengthExtra   [32]uint8
	lengthBase    [32]uint8 // less minMatch
	// Distances beyond 256 by their bits above the lowest seven.
	distanceSymbols [512]uint8
	distanceExtra   [allDistances]uint8
	distanceBase    [allDistances]uint16
)

func init() {
	for i := range maxLiterals - endOfBlock - 1 {
		base, extra := lengthRange(i + endOfBlock + 1)
		lengthBase[i], lengthExtra[i] = uint8(base-minMatch), uint8(extra)
		for j := base; j < base+1<<extra && j <= maxMatch; j++ {
			lengthSymbols[j-minMatch] = uint8(i)
		}
	}
	for i := range maxDistances {
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
	literals []byte // of all sequences, and those after the last
	litFreq  [allLiterals]uint32
	distFreq [allDistances]uint32
	lit      huffman
	dist     huffman
	lens     lengthCoder
}

// literalSlack is room behind the literals for copies of sixteen bytes at a time.
const literalSlack = 16

// reset makes room for the sequences and literals of a block of n bytes.
func (w *blockWriter) reset(n int) {
	w.seqs = w.seqs[:0]
	if cap(w.literals) < n+literalSlack {
		w.literals = make([]byte, 0, cap(w.literals)+n+literalSlack)
	}
	w.literals = w.literals[:0]
}

// sequence adds the literals b[from:to] and the match after them. There are sixteen
// bytes of b after to.
func (w *blockWriter) sequence(b []byte, from, to, length, distance int) {
	w.addLiterals(b, from, to)
	w.seqs = append(w.seqs, sequence{uint32(to - from), uint16(length), uint16(distance - 1)})
}

func (w *blockWriter) addLiterals(b []byte, from, to int) {
	n := len(w.literals)
	w.literals = w.literals[:n+to-from]
	out := w.literals[n : n+literalSlack]
	binary.LittleEndian.PutUint64(out, load64(b, from))
	binary.LittleEndian.PutUint64(out[8:], load64(b, from+8))
	if to-from > 16 {
		copy(w.literals[n:], b[from:to])
	}
}

// fewSymbols is the number of literals and matches below which codes of its own
// hardly pay for a block.
const fewSymbols = 24

// block appends text, which the sequences and literals stand for.
func (w *blockWriter) block(dst, text []byte) []byte {
	fixed, extra := w.tally()
	best := min(fixed, w.storedCost(len(text)))
	if len(w.seqs)+len(w.literals) >= fewSymbols {
		own := 3 + extra + w.lit.build(w.litFreq[:maxLiterals], maxCodeLength) + w.dist.build(w.distFreq[:maxDistances], maxCodeLength)
		if own < best {
			own += w.lens.build(w.lit.lens[:maxLiterals], w.dist.lens[:maxDistances])
		}
		if own < best {
			dst = slices.Grow(dst, own/8+16)
			dst = w.put(dst, 2<<1, 3)
			dst = w.writeLengths(dst)
			return w.writeSymbols(dst, &w.lit.codes, (*[allDistances]code)(w.dist.codes[:]))
		}
	}
	if fixed > best {
		return w.stored(dst, text)
	}
	dst = slices.Grow(dst, fixed/8+16)
	dst = w.put(dst, 1<<1, 3)
	return w.writeSymbols(dst, &fixedLiteralCodes, &fixedDistanceCodes)
}

// tally counts the symbols of the block and returns its size in bits with the fixed
// codes, and what of it are extra bits.
//
// RFC 1951, sections 3.2.5 and 3.2.6.
func (w *blockWriter) tally() (fixed, extra int) {
	clear(w.litFreq[:])
	clear(w.distFreq[:])
	for _, c := range w.literals {
		w.litFreq[c]++
	}
	for _, s := range w.seqs {
		w.litFreq[endOfBlock+1+int(lengthSymbols[s.length-minMatch])]++
		w.distFreq[distanceSymbol(s.distance)&31]++
	}
	w.litFreq[endOfBlock] = 1
	for i, n := range lengthExtra[:maxLiterals-endOfBlock-1] {
		extra += int(n) * int(w.litFreq[endOfBlock+1+i])
	}
	for i, n := range distanceExtra {
		extra += int(n) * int(w.distFreq[i])
	}
	fixed = 3 + extra + 8*(len(w.literals)+len(w.seqs)+1) + 5*len(w.seqs)
	for _, f := range w.litFreq[144:256] {
		fixed += int(f)
	}
	for _, f := range w.litFreq[256:280] {
		fixed -= int(f)
	}
	return fixed, extra
}

// storedCost returns the number of bits that n bytes take as a stored block.
func (w *blockWriter) storedCost(n int) int { return 3 + int(-(w.nb+3)&7) + 32 + 8*n }

// stored appends text as it is, at most 65,535 bytes of it.
//
// RFC 1951, section 3.2.4.
func (w *blockWriter) stored(dst, text []byte) []byte {
	dst = w.beginStored(dst)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(text)))
	dst = binary.LittleEndian.AppendUint16(dst, ^uint16(len(text)))
	return append(dst, text...)
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
// stay behind. dst has room for eight bytes more.
func (w *blockWriter) put(dst []byte, v uint64, n uint) []byte {
	bits, nb := w.bits|v<<(w.nb&63), w.nb+n
	binary.LittleEndian.PutUint64(dst[len(dst):len(dst)+8], bits)
	w.bits, w.nb = bits>>(nb&56), nb&7
	return dst[:len(dst)+int(nb>>3)]
}

// keepTwo has masks for two codes of which none, the first or both count.
var keepTwo = [3][2]code{{0, 0}, {1<<32 - 1, 0}, {1<<32 - 1, 1<<32 - 1}}

// writeSymbols appends the literals and matches and the end of the block, for which
// dst has the capacity and eight bytes more.
//
// RFC 1951, section 3.2.3.
func (w *blockWriter) writeSymbols(dst []byte, lit *[allLiterals]code, dist *[allDistances]code) []byte {
	out, n := dst[:cap(dst)], len(dst)
	bits, nb := w.bits, w.nb
	literals := w.literals[:len(w.literals)+2]
	for i := range w.seqs {
		s := &w.seqs[i]
		run := s.literals
		// Three codes and the bits left over fit in 64.
		for ; run >= 3; run -= 3 {
			a, b, c := lit[literals[0]], lit[literals[1]], lit[literals[2]]
			literals = literals[3:]
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
		}
		// The last two, one or none without asking which.
		keep := &keepTwo[run]
		a, b := lit[literals[0]]&keep[0], lit[literals[1]]&keep[1]
		literals = literals[run:]
		bits |= a.bits() << (nb & 63)
		nb += a.len()
		bits |= b.bits() << (nb & 63)
		nb += b.len()
		binary.LittleEndian.PutUint64(out[n:], bits)
		n += int(nb >> 3)
		bits >>= nb & 56
		nb &= 7

		length := uint8(s.length - minMatch)
		l := lengthSymbols[length]
		a = lit[endOfBlock+1+int(l)]
		bits |= a.bits() << (nb & 63)
		nb += a.len()
		bits |= uint64(length-lengthBase[l]) << (nb & 63)
		nb += uint(lengthExtra[l])
		d := distanceSymbol(s.distance) & 31
		b = dist[d]
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
	dst = out[:n]
	for _, c := range literals[:len(literals)-2] {
		dst = w.put(dst, lit[c].bits(), lit[c].len())
	}
	return w.put(dst, lit[endOfBlock].bits(), lit[endOfBlock].len())
}
