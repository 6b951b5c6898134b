package conn

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// Replier sends the replies of a function that is called by [Conn.Serve]. It may be used
// until the function returns. The zero Replier is of no use.
type Replier struct{ s *server }

// Write is [Conn.Write] with the context of Serve, except that it may return before the
// message has been given to the stream: replies are gathered while further messages lie
// in the input buffer, and leave together when none does, when they have become too many,
// and before anything else that is written. The slice is not used after Write has
// returned. With [Options].NoGathering Write is no different from Conn.Write.
func (r *Replier) Write(t MessageType, p []byte) error {
	if err := t.check(p); err != nil {
		return err
	}
	c := r.s.c
	if c.shortReply(t, p) {
		return r.late()
	}
	reads := c.handling.Load()
	if done, err := c.shortWrite(r.s.ctx, t, p); done {
		if err == nil {
			r.s.took.Store(reads)
		}
		return err
	}
	if err := c.acquire(r.s.ctx, &c.messageTurn, nil); err != nil {
		return err
	}
	if !c.settings.noGathering && c.handling.Load() != 0 {
		c.gathering = gatherReply
	}
	compressed := c.compresses(t, len(p))
	c.begin(t, compressed)
	sent, err := c.writePart(r.s.ctx, compressed, true, p)
	if sent && err != nil {
		err = c.abandon(err, StatusInternalError)
	}
	if err == nil && c.settings.hooks != nil {
		c.tellWritten(t, int64(len(p)), compressed)
	}
	gathered := c.gathering == gatherReply
	c.gathering = gatherNothing
	c.releaseMessage()
	if gathered && err == nil {
		err = r.late()
	}
	return err
}

// late sends what was gathered if Serve looks for replies no more: after its function has
// returned.
func (r *Replier) late() error {
	if r.s.c.handling.Load() != 0 {
		return nil
	}
	return r.Flush()
}

// Flush sends what was gathered so far, for a function that goes on working after it has
// replied.
func (r *Replier) Flush() error { return r.s.c.flushReplies(r.s.ctx, false) }

// replies are frames that were gathered, those of a batch of Post among them. They are used
// under the write turn.
type replies struct {
	o    *output       // holds them; nil: none
	some atomic.Uint32 // whose, a gathering; 0: there are none
	more atomic.Bool   // something lay in the input buffer when the function of Serve was called
}

// maxGathered is the payload of the largest frame that is gathered: copying a larger one
// costs more than sending it.
const maxGathered = 16 << 10

// gathering says whose frames are gathered.
type gathering uint8

const (
	gatherNothing gathering = iota
	gatherPosts
	gatherReply // or both
)

// gather adds a frame to what was gathered. It returns false if there is no room.
func (r *replies) gather(g gathering, h frame.Header, p []byte) bool {
	if !r.room(h.Len(), len(p)) {
		return false
	}
	r.o.n += len(encode(r.o.b[r.o.n:], h, p))
	r.note(g)
	return true
}

// gatherShort is gather for a whole frame of a server.
func (r *replies) gatherShort(op frame.Opcode, p []byte) bool {
	o := r.o
	// Most often there is room, as room would find.
	if o == nil || len(p) > maxGathered || 4+len(p) > len(o.b)-o.n {
		if !r.room(4, len(p)) {
			return false
		}
		o = r.o
	}
	o.n += protocol.PutShort(o.b[o.n:], op, len(p))
	o.n += copy(o.b[o.n:], p)
	r.note(gatherReply)
	return true
}

// room takes memory for one more frame, unless the payload is too large or there is too
// much already.
func (r *replies) room(header, payload int) bool {
	size := header + payload
	if r.o != nil {
		size += r.o.n
	}
	switch {
	case payload > maxGathered || size > largeOutput:
		return false
	case r.o != nil && size <= len(r.o.b):
	case r.o == nil && size <= smallOutput:
		r.o = getOutput(smallOutput)
	default:
		o := getOutput(largeOutput)
		if r.o != nil {
			o.n, o.cut = copy(o.b, r.bytes()), r.o.cut
			putOutput(r.o)
		}
		r.o = o
	}
	return true
}

// note notes whose frames were gathered.
func (r *replies) note(g gathering) {
	if r.some.Load() < uint32(g) {
		r.some.Store(uint32(g))
	}
}

// due reports whether there are replies, which leave before Serve, or any other call that
// reads, waits. What was posted leaves by itself: waiting for that, too, would keep a reader
// from what the peer sends before it takes more.
func (r *replies) due() bool { return r.some.Load() == uint32(gatherReply) }

// bytes returns what was gathered.
func (r *replies) bytes() []byte { return r.o.b[:r.o.n] }

// sent forgets the first n bytes of what was gathered, because they have left.
func (r *replies) sent(n int) {
	if n == r.o.n {
		r.drop()
		return
	}
	r.o.n = copy(r.o.b, r.o.b[n:r.o.n])
	r.o.cut = r.o.cut || n > 0
}

// drop forgets what was gathered and gives the memory back.
func (r *replies) drop() {
	if r.o == nil {
		return
	}
	putOutput(r.o)
	r.o = nil
	r.some.Store(0)
}

// sendReplies sends what was gathered, with the write turn held. What an error leaves of
// it is kept, as AsNetConn wants it.
func (c *Conn) sendReplies() error {
	r := &c.replies
	if r.o == nil {
		return nil
	}
	n, err := c.put(r.bytes())
	r.sent(n)
	return err
}

// flushReplies sends what was gathered when it is its turn. If the stream fails, that ends
// the connection; while reading it is not waited for, since the Close frame that says why
// may still be read.
func (c *Conn) flushReplies(ctx context.Context, reading bool) error {
	if err := c.acquire(ctx, &c.writeTurn, nil); err != nil {
		return err
	}
	err := c.maySendReplies()
	if err == nil {
		err = c.writing.begin(ctx, time.Time{}, 0)
	}
	if err != nil {
		c.releaseWrite()
		return err
	}
	if err = c.sendTail(); err == nil {
		err = c.sendReplies()
	}
	c.writing.end()
	switch {
	case err == nil:
	case reading && !isTimeout(err) && !c.over.Load():
		c.replies.drop()
		go c.repliesLost(ctx, err)
		return nil
	default:
		err = c.unsent(ctx, err)
	}
	c.releaseWrite()
	return err
}

// repliesLost ends the connection because replies could not be sent, and gives the write
// turn back.
func (c *Conn) repliesLost(ctx context.Context, err error) {
	_ = c.unsent(ctx, err)
	c.releaseWrite()
}

// flushSoon has what was gathered sent by a goroutine, and waits for that a moment: the
// context of those who made it has ended, or they have.
func (c *Conn) flushSoon() {
	flushed := make(chan struct{})
	go func() {
		_ = c.flushReplies(context.Background(), false)
		close(flushed)
	}()
	patience := time.NewTimer(replyPatience)
	defer patience.Stop()
	select {
	case <-flushed:
	case <-patience.C:
	}
}

// maySendReplies returns an error if what was gathered cannot be sent any more. If a part of
// it has left, the rest is kept for the Close frame that may come: it would not be one in the
// middle of another frame.
func (c *Conn) maySendReplies() error {
	err := c.terminal()
	if cut := c.replies.o != nil && c.replies.o.cut; err != nil && (!cut || c.finished.Load()) {
		c.replies.drop()
	}
	return err
}

const _ = uint(protocol.MaxShort - maxGathered)
