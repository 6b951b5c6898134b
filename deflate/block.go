package deflate

import (
	"encoding/binary"
	"slices"
)

// blockWriter turns tokens into blocks. It picks the type of block by its exact size.
type blockWriter struct {
	bits uint64 // not written yet, the next bit lowest
	nb   uint

	tokens [tokenMask + 1]token
	n      int // tokens there are
	size   int // of the block planned, in bits
	freq   [tokenSymbols]uint32
	codes  [tokenSymbols]code
	lit    huffman
	dist   huffman
	lens   lengthCoder
}

// fewSymbols is the number of tokens below which codes of its own
// hardly pay for a block.
const fewSymbols = 24

// blockKind is a type of block, as it is written.
//
// RFC 1951, section 3.2.3.
type blockKind uint8

const (
	storedBlock blockKind = iota
	fixedBlock
	dynamicBlock
)

// plan returns the kind of block that is best for the tokens, which stand for n bytes.
func (w *blockWriter) plan(n int) blockKind {
	fixed, extra := w.tally()
	w.size = min(fixed, w.storedCost(n))
	if w.n >= fewSymbols {
		own := 3 + extra + w.lit.build(w.freq[:maxLiterals], maxCodeLength) + w.dist.build(w.freq[distanceTokens:distanceTokens+maxDistances], maxCodeLength)
		if own < w.size {
			own += w.lens.build(w.lit.lens[:maxLiterals], w.dist.lens[:maxDistances])
		}
		if own < w.size {
			w.size = own
			return dynamicBlock
		}
	}
	if fixed > w.size {
		return storedBlock
	}
	return fixedBlock
}

// block appends the tokens as planned.
func (w *blockWriter) block(dst []byte, kind blockKind) []byte {
	dst = slices.Grow(dst, w.size/8+16)
	dst = w.put(dst, uint64(kind)<<1, 3)
	if kind == fixedBlock {
		return w.writeTokens(dst, &fixedCodes)
	}
	dst = w.writeLengths(dst)
	w.lit.assign(w.codes[:maxLiterals], extraBits[:maxLiterals])
	w.dist.assign(w.codes[distanceTokens:distanceTokens+maxDistances], extraBits[distanceTokens:])
	return w.writeTokens(dst, &w.codes)
}

// tally counts the symbols of the block and returns its size in bits with the fixed
// codes, and what of it are extra bits.
//
// RFC 1951, sections 3.2.5 and 3.2.6.
func (w *blockWriter) tally() (fixed, extra int) {
	clear(w.freq[:])
	for _, t := range w.tokens[:w.n] {
		w.freq[t%tokenSymbols]++
	}
	w.freq[endOfBlock] = 1
	for i, f := range w.freq[endOfBlock : distanceTokens+maxDistances] {
		extra += int(extraBits[endOfBlock+i]) * int(f)
	}
	fixed = 3 + extra + 8*(w.n+1)
	for _, f := range w.freq[144:256] {
		fixed += int(f)
	}
	for _, f := range w.freq[256:280] {
		fixed -= int(f)
	}
	for _, f := range w.freq[distanceTokens : distanceTokens+maxDistances] {
		fixed -= 3 * int(f)
	}
	return fixed, extra
}

// storedCost returns the number of bits that n bytes take as a stored block.
func (w *blockWriter) storedCost(n int) int { return 3 + int(-(w.nb+3)&7) + 32 + 8*n }

// stored appends text as it is, at most 65,535 bytes of it, if there is any.
//
// RFC 1951, section 3.2.4.
func (w *blockWriter) stored(dst, text []byte) []byte {
	if len(text) == 0 {
		return dst
	}
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

// writeTokens appends the tokens and the end of the block, for which dst has the
// capacity and eight bytes more. It takes them by twos, without asking what they are.
//
// RFC 1951, section 3.2.3.
func (w *blockWriter) writeTokens(dst []byte, codes *[tokenSymbols]code) []byte {
	w.tokens[w.n], w.tokens[w.n+1] = endOfBlock, nothing
	out, at := dst[:cap(dst)], len(dst)
	bits, nb := w.bits, w.nb
	// Two tokens have at most 2 * (15 + 13) bits.
	for i := uint(0); i <= uint(w.n); i += 2 {
		s, t := w.tokens[i&tokenMask], w.tokens[(i+1)&tokenMask]
		a, b := &codes[s%tokenSymbols], &codes[t%tokenSymbols]
		bits |= a.with(s>>16) << (nb & 63)
		nb += uint(a.all)
		bits |= b.with(t>>16) << (nb & 63)
		nb += uint(b.all)
		binary.LittleEndian.PutUint64(out[at:at+8], bits)
		at += int(nb >> 3)
		bits >>= nb & 56
		nb &= 7
	}
	w.bits, w.nb = bits, nb
	return out[:at]
}
