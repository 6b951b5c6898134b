package conn

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
	"github.com/duplexws/duplex/mask"
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
	return c.writeMessage(ctx, t, p)
}

// writeMessage sends a valid message when it is its turn.
func (c *Conn) writeMessage(ctx context.Context, t MessageType, p []byte) error {
	if err := c.acquire(ctx, &c.messageTurn, nil); err != nil {
		return err
	}
	c.tx.Begin(frame.Opcode(t))
	sent, err := c.writeFrames(ctx, true, p)
	if sent && err != nil {
		err = c.abandon(err, StatusInternalError)
	}
	c.messageTurn.release()
	return err
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
	if err == nil {
		err = c.transmit(ctx, 0, h, p)
	}
	c.releaseWrite()
	return err
}

// maySend returns an error if data must not be sent any more.
//
// RFC 6455, section 5.5.1.
func (c *Conn) maySend() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && !c.state.MaySend() {
		return errClosing
	}
	return c.err
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

// Sizes of the output buffers, a frame that fits in a small one leaves in one write,
// and of the largest write.
const (
	smallOutput = 4096
	largeOutput = maxMasked + frame.MaxHeaderLen
	maxPut      = 128 << 10
)

// output is memory for frames on their way out.
type output struct {
	b   []byte
	vec [2][]byte // header and payload of a frame that is sent without a copy
	bfs net.Buffers
}

var (
	smallOutputs = sync.Pool{New: func() any { return &output{b: make([]byte, smallOutput)} }}
	largeOutputs = sync.Pool{New: func() any { return &output{b: make([]byte, largeOutput)} }}
)

// transmit sends one frame, with the write turn held. limit is the time that it has;
// zero: any. An error has ended the connection, unless ctx had ended before anything
// was sent.
func (c *Conn) transmit(ctx context.Context, limit time.Duration, h frame.Header, p []byte) error {
	var now time.Time
	if limit > 0 {
		now = time.Now()
	}
	if err := c.writing.begin(ctx, now, limit); err != nil {
		return err
	}
	err := c.sendTail()
	if err == nil {
		err = c.sendFrame(h, p)
	}
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
	switch {
	case isTimeout(err) && ctx.Err() != nil:
		return c.end(cancelled(ctx), cut)
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
	if len(c.tail) == 0 {
		return nil
	}
	n, err := c.put(c.tail)
	c.tail = c.tail[n:]
	if len(c.tail) == 0 {
		c.tail = nil
	}
	return err
}

// put writes b to the stream, a large one in pieces, so that keepalive sees it move.
func (c *Conn) put(b []byte) (n int, err error) {
	for {
		piece := b[n:min(len(b), n+maxPut)]
		m, err := c.nc.Write(piece)
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

// sendFrame writes a frame: in one piece if it is small; without copying the payload
// if the stream can write several pieces at once; else through a buffer.
func (c *Conn) sendFrame(h frame.Header, p []byte) error {
	pool := &smallOutputs
	if h.Len()+len(p) > smallOutput {
		if !h.Masked && writesVectors(c.nc) {
			return c.sendVector(h, p)
		}
		pool = &largeOutputs
	}
	o := pool.Get().(*output)
	err := c.sendCopied(o, h, p)
	pool.Put(o)
	return err
}

// sendCopied writes a frame through a buffer. What has no room, of a server's frame, is
// written as it is.
func (c *Conn) sendCopied(o *output, h frame.Header, p []byte) error {
	n := min(len(p), len(o.b)-h.Len())
	_, err := c.put(encode(o, h, p[:n]))
	if err == nil && n < len(p) {
		_, err = c.put(p[n:])
	}
	return err
}

// encode puts header and payload into the buffer, which must have room for both. The
// payload is masked if the header says so; p itself is never changed.
//
// RFC 6455, section 5.3.
func encode(o *output, h frame.Header, p []byte) []byte {
	b := h.Append(o.b[:0])
	body := o.b[len(b) : len(b)+len(p)]
	if h.Masked {
		mask.Copy(body, p, h.Key)
	} else {
		copy(body, p)
	}
	return o.b[:len(b)+len(p)]
}

// sendVector writes header and payload, or the beginning of a large one, with one
// system call and no copy.
func (c *Conn) sendVector(h frame.Header, p []byte) error {
	o := smallOutputs.Get().(*output)
	n := min(len(p), maxPut)
	o.vec = [2][]byte{h.Append(o.b[:0]), p[:n]}
	o.bfs = o.vec[:]
	_, err := o.bfs.WriteTo(c.nc)
	o.vec, o.bfs = [2][]byte{}, nil
	smallOutputs.Put(o)
	if err != nil {
		return err
	}
	c.hasSent()
	if n < len(p) {
		_, err = c.put(p[n:])
	}
	return err
}

// writesVectors reports whether net.Buffers are written to nc in one system call.
func writesVectors(nc net.Conn) bool {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// control returns the header of a control frame.
func (c *Conn) control(op frame.Opcode, body []byte) frame.Header {
	return protocol.Header(c.role, op, true, len(body))
}
