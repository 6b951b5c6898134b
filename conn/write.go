package conn

import (
	"context"
	"io"
	"time"

	"github.com/duplexws/duplex/frame"
)

// Write sends a message and returns when the stream has taken all of it. The slice is
// only read, and not used after Write has returned. Messages of several goroutines never
// mix: each waits for its turn. A server sends one frame. A client does so up to 32 KiB;
// a larger message leaves in fragments of that size, because a frame must be masked as a
// whole before its key is seen.
//
// If ctx ends while Write waits for its turn, nothing has happened. If it ends later,
// a part of the message may be out and the connection has to be ended: TLS does not
// survive a write that is broken off. The same holds for any other error of the stream.
// Text that is not valid UTF-8 is refused with an error that matches
// frame.TextNotUTF8, and an unknown type with [ErrMessageType]; the connection goes on.
//
// RFC 6455, section 6.1.
func (c *Conn) Write(ctx context.Context, t MessageType, p []byte) error {
	if err := t.check(p); err != nil {
		return err
	}
	if done, err := c.shortWrite(ctx, t, p); done {
		return err
	}
	return c.writeMessage(ctx, t, p)
}

// writeMessage sends a valid message when it is its turn.
func (c *Conn) writeMessage(ctx context.Context, t MessageType, p []byte) error {
	if err := c.acquire(ctx, &c.messageTurn, nil); err != nil {
		return err
	}
	err := c.mayWrite(ctx)
	if err == nil {
		compressed := c.compresses(t, len(p))
		c.begin(t, compressed)
		var sent bool
		sent, err = c.writePart(ctx, compressed, true, p)
		if sent && err != nil {
			err = c.abandon(err, StatusInternalError)
		}
		if err == nil && c.settings.hooks != nil {
			c.tellWritten(t, int64(len(p)), compressed)
		}
	}
	c.releaseMessage()
	return err
}

// mayWrite returns an error if a message cannot begin or go on. What is compressed would
// show it only when some of it leaves, and be lost to the window.
func (c *Conn) mayWrite(ctx context.Context) error {
	err := c.maySend()
	if err == nil && ctx.Err() != nil {
		err = cancelled(ctx)
	}
	return err
}

// writePart sends the next piece of the message under way, the last one with fin. It
// reports whether any frame has left.
func (c *Conn) writePart(ctx context.Context, compressed, fin bool, p []byte) (sent bool, err error) {
	if compressed {
		return c.writeCompressed(ctx, fin, p)
	}
	return c.writeFrames(ctx, fin, p)
}

// maxMasked is the payload of the largest frame that a client sends.
const maxMasked = 32 << 10

// writeFrames sends the next piece of the message under way, in one frame or, a large
// one of a client, in several. It reports whether any of them has left.
//
// RFC 6455, section 10.3: once a frame begins to leave, and its key is seen, nothing
// can change its payload any more. So a client masks all of a frame before.
func (c *Conn) writeFrames(ctx context.Context, fin bool, p []byte) (sent bool, err error) {
	for c.role == Client && len(p) > maxMasked {
		if err := c.writeFrame(ctx, c.tx.Frame(false, maxMasked), p[:maxMasked]); err != nil {
			return sent, err
		}
		sent, p = true, p[maxMasked:]
	}
	err = c.writeFrame(ctx, c.tx.Frame(fin, len(p)), p)
	return sent || err == nil, err
}

// writeFrame sends a data frame when it is its turn.
func (c *Conn) writeFrame(ctx context.Context, h frame.Header, p []byte) error {
	if err := c.acquire(ctx, &c.writeTurn, nil); err != nil {
		return err
	}
	err := c.maySend()
	if err == nil && !(c.gathering != gatherNothing && c.replies.gather(c.gathering, h, p)) {
		err = c.transmit(ctx, 0, h, p)
	}
	c.releaseWrite()
	return err
}

// maySend returns an error if data must not be sent any more.
//
// RFC 6455, section 5.5.1.
func (c *Conn) maySend() error {
	if !c.mute.Load() && !c.over.Load() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case !c.state.MaySend():
		return errClosing
	}
	return nil
}

