package conn

import (
	"context"
	"sync"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
)

// deflater is what stands between the bytes of messages and those of frames on a
// connection that has permessage-deflate. It is used under the message turn.
type deflater struct {
	enc     deflate.Encoder
	window  deflate.Window
	level   deflate.Level
	minSize int
	wire    int64 // bytes of payload that were made of the message under way
}

func newDeflater(w deflate.Window, l deflate.Level, minSize int) *deflater {
	d := &deflater{window: w, level: l, minSize: minSize}
	d.forget()
	return d
}

// forget gives up the message under way, if there is one, and the window. The peer may
// not have seen the last text in it; it holds for the messages that come.
func (d *deflater) forget() { d.enc.Reset(d.window, d.level) }

// compresses reports whether a message of n bytes is to be sent compressed.
func (c *Conn) compresses(t MessageType, n int) bool {
	return c.deflate != nil && t&plain == 0 && n >= c.deflate.minSize
}

// begin starts a message.
//
// RFC 7692, section 6.1: a compressed one has RSV1 on its first frame.
func (c *Conn) begin(t MessageType, compressed bool) {
	c.tx.Begin(t.opcode())
	if compressed {
		c.markCompressed()
	}
}

// markCompressed makes the message that was begun a compressed one.
func (c *Conn) markCompressed() {
	c.tx.Mark(frame.RSV1)
	c.deflate.wire = 0
}

// deflated is memory for what an encoder has put out. It grows to what a piece needs.
var deflated = sync.Pool{New: func() any { return new([]byte) }}

// maxPiece is how much text is given to an encoder at once, which bounds what it puts
// out at once.
const maxPiece = 32 << 10

// writeCompressed compresses the next piece of the message under way, and sends what
// comes of it, perhaps nothing yet. It reports whether any frame has left.
//
// RFC 7692, section 6.1.
func (c *Conn) writeCompressed(ctx context.Context, fin bool, p []byte) (sent bool, err error) {
	out := deflated.Get().(*[]byte)
	b := (*out)[:0]
	for last := false; !last && err == nil; {
		piece := p[:min(len(p), maxPiece)]
		p = p[len(piece):]
		last = len(p) == 0
		b = c.deflate.enc.Append(b, piece)
		if last && fin {
			b = c.deflate.enc.End(b)
		}
		if len(b) > 0 {
			var one bool
			c.deflate.wire += int64(len(b))
			one, err = c.writeFrames(ctx, last && fin, b)
			sent, b = sent || one, b[:0]
		}
	}
	*out = b
	deflated.Put(out)
	if err != nil {
		c.deflate.forget()
	}
	return sent, err
}

// releaseMessage gives the message turn back. Once the connection has ended there is
// nothing to compress.
func (c *Conn) releaseMessage() {
	for {
		over := c.over.Load()
		if over && c.deflate != nil {
			c.deflate.forget()
		}
		c.messageTurn.release()
		// If it ended a moment ago, end may have found the turn taken.
		if over == c.over.Load() || !c.messageTurn.try() {
			return
		}
	}
}
