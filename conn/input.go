package conn

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/duplexws/duplex/frame"
)

// inputSize is the capacity of the smallest input buffer. Headers, control frames and
// small messages pass through it; large payloads are read straight to where they go.
// maxInput is that of the largest.
const (
	inputSize = 4096
	maxInput  = 16 * inputSize
)

// A control frame is judged whole in the buffer.
const _ = uint(inputSize - frame.MaxHeaderLen - frame.MaxControlLen)

// inputs are pools of buffers. A connection that fills one with a single read has more to
// say and gets the next larger one; one that does not need it goes back to the smaller.
var inputs = [...]sync.Pool{
	{New: func() any { return &buffer{b: make([]byte, inputSize)} }},
	{New: func() any { return &buffer{b: make([]byte, 4*inputSize)} }},
	{New: func() any { return &buffer{b: make([]byte, maxInput)} }},
}

// buffer is memory that goes back to a pool.
type buffer struct {
	mark
	b []byte
}

// input holds bytes that have arrived and were not consumed yet. It is used under
// the read turn. While it is empty and nobody reads it has no memory.
type input struct {
	held   []byte  // behind it, up to its capacity, is room
	pooled *buffer // the memory of held, if it goes back to a pool
	class  uint8   // the pool that the next buffer comes from
	own    uint8   // the pool that this one came from
	small  uint8   // how many reads in a row would have fitted in the next smaller one
}

func (in *input) bytes() []byte { return in.held }

func (in *input) consume(n int) { in.held = in.held[n:] }

// room returns free space behind what is held. What is held when it is called is the
// beginning of something that fits in the smallest buffer, or in the present one.
func (in *input) room() []byte {
	if len(in.held) == 0 && in.pooled != nil && in.own != in.class {
		in.release(true)
	}
	if in.pooled == nil {
		// What came with the handshake is held in a slice of its own.
		p := inputs[in.class].Get().(*buffer)
		p.take(p.b)
		in.held, in.pooled, in.own = p.b[:copy(p.b, in.held)], p, in.class
	}
	if b, room := in.pooled.b, cap(in.held)-len(in.held); len(in.held) == 0 || cap(in.held) < len(b) && room < len(b)/2 {
		in.held = b[:copy(b, in.held)]
	}
	return in.held[len(in.held):cap(in.held)]
}

// lazyReads is how many small reads it takes to go back to a smaller buffer.
const lazyReads = 16

// filled notes that n bytes were read to where room said, and chooses the size of the
// next buffer.
func (in *input) filled(n int) {
	in.held = in.held[:len(in.held)+n]
	switch {
	case in.pooled == nil:
	case n == len(in.pooled.b) && int(in.class) < len(inputs)-1:
		in.class++
		in.small = 0
	case in.class == 0 || n > len(in.pooled.b)/4:
		in.small = 0
	case in.small == lazyReads:
		in.class--
		in.small = 0
	default:
		in.small++
	}
}

// park is called before waiting, perhaps for long. It gives the memory back if nothing is
// held, and a larger buffer if what is held fits in the smallest.
func (in *input) park() {
	in.release(false)
	if in.pooled == nil || in.own == 0 || len(in.held) > inputSize/2 {
		return
	}
	p := inputs[0].Get().(*buffer)
	p.take(p.b)
	n := copy(p.b, in.bytes())
	in.release(true)
	in.held, in.pooled = p.b[:n], p
}

// release gives the memory back if nothing is held, or if what is held is of no use.
func (in *input) release(drop bool) {
	if len(in.held) > 0 && !drop {
		return
	}
	if in.pooled != nil {
		in.pooled.give(in.pooled.b)
		inputs[in.own].Put(in.pooled)
	}
	*in = input{class: in.class, small: in.small}
}

// fill waits for more input. It is called only when what is held ends inside a header
// or a control frame, so there is always room.
func (c *Conn) fill(ctx context.Context) error {
	_, err := c.receive(ctx, nil)
	return err
}

// maxEmptyReads is how often a stream may return neither bytes nor an error, or meet a
// deadline before its time.
const maxEmptyReads = 100

// receive reads from the stream, to p or, if that is nil, to the input buffer. It is the
// only place that does. If ctx ends first, the error is that of the context and nothing
// is lost; any other error has ended the connection. Before it waits, replies leave.
func (c *Conn) receive(ctx context.Context, p []byte) (int, error) {
	if c.loop != nil {
		return c.loop.receive(p)
	}
	if c.handling.Load() != 0 {
		c.handling.Store(0)
	}
	if c.replies.due() {
		if err := c.flushReplies(ctx, true); err != nil {
			return 0, err
		}
	}
	w := wait{c: c}
	for {
		if !w.resume(ctx) {
			now, limit := w.next()
			w.until = now.Add(limit)
			if c.reading.begin(ctx, now, limit) != nil {
				return 0, w.leave(ctx)
			}
		}
		n, err := c.readStream(p)
		c.reading.end()
		switch {
		case c.over.Load():
			// RFC 6455, section 7.1.7: after failing the connection, nothing
			// that comes is processed.
			return 0, c.terminal()
		case n > 0:
			c.settings.idle.received(n)
			return n, nil // the error, if any, will come again
		case err == nil:
			if err := w.nothing(); err != nil {
				return 0, err
			}
		case isDeadline(err):
			c.reading.met()
			if ctx.Err() != nil {
				return 0, w.leave(ctx)
			}
			if err := w.deadline(); err != nil {
				return 0, err
			}
		default:
			return 0, c.lost(err)
		}
	}
}

