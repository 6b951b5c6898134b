package conn

import (
	"context"

	"github.com/duplexws/duplex/internal/protocol"
)

// Discard reads and drops messages, so that a program that only writes still answers
// Pings, sees the peer close, and has its own Pings answered. It returns the error
// that ended the connection, as [Conn.Read] does, or that of ctx. A message whose
// beginning was dropped when ctx ends is dropped to its end by the next call that reads.
func (c *Conn) Discard(ctx context.Context) error {
	if err := c.acquireRead(ctx); err != nil {
		return err
	}
	var err error
	for err == nil {
		if err = c.beginMessage(ctx, false); err == nil {
			err = c.dropMessage(ctx)
		}
	}
	c.releaseRead()
	return err
}

// forNobody reports whether a message is under way of which a part was dropped, so that
// nobody may have the rest.
func (c *Conn) forNobody() bool {
	if r := c.message.reader; r != nil && r.closed.Load() {
		c.message = incoming{dropped: true}
	}
	return c.message.dropped
}

// dropMessage reads the rest of the message under way and drops it. It is checked as
// if it were delivered. If ctx ends first, the next call that reads goes on dropping.
func (c *Conn) dropMessage(ctx context.Context) error {
	c.message = incoming{dropped: true}
	for c.rx.Opened() {
		kind, err := c.advance(ctx)
		if err == nil {
			err = c.dropPart(ctx, kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dropPart drops what is next of the message under way.
func (c *Conn) dropPart(ctx context.Context, next protocol.Kind) error {
	switch {
	case c.compressed():
		last, err := c.dropInflated(ctx, next)
		if err == nil && last {
			err = c.endMessage()
		}
		return err
	case next == protocol.End:
		return c.endMessage()
	case len(c.in.bytes()) == 0:
		return c.fill(ctx)
	}
	_, err := c.take(ctx, c.in.bytes())
	return err
}

// attend reads for a call that has no use for messages: it deals with control frames
// until the call's event is ready, which gives errEvent, or a message is next, which
// gives nil. A message of which a part was dropped already is dropped; with drop, every
// message is, until somebody else wants to read; after a gap nobody has a use for what follows.
func (c *Conn) attend(ctx context.Context, event <-chan struct{}, drop bool) error {
	for {
		if err := c.terminal(); err != nil {
			return err
		}
		kind, err := c.next(ctx)
		if err != nil {
			return err
		}
		select {
		case <-event: // perhaps by a Pong just now
			return errEvent
		default:
		}
		switch {
		case kind == protocol.More:
			err = c.fill(ctx)
		case c.forNobody():
			err = c.dropPart(ctx, kind)
		case !drop || c.readTurn.contended() && !c.gap:
			return nil
		default:
			c.rx.Open()
			c.message = incoming{dropped: true}
			c.gap = true
		}
		if err != nil {
			return err
		}
	}
}
