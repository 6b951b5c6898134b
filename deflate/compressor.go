package deflate

import (
	"encoding/binary"
	"math/bits"
	"sync"
)

const (
	// blockSize is the number of bytes that go into one block, and that an Encoder
	// holds back at most: as many as a stored block can have.
	blockSize = 1<<16 - 1
	// slack is room behind the text for loads that reach beyond its end.
	slack = 16

	// The least lengths of matches that are looked for, when speed counts and else: a
	// shorter one often costs as much as its literals do.
	greedyMatch  = 6
	chainedMatch = 5

	maxTableBits = 15
	minTableBits = 9
	maxDistance  = 1 << MaxWindowBits
)

// compressor is the working state of an [Encoder]: what is needed while a message is
// being compressed and at no other time.
type compressor struct {
	buf   []byte // history, then text; slack bytes of capacity beyond
	start int    // where in buf the text begins that is not compressed yet
	fresh int    // where the message begins, or what is left of it
	limit uint32 // greatest distance

	level     *level
	indexed   int    // where the text begins that is not in the tables yet
	base      uint32 // position of buf[0]; positions go on from message to message
	tableBits uint
	table     [1 << maxTableBits]uint32 // last position for a hash
	chain     []uint16                  // by position: how far back the one before with this hash is

	w blockWriter
}

var compressors = sync.Pool{New: func() any { return new(compressor) }}

// begin prepares for a message that goes on from past, which may be nil.
func (c *compressor) begin(l *level, size int, past *history) {
	c.level, c.limit = l, uint32(size)
	c.w.bits, c.w.nb = 0, 0
	// Positions that tables still hold from the message before are out of reach.
	c.base += uint32(len(c.buf)) + maxDistance + 1
	c.renumber()
	c.buf = c.buf[:0]
	if past != nil && past.n > 0 {
		c.room(past.n)
		c.buf = c.buf[:past.n]
		past.read(c.buf, past.n)
	}
	c.start, c.fresh, c.indexed = len(c.buf), len(c.buf), 0
}

// renumber begins with low positions and empty tables when positions have become so
// high that they could soon be mistaken for earlier ones.
func (c *compressor) renumber() {
	if c.base > 1<<31 {
		clear(c.table[:])
		c.base = maxDistance + 1
	}
}

// release gives the state back.
func (c *compressor) release() { compressors.Put(c) }

// room makes room for n bytes more.
func (c *compressor) room(n int) {
	if cap(c.buf)-len(c.buf) < n+slack {
		buf := make([]byte, len(c.buf), 1<<bits.Len(uint(len(c.buf)+n+slack-1)))
		copy(buf, c.buf)
		c.buf = buf
	}
}

// append compresses src, or keeps it for later.
func (c *compressor) append(dst, src []byte) []byte {
	for len(src) > 0 {
		n := min(len(src), blockSize-(len(c.buf)-c.start))
		c.room(n)
		c.buf = append(c.buf, src[:n]...)
		src = src[n:]
		if len(c.buf)-c.start == blockSize {
			dst = c.flush(dst)
			c.slide()
		}
	}
	return dst
}

// flush compresses what is there.
func (c *compressor) flush(dst []byte) []byte {
	if c.start == len(c.buf) {
		return dst
	}
	clear(c.buf[len(c.buf) : len(c.buf)+slack])
	c.tableBits = min(max(uint(bits.Len(uint(len(c.buf)-1))), minTableBits), c.level.tableBits)
	c.w.reset(len(c.buf) - c.start)
	c.level.find(c)
	dst = c.w.block(dst, c.buf[c.start:])
	c.start = len(c.buf)
	return dst
}

// slide drops what is out of reach.
func (c *compressor) slide() {
	drop := len(c.buf) - int(c.limit) // a window is smaller than a block
	c.buf = c.buf[:copy(c.buf, c.buf[drop:])]
	c.base += uint32(drop)
	c.renumber()
	c.start -= drop
	c.fresh = max(c.fresh-drop, 0)
	c.indexed = max(c.indexed-drop, 0)
}

// message returns the end of the message, as much of it as a window can hold.
func (c *compressor) message() []byte { return c.buf[c.fresh:] }

func load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// hash6 and hash5 map the first bytes of v to n bits.
func hash6(v uint64, n uint) uint32 { return uint32(v << 16 * 0x9e3779b185ebca87 >> (64 - n&63)) }
func hash5(v uint64, n uint) uint32 { return uint32(v << 24 * 0x9e3779b185ebca87 >> (64 - n&63)) }

// matchLength returns the number of equal bytes at i and j, up to end; i is the
// greater one, and there are eight bytes beyond end.
func matchLength(b []byte, i, j, end int) int {
	n := 0
	for i+n < end {
		if x := load64(b, i+n) ^ load64(b, j+n); x != 0 {
			return min(n+bits.TrailingZeros64(x)/8, end-i)
		}
		n += 8
	}
	return end - i
}
