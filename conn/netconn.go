package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
	"unicode/utf8"

	"github.com/duplexws/duplex/frame"
)

// maxNetFrame is the payload of the largest frame that AsNetConn sends, and growth what
// text of that size that does not compress may grow by.
const (
	maxNetFrame = 32 << 10
	growth      = 16
)

// AsNetConn returns a net.Conn whose bytes travel in messages of type t, for protocols
// that want a stream. Message boundaries mean nothing: a Write is one message, or several
// if it is larger than about 32 KiB, and a Read returns what there is of one. The
// connection must not be used otherwise from then on, but for Ping.
//
// Deadlines are those of net.Conn. A Write that a deadline cuts reports as written what
// the connection has taken over: at most the rest of one frame is kept, and sent before
// anything else by the next call that writes. Over TLS, which does not survive that, it
// ends the connection.
//
// Read returns io.EOF when the peer has closed with [StatusNormalClosure] or
// [StatusGoingAway]. A message of the other type fails the connection with
// [StatusUnsupportedData]. With [Text], every Write must be valid UTF-8. Close sends a
// Close frame and returns; the closing handshake goes on for at most 5 s without it.
func AsNetConn(c *Conn, t MessageType) net.Conn {
	n := &netConn{c: c, t: t}
	n.readDeadline.init()
	n.writeDeadline.init()
	return n
}

type netConn struct {
	c *Conn
	t MessageType

	readDeadline, writeDeadline deadline

	turn turn            // what follows is used under it
	r    io.Reader       // the message under way
	rctx context.Context // the context of r
}

func (n *netConn) LocalAddr() net.Addr  { return n.c.LocalAddr() }
func (n *netConn) RemoteAddr() net.Addr { return n.c.RemoteAddr() }

// Read implements net.Conn.
func (n *netConn) Read(p []byte) (int, error) {
	ctx := n.readDeadline.context()
	switch {
	case ctx.Err() != nil:
		return 0, n.wrap("read", ctx, cancelled(ctx))
	case len(p) == 0:
		return 0, nil
	}
	if err := n.c.acquire(ctx, &n.turn, nil); err != nil {
		return 0, n.wrap("read", ctx, err)
	}
	m, err := n.read(ctx, p)
	n.turn.release()
	if err != nil {
		return m, n.wrap("read", ctx, err)
	}
	return m, nil
}

func (n *netConn) read(ctx context.Context, p []byte) (int, error) {
	for {
		if n.r == nil || n.rctx != ctx {
			t, r, err := n.c.Reader(ctx)
			if err != nil {
				return 0, err
			}
			if t.opcode() != n.t.opcode() {
				_ = r.Close()
				err := fmt.Errorf("duplex: the peer sent a %v message on a stream of %v messages", t, n.t)
				return 0, n.c.abandon(err, StatusUnsupportedData)
			}
			n.r, n.rctx = r, ctx
		}
		m, err := n.r.Read(p)
		if err != io.EOF {
			return m, err
		}
		n.r = nil
	}
}

// Write implements net.Conn.
func (n *netConn) Write(p []byte) (int, error) {
	ctx := n.writeDeadline.context()
	written, err := n.write(ctx, p)
	if err != nil {
		return written, n.wrap("write", ctx, err)
	}
	return written, nil
}

// write keeps the message turn, so that the bytes of several Writes do not mix.
func (n *netConn) write(ctx context.Context, p []byte) (written int, err error) {
	if err := n.t.check(p); err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, cancelled(ctx)
	}
	if err := n.c.acquire(ctx, &n.c.messageTurn, nil); err != nil {
		return 0, err
	}
	defer n.c.releaseMessage()
	for err == nil && written < len(p) {
		piece := n.piece(p[written:])
		var taken bool
		taken, err = n.c.writePiece(ctx, n.t, piece)
		if taken {
			written += len(piece)
		}
	}
	return written, err
}

// piece returns the beginning of p that makes the next message.
func (n *netConn) piece(p []byte) []byte {
	size := maxNetFrame
	if n.c.compresses(n.t, len(p)) {
		size -= growth
	}
	if len(p) <= size {
		return p
	}
	for n.t.opcode() == frame.Text && !utf8.RuneStart(p[size]) {
		size--
	}
	return p[:size]
}

