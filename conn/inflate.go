package conn

import (
	"context"
	"slices"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// inflater is what stands between the bytes of frames and those of messages on a
// connection that has permessage-deflate. It is used under the read turn.
type inflater struct {
	dec    deflate.Decoder
	window deflate.Window
	ready  int  // bytes of the input that were unmasked and not inflated yet
	full   bool // there may be more of the message than there was room for
}

func newInflater(w deflate.Window) *inflater {
	f := &inflater{window: w}
	f.dec.Reset(w)
	return f
}

// pending reports whether there may be more of the message without further input.
func (f *inflater) pending() bool { return f.ready > 0 || f.full }

// stop gives back all memory. The connection has ended.
func (f *inflater) stop() {
	f.dec.Reset(f.window)
	f.ready, f.full = 0, false
}

// compressed reports whether the message under way is.
//
// RFC 7692, section 6: RSV1 of its first frame says so.
func (c *Conn) compressed() bool { return c.rx.RSV()&frame.RSV1 != 0 }

// inflatePart appends to p what can be inflated of the message under way without
// growing p, and reports whether that was all of the message. Progress may be no
// byte of output. The end of p must be what came of the message since the last call of
// dec.Keep.
//
// RFC 7692, section 6.2.
func (c *Conn) inflatePart(ctx context.Context, next protocol.Kind, p []byte) (out []byte, last bool, err error) {
	if err := c.awaitInflatable(ctx, next); err != nil {
		return p, false, err
	}
	f := c.inflate
	room := c.inflateRoom(p)
	if next == protocol.End {
		out, last, err = f.dec.End(room)
	} else {
		var n int
		out, n, err = f.dec.Append(room, c.in.bytes()[:f.ready])
		c.in.consume(n)
		f.ready -= n
		// The decoder may hold more also when it has taken all input.
		f.full = len(out) == cap(room)
	}
	// What came before the fault comes first.
	if len(out) > len(p) {
		if err := c.rx.Message(out[len(p):]); err != nil {
			return p, false, c.fail(err)
		}
	}
	if err != nil {
		return p, false, c.failCorrupt(err)
	}
	return p[:len(out)], last, nil
}

// inflateRoom returns p with no more capacity than what shows that the message is
// larger than the read limit, so that no more of a bomb is inflated.
//
// RFC 6455, section 10.4.
func (c *Conn) inflateRoom(p []byte) []byte {
	if room := c.rx.Room(); room < uint64(cap(p)-len(p)) {
		return p[: len(p) : len(p)+int(room)+1]
	}
	return p
}

// awaitInflatable waits until something can be inflated of the message under way, and
// unmasks what has arrived of its frame.
func (c *Conn) awaitInflatable(ctx context.Context, next protocol.Kind) error {
	if next == protocol.End || c.inflate.pending() {
		return nil
	}
	if len(c.in.bytes()) == 0 {
		if err := c.fill(ctx); err != nil {
			return err
		}
	}
	n := int(min(uint64(len(c.in.bytes())), c.rx.Left()))
	c.rx.Frame(c.in.bytes()[:n])
	c.inflate.ready = n
	return nil
}

// leastGrowth is the least capacity that is added for a compressed message.
const leastGrowth = 64

// appendInflated is inflatePart for a buffer that grows, of which the bytes from base on
// are of the message: by what a small message turns out to have, else by some times what
// has arrived compressed, then by as much as the message has already.
func (c *Conn) appendInflated(ctx context.Context, next protocol.Kind, p []byte, base int) (out []byte, last bool, err error) {
	f := c.inflate
	switch {
	case !f.full || len(p) < cap(p):
	case f.ready == 0 || len(p) == base && f.ready <= smallOutput/4:
		return c.appendRest(ctx, next, p, base)
	default:
		more := max(len(p)-base, 4*f.ready, leastGrowth)
		p = slices.Grow(p, int(min(uint64(more), max(c.rx.Room(), 1))))
	}
	out, last, err = c.inflatePart(ctx, next, p)
	if next == protocol.End && !last && err == nil {
		return c.appendRest(ctx, next, out, base) // the decoder wants room to tell
	}
	return out, last, err
}

// appendRest is appendInflated for a buffer that is full, where little is to come, or
// perhaps nothing: it grows by no more than that.
func (c *Conn) appendRest(ctx context.Context, next protocol.Kind, p []byte, base int) (out []byte, last bool, err error) {
	c.inflate.dec.Keep(p[base:])
	o := getOutput(smallOutput)
	n, last, err := c.readInflated(ctx, next, o.b)
	p = append(p, o.b[:n]...)
	putOutput(o)
	return p, last, err
}

// readInflated is inflatePart for a buffer that is used only once.
func (c *Conn) readInflated(ctx context.Context, next protocol.Kind, p []byte) (n int, last bool, err error) {
	out, last, err := c.inflatePart(ctx, next, p[:0:len(p)])
	c.inflate.dec.Keep(out)
	return len(out), last, err
}

// dropInflated inflates the next part of the message under way and drops it: the window
// has to follow, and the message is checked like every other.
//
// RFC 7692, section 7.2.2.
func (c *Conn) dropInflated(ctx context.Context, next protocol.Kind) (last bool, err error) {
	if err := c.awaitInflatable(ctx, next); err != nil {
		return false, err
	}
	o := getOutput(smallOutput)
	_, last, err = c.readInflated(ctx, next, o.b)
	putOutput(o)
	return last, err
}

// failCorrupt fails the connection because a message cannot be inflated.
//
// RFC 6455, section 7.4.1: 1007 is for data that is not consistent with the type of the
// message.
func (c *Conn) failCorrupt(err error) error {
	v := frame.MessageCorrupt
	return c.giveUp(&FailError{Violation: v, Err: err}, v.Code(), v.Error())
}
