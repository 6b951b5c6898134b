package deflate

import (
	"encoding/binary"
	"sync"
)

// inflater is the working state of a [Decoder]: what is needed while a message is
// being inflated and at no other time.
type inflater struct {
	in   []byte // input not taken yet
	bits uint64 // input taken and not used, the next bit lowest
	nb   uint   // number of bits in bits; those above are zero
	out  []byte // what is output, with room behind pos
	pos  int

	step  step
	final bool // the present block has BFINAL set
	used  bool // the message has at least one byte
	full  bool // the last run ended for want of room

	length   int // bytes of a match or stored block still to be copied
	distance int // of the match
	size     int // of the window
	past     *history
	own      history // what past points at if there is no takeover

	lit  *literalTable
	dist *distanceTable

	literals, distances, codes int // codes that the block declares
	have                       int // lengths read
	lens                       [maxLiterals + maxDistances]uint8
	codeLens                   [codeLengthCodes]uint8
	codeTable                  [1 << codeLengthBits]uint32
	litTable                   literalTable
	distTable                  distanceTable
}

// step is what comes next in the stream.
type step uint8

const (
	stepHeader    step = iota // the three bits that begin a block
	stepStored                // LEN and NLEN
	stepBytes                 // the bytes of a stored block
	stepCounts                // HLIT, HDIST and HCLEN
	stepCodeCodes             // the lengths of the code length codes
	stepCodeLens              // the lengths of the literal/length and distance codes
	stepSymbols               // the compressed data
	stepMatch                 // a match of which a part is copied
)

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// begin prepares for a message.
func (f *inflater) begin(size int, past *history) {
	if past == nil {
		past = &f.own
	}
	f.past, f.size = past, size
	f.bits, f.nb, f.step, f.final, f.used, f.full = 0, 0, stepHeader, false, false, false
}

// release gives the state back.
func (f *inflater) release() {
	f.own.forget()
	f.past, f.in, f.out = nil, nil, nil
	inflaters.Put(f)
}

// run goes on until the input is used up or there is no room for output.
func (f *inflater) run() error {
	f.full = false
	for {
		more, err := f.advance()
		if err != nil || !more {
			return err
		}
	}
}

// advance takes the next step. It returns false when it can't for want of input or
// room.
func (f *inflater) advance() (more bool, err error) {
	switch f.step {
	case stepHeader:
		return f.header()
	case stepStored:
		return f.stored()
	case stepBytes:
		return f.bytes(), nil
	case stepCounts:
		return f.counts()
	case stepCodeCodes:
		return f.codeCodes()
	case stepCodeLens:
		return f.codeLengths()
	case stepSymbols:
		return f.symbols()
	default:
		return f.match(), nil
	}
}

// atMarker reports whether the message stands where its sender cut off 00 00 FF FF:
// an empty stored block has begun and its length is to come.
//
// RFC 7692, sections 7.2.1 and 7.2.2.
func (f *inflater) atMarker() bool { return f.step == stepStored && f.nb == 0 }

// fill takes input until there are at least 56 bits or no input is left.
func (f *inflater) fill() {
	if len(f.in) >= 8 {
		f.bits |= binary.LittleEndian.Uint64(f.in) << (f.nb & 63)
		f.in = f.in[(63-f.nb)>>3:]
		f.nb |= 56
		f.bits &= 1<<(f.nb&63) - 1
		return
	}
	for f.nb < 56 && len(f.in) > 0 {
		f.bits |= uint64(f.in[0]) << (f.nb & 63)
		f.in = f.in[1:]
		f.nb += 8
	}
}

// need reports whether there are n bits, taking input if there are fewer.
func (f *inflater) need(n uint) bool {
	if f.nb < n {
		f.fill()
	}
	return f.nb >= n
}

// take removes n bits, which must be there.
func (f *inflater) take(n uint) int {
	v := f.bits & (1<<(n&63) - 1)
	f.bits >>= n & 63
	f.nb -= n
	return int(v)
}

// align drops the rest of a byte.
func (f *inflater) align() { f.take(f.nb & 7) }

// header reads BFINAL and BTYPE.
//
// RFC 1951, section 3.2.3.
func (f *inflater) header() (bool, error) {
	if !f.need(3) {
		return false, nil
	}
	f.final = f.take(1) == 1
	switch f.take(2) {
	case 0:
		f.align()
		f.step = stepStored
	case 1:
		f.lit, f.dist = &fixedLiterals, &fixedDistances
		f.step = stepSymbols
	case 2:
		f.step = stepCounts
	default:
		return false, BlockType
	}
	return true, nil
}

// endBlock ends a block. The one after a block with BFINAL begins with a byte.
//
// RFC 7692, section 7.2.1 (D7.2.1-03).
func (f *inflater) endBlock() {
	if f.final {
		f.align()
	}
	f.step = stepHeader
}

// stored reads LEN and NLEN.
//
// RFC 1951, section 3.2.4.
func (f *inflater) stored() (bool, error) {
	if !f.need(32) {
		return false, nil
	}
	f.length = f.take(16)
	if f.take(16) != f.length^0xffff {
		return false, StoredLength
	}
	f.step = stepBytes
	return true, nil
}

// bytes copies a stored block, first what has been taken already.
func (f *inflater) bytes() bool {
	for f.length > 0 && f.nb > 0 && f.pos < len(f.out) {
		f.out[f.pos] = byte(f.take(8))
		f.pos++
		f.length--
	}
	if f.nb == 0 {
		n := min(f.length, len(f.in))
		n = copy(f.out[f.pos:], f.in[:n])
		f.in = f.in[n:]
		f.pos += n
		f.length -= n
	}
	if f.length > 0 {
		f.full = f.pos == len(f.out) && f.nb+uint(len(f.in)) > 0
		return false
	}
	f.endBlock()
	return true
}

// match copies the rest of a match, as far as there is room.
func (f *inflater) match() bool {
	n := min(f.length, len(f.out)-f.pos)
	f.copyMatch(f.pos, n, f.distance)
	f.pos += n
	f.length -= n
	if f.length > 0 {
		f.full = true
		return false
	}
	f.step = stepSymbols
	return true
}

// copyMatch writes n bytes at pos that stand distance bytes earlier, in the output
// or in the history before it. The match must be valid.
func (f *inflater) copyMatch(pos, n, distance int) {
	if back := distance - pos; back > 0 {
		m := min(n, back)
		f.past.read(f.out[pos:pos+m], back)
		pos += m
		n -= m
	}
	// What is copied last may be the source of what is to be copied.
	for from := pos - distance; n > 0; {
		m := copy(f.out[pos:pos+n], f.out[from:pos])
		pos += m
		n -= m
	}
}

// tooFar reports whether a distance from pos goes beyond the window or the first
// byte there is.
//
// RFC 7692, section 7.2.2.
func (f *inflater) tooFar(distance, pos int) bool {
	return distance > f.size || distance > pos+f.past.n
}