// releaseWrite gives the write turn back, or hands it to a goroutine that first sends
// what the connection owes its peer: the caller has done its part, and need not wait
// for that to leave. Something that is owed a moment later finds the turn free, or its
// new holder will see it.
func (c *Conn) releaseWrite() {
	if !c.owes.Load() {
		c.writeTurn.release()
		if !c.owes.Load() || !c.writeTurn.try() {
			return
		}
	}
	go c.pay()
}

// transmit sends one frame, with the write turn held. limit is the time that it has;
// zero: any. An error has ended the connection, unless ctx had ended before anything
// was sent.
func (c *Conn) transmit(ctx context.Context, limit time.Duration, h frame.Header, p []byte) error {
	err := c.beginSending(ctx, limit)
	if err != nil {
		return err
	}
	if err = c.sendEarlier(); err == nil {
		c.settings.idle.sends(h.Opcode.IsControl())
		err = c.sendFrame(h, p)
		c.settings.idle.sends(false)
	}
	return c.endSending(ctx, limit, err)
}

// beginSending begins to write to the stream, for a limited time unless limit is zero. It
// returns an error, and nothing has begun, if ctx has ended.
func (c *Conn) beginSending(ctx context.Context, limit time.Duration) error {
	var now time.Time
	if limit > 0 {
		now = time.Now()
	}
	return c.writing.begin(ctx, now, limit)
}

// sendEarlier sends what has its turn before any other frame.
func (c *Conn) sendEarlier() error {
	if err := c.sendTail(); err != nil {
		return err
	}
	return c.sendReplies()
}

// endSending ends the writing that has come to err, and the connection unless that is nil.
func (c *Conn) endSending(ctx context.Context, limit time.Duration, err error) error {
	if limit > 0 {
		c.writing.relax()
	}
	c.writing.end()
	if err == nil {
		return nil
	}
	return c.unsent(ctx, err)
}

// unsent ends the connection because a frame could not be sent, or not wholly.
func (c *Conn) unsent(ctx context.Context, err error) error {
	c.replies.drop()
	switch {
	case isTimeout(err) && ctx.Err() != nil:
		return c.end(cancelled(ctx), cut)
	case isDeadline(err):
		return c.end(ErrWriteTimeout, cut) // of a Pong, or keepalive's Ping: see payOwed
	case isTimeout(err) || c.over.Load():
		return c.lost(err)
	}
	// A peer that gives up on us stops reading, and a large message then fails
	// before its Close frame was read that says why. After our own Close it may
	// stop reading, too, and nothing is lost by that: Close has a clock of its own.
	c.broken.Store(true)
	limit := 2 * readerGrace
	c.mu.Lock()
	if c.closeSent {
		limit = closeTime
	}
	c.mu.Unlock()
	look, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_ = c.awaitClose(look)
	return c.lost(err)
}

// sendTail sends what is left of a frame that was cut by a deadline of AsNetConn.
func (c *Conn) sendTail() error {
	if c.tail == nil {
		return nil
	}
	b := *c.tail
	n, err := c.put(b)
	c.keepTail(b[n:])
	return err
}

// keepTail keeps a copy of what is left of a frame that was cut, with the write turn held.
func (c *Conn) keepTail(b []byte) {
	c.tail = nil
	if len(b) > 0 {
		b = bytesClone(b)
		c.tail = &b
	}
}

// put writes b to the stream, a large one in pieces, so that keepalive sees it move.
func (c *Conn) put(b []byte) (n int, err error) {
	for {
		piece := b[n:min(len(b), n+maxPut)]
		c.beginPut()
		m, err := c.nc.Write(piece)
		c.endPut()
		n += m
		if m < len(piece) && err == nil {
			err = io.ErrShortWrite
		}
		if err != nil {
			return n, err
		}
		c.hasSent()
		if n == len(b) {
			return n, nil
		}
	}
}
