package conn

import (
	"context"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// The short ways for small messages, as most are. They do what the long ways do and may
// be left out: where one of them does not go, the long one does.

// arrive waits until something is in the input buffer.
func (c *Conn) arrive(ctx context.Context) error {
	switch {
	case c.over.Load():
		return c.terminal()
	case ctx.Err() != nil:
		return cancelled(ctx)
	case len(c.in.bytes()) == 0:
		return c.fill(ctx)
	}
	return nil
}

// short returns the next message if it lies in the input buffer whole, in one frame, and
// is not compressed: in the beginning of room if that is large enough, else where it lies,
// and then it is valid until more is read.
func (c *Conn) short(room []byte) (t MessageType, p []byte, ok bool, err error) {
	c.rx.SetLimit(c.readLimit.Load()) // for the next frame, see SetReadLimit
	op, p, n, err := c.rx.Short(c.in.bytes(), room)
	if err != nil {
		return 0, nil, false, c.fail(err)
	}
	c.in.consume(n)
	if n > 0 && c.settings.hooks != nil {
		c.tellReceived(MessageType(op), uint64(len(p)), uint64(len(p)))
	}
	return MessageType(op), p, n > 0, nil
}

// burst deals with as many messages as lie in the input buffer whole, as step would with each.
func (s *server) burst() error {
	c := s.c
	for len(c.in.bytes()) > 0 && c.rx.Between() {
		switch {
		case c.over.Load():
			return c.terminal()
		case s.ctx.Err() != nil:
			return cancelled(s.ctx)
		}
		t, p, ok, err := c.short(nil)
		if !ok || err != nil {
			return err
		}
		s.calling()
		if err = s.f(&s.replier, Message{t, p}); err != nil {
			return err
		}
	}
	return nil
}

// shortWrite sends a message in one frame that is not large and returns true, if nobody
// else writes, or waits to.
func (c *Conn) shortWrite(ctx context.Context, t MessageType, p []byte) (done bool, err error) {
	if len(p) > maxShort || c.compresses(t, len(p)) || !c.messageTurn.try() {
		return false, nil
	}
	if c.writeTurn.try() {
		if done = !c.mute.Load() && !c.over.Load() && ctx.Err() == nil; done {
			err = c.transmitShort(ctx, protocol.Header(c.role, t.opcode(), true, len(p)), p)
		}
		c.releaseWrite()
	}
	if done && err == nil && c.settings.hooks != nil {
		c.tellSent(t, len(p), len(p))
	}
	c.releaseMessage()
	return done, err
}

// maxShort is the payload of the largest frame that is sent without telling the scheduler:
// the system copies it in a few microseconds.
const maxShort = 32 << 10

// transmitShort is transmit for a frame that is not large. What the socket takes at once
// needs no deadline, nor anybody who could interrupt it.
func (c *Conn) transmitShort(ctx context.Context, h frame.Header, p []byte) error {
	whole := h.Len()+len(p) <= smallOutput
	switch {
	case !c.socket.usable() || c.tail != nil || h.Masked && !whole:
		return c.transmit(ctx, 0, h, p)
	case c.replies.o != nil:
		return c.transmitBehind(ctx, h, p)
	}
	o := getOutput(smallOutput)
	b := o.b
	if whole {
		b, p = encode(b, h, p), nil
	} else {
		b = h.Append(b[:0])
	}
	n := c.socket.sendOutside(b, p)
	if n > 0 {
		c.hasSent()
	}
	var err error
	if n < len(b)+len(p) {
		err = c.transmitRest(ctx, b[min(n, len(b)):], p[max(n-len(b), 0):], n > 0)
	}
	putOutput(o)
	return err
}

// transmitBehind is transmitShort for a frame behind replies that were gathered: all of it
// leaves with one system call. The header goes where the next reply would have gone.
func (c *Conn) transmitBehind(ctx context.Context, h frame.Header, p []byte) error {
	o := c.replies.o
	if h.Masked || h.Len() > len(o.b)-o.n {
		return c.transmit(ctx, 0, h, p)
	}
	b := h.Append(o.b[:o.n])
	n := c.socket.sendOutside(b, p)
	if n > 0 {
		c.hasSent()
	}
	if n < o.n {
		c.replies.sent(n)
		return c.transmit(ctx, 0, h, p)
	}
	var err error
	if n < len(b)+len(p) {
		begun := n > o.n
		o.n = 0 // what is left are no replies
		err = c.transmitRest(ctx, b[min(n, len(b)):], p[max(n-len(b), 0):], begun)
	}
	c.replies.drop()
	return err
}

// transmitRest sends what the socket would not take at once, which is all of a frame
// unless a part of it has left.
func (c *Conn) transmitRest(ctx context.Context, b, p []byte, begun bool) error {
	err := c.beginSending(ctx, 0)
	switch {
	case err != nil && begun:
		return c.end(err, cut)
	case err != nil:
		return err
	}
	if len(b) > 0 {
		_, err = c.put(b)
	}
	if err == nil && len(p) > 0 {
		_, err = c.put(p)
	}
	return c.endSending(ctx, 0, err)
}

// shortReply gathers a reply and returns true, if nobody else writes, or waits to. With
// the write turn held, a message turn that is free shows that no message is under way,
// and none can begin to leave.
func (c *Conn) shortReply(t MessageType, p []byte) bool {
	if c.settings.noGathering || c.handling.Load() == 0 || c.compresses(t, len(p)) || c.leavesNow(p) {
		return false
	}
	if c.role == Client || c.settings.hooks != nil {
		return c.shortReplyHeld(t, p)
	}
	if !c.writeTurn.tryMoment() {
		return false
	}
	ok := c.mayGather() && c.replies.gatherShort(t.opcode(), p)
	c.writeTurn.endMoment()
	return ok
}

// shortReplyHeld is shortReply for a client, and for a connection with Hooks, which are told
// with the turn held: both take longer than a moment.
func (c *Conn) shortReplyHeld(t MessageType, p []byte) bool {
	if !c.writeTurn.try() {
		return false
	}
	ok := c.mayGather() && c.replies.gather(gatherReply, protocol.Header(c.role, t.opcode(), true, len(p)), p)
	if ok && c.settings.hooks != nil {
		c.tellSent(t, len(p), len(p))
	}
	c.releaseWrite()
	return ok
}

// mayGather reports whether a reply may be gathered, with the write turn held.
func (c *Conn) mayGather() bool {
	return c.messageTurn.free() && !c.mute.Load() && !c.over.Load()
}

// leavesNow reports whether a reply is better sent at once than copied: it is large, and no
// message has arrived whose reply could go with it.
func (c *Conn) leavesNow(p []byte) bool {
	return len(p) > maxGathered/2 && c.role == Server && c.socket.usable() && !c.replies.more.Load()
}
