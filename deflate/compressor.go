package deflate

import "sync"

const (
	// blockSize is the number of bytes that an Encoder holds back at most: as many as
	// a stored block can have.
	blockSize = 1<<16 - 1
	// A view is the part of the text in which matches are looked for at a time:
	// positions in it have 16 bits. margin is room behind the text for loads that reach
	// beyond its end.
	viewSize = 1 << 16
	margin   = 1 << 9
	// A window and a block fit in the buffer, and the last view ends behind them.
	maxEnd  = first + maxDistance + blockSize
	bufSize = maxDistance + viewSize + 2*margin

	maxDistance = 1 << MaxWindowBits
	// first is where text begins in a view: position 0 in a table says that there is
	// none.
	first = 1
)

// compressor is the working state of an [Encoder]: what is needed while a message is
// being compressed and at no other time.
type compressor struct {
	level *level
	limit uint // greatest distance

	end    int // of the text in buf
	start  int // where in buf the text begins that is not compressed yet
	fresh  int // where the message begins, or what is left of it
	stored int // where the text begins that leaves in a stored block
	origin int // where the view begins

	// In the view:
	from    uint // where matches are to begin, then where they end
	to      uint // where the text ends
	indexed uint // where the text begins that is not in the tables yet

	ready   bool // the tables are
	singles *singles
	doubles *doubles
	chains  *chains

	w   blockWriter
	buf [bufSize]byte // history, then text
}

var compressors = sync.Pool{New: func() any { return new(compressor) }}

// begin prepares for a message that goes on from past, which may be nil.
func (c *compressor) begin(l *level, size int, past *history) {
	c.level, c.limit = l, uint(size)
	c.w.bits, c.w.nb = 0, 0
	c.end = first
	if past != nil && past.n > 0 {
		c.end += past.n
		past.read(c.buf[first:c.end], past.n)
	}
	c.start, c.fresh, c.stored, c.origin, c.indexed, c.ready = c.end, c.end, c.end, 0, first, false
}

// release gives the state back.
func (c *compressor) release() { compressors.Put(c) }

// append compresses src, or keeps it for later.
func (c *compressor) append(dst, src []byte) []byte {
	for len(src) > 0 {
		full := min(c.start+blockSize, maxEnd)
		n := copy(c.buf[c.end:full], src)
		c.end += n
		src = src[n:]
		if c.end == full {
			dst = c.flush(dst)
			c.slide()
		}
	}
	return dst
}

// flush compresses what is there.
func (c *compressor) flush(dst []byte) []byte {
	if c.start == c.end {
		return dst
	}
	clear(c.buf[c.end : c.end+margin])
	if !c.ready {
		c.level.prepare(c)
		c.ready = true
	}
	for c.stored = c.start; c.start < c.end; {
		c.look()
		c.level.find(c)
		next := c.origin + int(c.from)
		text := c.buf[c.start:next]
		// What is best stored waits for more of the kind, up to a block.
		if kind := c.w.plan(len(text)); kind != storedBlock {
			dst = c.w.stored(dst, c.buf[c.stored:c.start])
			dst = c.w.block(dst, kind)
			c.stored = next
		}
		c.start = next
	}
	return c.w.stored(dst, c.buf[c.stored:c.end])
}

// look moves the view to where the next matches are to be looked for.
func (c *compressor) look() {
	if c.end-c.origin > viewSize-margin {
		c.move(min(max(c.start-int(c.limit)-first, c.origin), bufSize-len(view{})))
	}
	c.from = uint(c.start - c.origin)
	c.to = uint(min(c.end-c.origin, viewSize-margin))
}

// move lets the view begin at origin.
func (c *compressor) move(origin int) {
	if n := origin - c.origin; n > 0 {
		c.level.move(c, uint16(n))
		c.indexed -= min(c.indexed, uint(n))
	}
	c.origin = origin
}

// slide drops what is out of reach.
func (c *compressor) slide() {
	drop := max(c.end-int(c.limit)-first, 0)
	c.move(drop)
	c.origin = 0
	copy(c.buf[:], c.buf[drop:c.end])
	c.end -= drop
	c.start -= drop
	c.fresh = max(c.fresh-drop, 0)
}

// message returns the end of the message, as much of it as a window can hold.
func (c *compressor) message() []byte { return c.buf[c.fresh:c.end] }

func (c *compressor) view() *view { return (*view)(c.buf[c.origin:]) }