// Close implements net.Conn.
func (n *netConn) Close() error {
	first := n.readDeadline.close()
	n.writeDeadline.close()
	if !first {
		return &net.OpError{Op: "close", Net: "websocket", Source: n.LocalAddr(), Addr: n.RemoteAddr(), Err: net.ErrClosed}
	}
	body, _ := closeBody(StatusNormalClosure, "")
	ctx, cancel := context.WithTimeout(context.Background(), failTime)
	defer cancel()
	if n.c.sendClose(ctx, body) != nil {
		return n.c.CloseNow()
	}
	go func() { _ = n.c.Close(context.Background(), StatusNormalClosure, "") }()
	return nil
}

func (n *netConn) SetDeadline(t time.Time) error {
	return errors.Join(n.SetReadDeadline(t), n.SetWriteDeadline(t))
}
func (n *netConn) SetReadDeadline(t time.Time) error  { return n.readDeadline.set(t) }
func (n *netConn) SetWriteDeadline(t time.Time) error { return n.writeDeadline.set(t) }

// wrap gives an error the form that users of a net.Conn expect.
func (n *netConn) wrap(op string, ctx context.Context, err error) error {
	if _, ok := errors.AsType[*cancelError](err); ok && ctx.Err() != nil {
		err = context.Cause(ctx) // os.ErrDeadlineExceeded or net.ErrClosed
	}
	if ce, ok := errors.AsType[*CloseError](err); ok && op == "read" &&
		(ce.Code == StatusNormalClosure || ce.Code == StatusGoingAway) {
		return io.EOF
	}
	return &net.OpError{Op: op, Net: "websocket", Source: n.LocalAddr(), Addr: n.RemoteAddr(), Err: err}
}

// writePiece sends p as a message in one frame, with the message turn held. If ctx ends
// before any of it has left, nothing has happened; if it ends later, the rest of the
// frame is kept for the next write, and taken is true.
func (c *Conn) writePiece(ctx context.Context, t MessageType, p []byte) (taken bool, err error) {
	if !c.compresses(t, len(p)) {
		c.begin(t, false)
		taken, err = c.writeWhole(ctx, p)
		if taken && c.settings.hooks != nil {
			c.tellSent(t, len(p), len(p))
		}
		return taken, err
	}
	out := deflated.Get().(*[]byte)
	*out = c.deflate.enc.End(c.deflate.enc.Append((*out)[:0], p))
	c.begin(t, true)
	taken, err = c.writeWhole(ctx, *out)
	if taken && c.settings.hooks != nil {
		c.tellSent(t, len(p), len(*out))
	}
	deflated.Put(out)
	if !taken {
		c.deflate.forget()
	}
	return taken, err
}

// writeWhole sends the message that was begun in one frame, as writePiece does.
func (c *Conn) writeWhole(ctx context.Context, p []byte) (taken bool, err error) {
	if err := c.acquire(ctx, &c.writeTurn, nil); err != nil {
		return false, err
	}
	defer c.releaseWrite()
	if err := c.maySend(); err != nil {
		return false, err
	}
	if err := c.writing.begin(ctx, time.Time{}, 0); err != nil {
		return false, err
	}
	err = c.sendTail()
	if err == nil {
		err = c.sendReplies()
	}
	if err == nil {
		taken, err = c.sendKeeping(c.tx.Frame(true, len(p)), p)
	}
	c.writing.end()
	switch {
	case err == nil:
		return true, nil
	case !isTLS(c.nc) && isTimeout(err) && ctx.Err() != nil:
		return taken, cancelled(ctx)
	}
	return false, c.unsent(ctx, err)
}

// sendKeeping sends a frame and keeps what a deadline left of it.
func (c *Conn) sendKeeping(h frame.Header, p []byte) (taken bool, err error) {
	o := getOutput(largeOutput)
	defer putOutput(o)
	b := encode(o.b, h, p)
	n, err := c.put(b)
	if n > 0 && n < len(b) {
		c.keepTail(b[n:])
	}
	return n > 0, err
}
