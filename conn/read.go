package conn

import (
	"context"
	"slices"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// incoming is what the connection remembers of a message that was begun, from one
// call to the next. It is used under the read turn.
type incoming struct {
	reader  *messageReader // who reads it piece by piece, if anyone
	kept    []byte         // what a cancelled Read had of it already
	dropped bool           // a part of it is gone, so the rest is for nobody
}

// Read waits for the next message and returns it whole. The slice belongs to the
// caller.
//
// If ctx ends first, Read returns an error that matches context.Cause(ctx), and
// nothing is lost: what has arrived of a message is kept, and the next read of any
// kind goes on with it. Every other error but [ErrReaderOpen] has ended the
// connection, and later calls return it again: a [*CloseError] says how the peer
// closed, a [*FailError] which rule it broke. Of several goroutines that read, each
// gets whole messages.
//
// RFC 6455, section 6.2.
func (c *Conn) Read(ctx context.Context) (MessageType, []byte, error) {
	t, p, err := c.ReadAppend(ctx, nil)
	if err == nil && p == nil {
		p = []byte{}
	}
	return t, p, err
}

// ReadAppend is like [Conn.Read] but appends the message to dst and returns the
// extended slice, so that a loop can use the same memory again: it allocates nothing
// if the message fits in the capacity of dst. If it fails it returns dst as it was,
// but may have used the capacity behind it.
func (c *Conn) ReadAppend(ctx context.Context, dst []byte) (MessageType, []byte, error) {
	if err := c.acquireRead(ctx); err != nil {
		return 0, dst, err
	}
	t, p, err := c.readNext(ctx, dst)
	c.releaseRead()
	return t, p, err
}

// readNext appends the next message to dst.
func (c *Conn) readNext(ctx context.Context, dst []byte) (MessageType, []byte, error) {
	if c.rx.Between() {
		if err := c.arrive(ctx); err != nil {
			return 0, dst, err
		}
		room := dst[len(dst):cap(dst)]
		switch t, p, ok, err := c.short(room); {
		case err != nil:
			return 0, dst, err
		case ok && len(p) <= len(room):
			return t, dst[:len(dst)+len(p)], nil
		case ok:
			return t, append(dst, p...), nil
		}
	}
	return c.readMessage(ctx, dst)
}

// acquireRead takes the read turn for the application.
func (c *Conn) acquireRead(ctx context.Context) error {
	err := c.acquire(ctx, &c.readTurn, nil)
	if err == nil {
		first := c.reads.Add(1) == 1
		c.read.Store(true)
		if c.awaited.Load() {
			c.announceReader()
		}
		if c.gap {
			c.releaseRead()
			return c.awaitEnd(ctx)
		}
		if first {
			c.lull(ctx)
		}
	}
	return err
}

// awaitEnd waits until the connection has ended, and returns the error. It is for a reader
// who comes when Close, which takes a bounded time, has dropped messages.
func (c *Conn) awaitEnd(ctx context.Context) error {
	select {
	case <-c.ended():
		return c.terminal()
	case <-ctx.Done():
		return cancelled(ctx)
	}
}

// announceReader tells Ping and Close that the application has come to read.
func (c *Conn) announceReader() {
	c.awaited.Store(false)
	c.mu.Lock()
	if a := c.attendance(); a.came != nil {
		close(a.came)
		a.came = nil
	}
	c.mu.Unlock()
}

// releaseRead gives the read turn back, and the input buffer if it is empty. Once the
// connection has ended nothing that has arrived is of use.
func (c *Conn) releaseRead() {
	c.settings.idle.pause(c)
	for {
		over := c.over.Load()
		c.read.Store(false)
		if over {
			c.message = incoming{}
			if c.inflate != nil {
				c.inflate.stop()
			}
		}
		c.in.release(over)
		c.readTurn.release()
		// If it ended a moment ago, end may have found the turn taken.
		if over == c.over.Load() || !c.readTurn.try() {
			return
		}
	}
}

// next looks at what is held and returns what comes next for a reader; control frames
// are dealt with on the way. It does not wait for input, so it serves a loop that
// does as well as one that is called back.
func (c *Conn) next(ctx context.Context) (protocol.Kind, error) {
	// A message is judged as far as it has come before the next header is.
	if c.inflate != nil && c.inflate.pending() {
		return protocol.Payload, nil
	}
	if c.rx.Left() == 0 {
		c.rx.SetLimit(c.readLimit.Load()) // for the next frame, see SetReadLimit
	}
	for {
		ev, n, err := c.rx.Next(c.in.bytes())
		c.in.consume(n)
		if err != nil {
			return 0, c.fail(err)
		}
		if n := c.rx.Empties(); n > 0 {
			if err := c.charge(n); err != nil {
				return 0, err
			}
		}
		if ev.Kind != protocol.Control {
			return ev.Kind, nil
		}
		c.settings.idle.controlled(c.role, ev.Body)
		// RFC 6455, section 5.5: control frames may come between fragments.
		switch ev.Opcode {
		case frame.Ping:
			err = c.charge(1)
			if err == nil {
				c.owePong(ev.Body)
			}
		case frame.Pong:
			if !c.pongArrived(ev.Body) {
				err = c.charge(1)
			}
		case frame.Close:
			return 0, c.closeArrived(ctx, ev.Body)
		}
		if err != nil {
			return 0, err
		}
	}
}

// advance waits until something comes next for a reader.
func (c *Conn) advance(ctx context.Context) (protocol.Kind, error) {
	for {
		kind, err := c.next(ctx)
		if err != nil || kind != protocol.More {
			return kind, err
		}
		if err := c.fill(ctx); err != nil {
			return 0, err
		}
	}
}

// take moves payload of the frame under way to p, at most Left bytes and at least one,
// unmasked and checked. The message is not compressed; see inflatePart for others.
func (c *Conn) take(ctx context.Context, p []byte) (int, error) {
	p = p[:min(uint64(len(p)), c.rx.Left())]
	var n int
	var err error
	if len(c.in.bytes()) == 0 {
		if len(p) >= inputSize {
			n, err = c.receive(ctx, p)
		} else {
			err = c.fill(ctx)
		}
		if err != nil {
			return 0, err
		}
	}
	if n == 0 {
		n = copy(p, c.in.bytes())
		c.in.consume(n)
	}
	c.rx.Frame(p[:n])
	if err := c.rx.Message(p[:n]); err != nil {
		return 0, c.fail(err)
	}
	return n, nil
}

// beginMessage waits until a message is under way that is nobody else's. With resume,
// a message whose Reader was cancelled may be taken over.
func (c *Conn) beginMessage(ctx context.Context, resume bool) error {
	if err := c.terminal(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	if c.forNobody() {
		if err := c.dropMessage(ctx); err != nil {
			return err
		}
	}
	if r := c.message.reader; r != nil && (!resume || r.ctx.Err() == nil) {
		return ErrReaderOpen
	}
	if !c.rx.Opened() {
		// Nothing but the beginning of a message can come next.
		if _, err := c.advance(ctx); err != nil {
			return err
		}
		c.rx.Open()
	}
	return nil
}

// endMessage ends the message under way.
func (c *Conn) endMessage() error {
	c.message = incoming{}
	t := MessageType(c.rx.Opcode())
	size, wire := c.rx.Size()
	if err := c.rx.EndMessage(); err != nil {
		return c.fail(err)
	}
	if c.settings.hooks != nil {
		c.tellReceived(t, size, wire)
	}
	return nil
}

// readMessage appends a message to dst.
func (c *Conn) readMessage(ctx context.Context, dst []byte) (MessageType, []byte, error) {
	if err := c.beginMessage(ctx, false); err != nil {
		return 0, dst, err
	}
	t := MessageType(c.rx.Opcode())
	p := c.message.kept
	if cap(dst) > 0 {
		p = append(dst, p...)
	}
	for {
		var last bool
		var err error
		p, last, err = c.appendPart(ctx, p, len(dst))
		if err != nil {
			c.keep(p, len(dst), cap(dst) > 0)
			return 0, dst, err
		}
		if last {
			if err := c.endMessage(); err != nil {
				return 0, dst, err
			}
			return t, p, nil
		}
	}
}

// appendPart appends what comes next of the message under way to p, of which the bytes
// from base on are of the message, and reports whether it was the last.
func (c *Conn) appendPart(ctx context.Context, p []byte, base int) (out []byte, last bool, err error) {
	kind, err := c.advance(ctx)
	switch {
	case err != nil:
		return p, false, err
	case c.compressed():
		return c.appendInflated(ctx, kind, p, base)
	case kind == protocol.End:
		return p, true, nil
	}
	p, err = c.appendPayload(ctx, p, base)
	return p, false, err
}

// keep keeps what a read that was broken off had of its message, p[base:], for the next
// one. The memory of p is the caller's if it was borrowed.
func (c *Conn) keep(p []byte, base int, borrowed bool) {
	c.message.kept = p
	if borrowed {
		c.message.kept = bytesClone(p[base:])
	}
	if c.inflate != nil {
		c.inflate.dec.Keep(p[base:])
	}
}

// appendPayload appends payload of the frame under way to p, of which the bytes from
// base on are of the message. Memory is taken for what has arrived, never for what a
// header has declared: first for what is held, then as much as the message has
// already.
func (c *Conn) appendPayload(ctx context.Context, p []byte, base int) ([]byte, error) {
	left := c.rx.Left()
	if spare := uint64(cap(p) - len(p)); spare < min(left, inputSize) {
		held := len(c.in.bytes())
		if held == 0 && len(p) == base {
			if err := c.fill(ctx); err != nil {
				return p, err
			}
			held = len(c.in.bytes())
		}
		p = slices.Grow(p, int(min(left, uint64(max(held, len(p)-base)))))
	}
	n, err := c.take(ctx, p[len(p):cap(p)])
	return p[:len(p)+n], err
}

// bytesClone is bytes.Clone for a slice that may be empty: nothing kept is nil.
func bytesClone(p []byte) []byte { return append([]byte(nil), p...) }