// isDeadline reports whether a read has met a deadline. ETIMEDOUT is TCP giving up.
func isDeadline(err error) bool { return isTimeout(err) && !errors.Is(err, syscall.ETIMEDOUT) }

// readStream reads once, to p or, if that is nil, to the input buffer, which is not held
// while there is nothing to read if that can be helped.
func (c *Conn) readStream(p []byte) (n int, err error) {
	switch {
	case c.socket.usable():
		return c.socket.read(p)
	case p != nil:
		return c.nc.Read(p)
	}
	n, err = c.nc.Read(c.in.room())
	c.in.filled(n)
	return n, err
}

// wait is the clock of one call to receive: that of keepalive, and, see idleness, of another
// that is of the connection.
type wait struct {
	c      *Conn
	since  time.Time // when life was last seen, or the wait began
	pinged bool
	until  time.Time // when the read that is under way meets its deadline
	empty  int       // reads that gave nothing
}

// nothing is called when a read has given nothing for no reason. It bounds how long a
// stream that does not work can keep us busy.
func (w *wait) nothing() error {
	if w.empty++; w.empty == maxEmptyReads {
		return w.c.lost(io.ErrNoProgress)
	}
	return nil
}

// quiet is what keepalive remembers of a wait that was cancelled, under the read turn.
// A program that reads with short timeouts would never come to its end otherwise.
type quiet struct {
	at     time.Time     // when the wait ended
	waited time.Duration // without a sign of life
	pinged bool
}

// minLook is the least time that a read gets, since there may be something to read.
const minLook = time.Second

// next returns the time and how long the coming read may take; zero: for ever.
func (w *wait) next() (now time.Time, limit time.Duration) {
	now, limit = w.patience()
	return w.c.settings.idle.limit(w.c, now, limit)
}

// patience is next as far as keepalive is concerned.
func (w *wait) patience() (now time.Time, limit time.Duration) {
	every := w.c.settings.keepAlive
	if every <= 0 {
		return time.Time{}, 0
	}
	now = time.Now()
	if !w.since.IsZero() {
		return now, max(every-now.Sub(w.since), 1)
	}
	w.since = now
	if q := w.c.quiet; q != nil {
		w.c.quiet = nil
		if !w.c.lastSent().After(q.at) {
			w.since, w.pinged = now.Add(-q.waited), q.pinged
		}
	}
	return now, max(every-now.Sub(w.since), min(every, minLook))
}

// resume begins a read under the deadline that another one has left, without a look at the
// clock, and reports whether it could. When the wait began is not known then; if it
// matters, the system says when the last bytes came.
func (w *wait) resume(ctx context.Context) bool {
	c := w.c
	if c.settings.keepAlive <= 0 || c.settings.idle != nil || !w.since.IsZero() || c.quiet != nil || !c.socket.tells() ||
		c.reading.at == 0 || !c.reading.again(ctx) {
		return false
	}
	w.until = c.reading.at.time()
	return true
}

// lifeless returns how long there was no sign of life.
func (w *wait) lifeless(now time.Time) time.Duration {
	if w.since.IsZero() {
		w.since = w.c.socket.lastHeard()
	}
	if sent := w.c.lastSent(); sent.After(w.since) {
		w.since, w.pinged = sent, false
	}
	return now.Sub(w.since)
}

// deadline is called when the read has met a deadline. It may have been left from an
// earlier read, or be none of ours.
func (w *wait) deadline() error {
	if w.until.IsZero() || time.Now().Before(w.until) {
		return w.nothing()
	}
	w.empty = 0
	if err := w.c.settings.idle.check(w.c); err != nil || w.c.settings.keepAlive <= 0 {
		return err
	}
	if w.since.IsZero() {
		// Perhaps that was over before the read began, and there is something to read.
		w.lifeless(time.Now())
		if look := time.Now().Add(min(w.c.settings.keepAlive, minLook) - w.c.settings.keepAlive); look.After(w.since) {
			w.since = look
		}
		return nil
	}
	return w.silence()
}

// silence is called when time has passed without a byte in. After the first time
// without life it sends a Ping, after the second it fails the connection.
func (w *wait) silence() error {
	c := w.c
	now := time.Now()
	switch {
	case w.lifeless(now) < c.settings.keepAlive:
		return nil
	case w.pinged:
		return c.giveUp(ErrKeepAlive, StatusInternalError, "keepalive: no sign of life")
	}
	// While the connection is closing there is no Ping, and another clock runs.
	w.since, w.pinged = now, c.owePing()
	return nil
}

// leave returns the error for a read whose context has ended.
func (w *wait) leave(ctx context.Context) error {
	if err := w.c.settings.idle.check(w.c); err != nil {
		return err
	}
	if w.c.settings.keepAlive > 0 {
		if err := w.silence(); err != nil {
			return err
		}
		now := time.Now()
		w.c.quiet = &quiet{now, w.lifeless(now), w.pinged}
	}
	return cancelled(ctx)
}
