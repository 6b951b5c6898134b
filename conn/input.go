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

// inputSize is the capacity of the input buffer. Headers, control frames and small
// messages pass through it; large payloads are read straight to where they go.
const inputSize = 4096

// A control frame is judged whole in the buffer.
const _ = uint(inputSize - frame.MaxHeaderLen - frame.MaxControlLen)

var inputs = sync.Pool{New: func() any { return new([inputSize]byte) }}

// input holds bytes that have arrived and were not consumed yet. It is used under
// the read turn. While it is empty and nobody reads it has no memory.
type input struct {
	buf    []byte // what is held is buf[r:w]
	r, w   int
	pooled *[inputSize]byte // the memory of buf, if it goes back to the pool
}

func (in *input) bytes() []byte { return in.buf[in.r:in.w] }

func (in *input) consume(n int) { in.r += n }

// room returns free space behind what is held, and makes some if there is none.
func (in *input) room() []byte {
	if in.r == in.w {
		in.r, in.w = 0, 0
		if in.pooled == nil {
			in.buf = nil
		}
	}
	if in.w < len(in.buf) {
		return in.buf[in.w:]
	}
	if in.pooled != nil {
		in.w = copy(in.buf, in.bytes())
		in.r = 0
		return in.buf[in.w:]
	}
	// What came with the handshake is held in a slice of its own. What is left of
	// it is the beginning of a header or of a control frame, so it fits.
	p := inputs.Get().(*[inputSize]byte)
	in.w = copy(p[:], in.bytes())
	in.r, in.buf, in.pooled = 0, p[:], p
	return in.buf[in.w:]
}

// release gives the memory back if nothing is held, or if what is held is of no use.
func (in *input) release(drop bool) {
	if in.r != in.w && !drop {
		return
	}
	if in.pooled != nil {
		inputs.Put(in.pooled)
	}
	*in = input{}
}

// fill waits for more input. It is called only when what is held ends inside a header
// or a control frame, so there is always room.
func (c *Conn) fill(ctx context.Context) error {
	n, err := c.receive(ctx, c.in.room())
	c.in.w += n
	return err
}

// maxEmptyReads is how often a stream may return neither bytes nor an error, or meet a
// deadline before its time.
const maxEmptyReads = 100

// receive reads from the stream into p. It is the only place that does. If ctx ends
// first, the error is that of the context and nothing is lost; any other error has
// ended the connection.
func (c *Conn) receive(ctx context.Context, p []byte) (int, error) {
	w := wait{c: c}
	for {
		now, limit := w.next()
		w.until = now.Add(limit)
		if c.reading.begin(ctx, now, limit) != nil {
			return 0, w.leave(ctx)
		}
		n, err := c.nc.Read(p)
		c.reading.end()
		switch {
		case c.over.Load():
			// RFC 6455, section 7.1.7: after failing the connection, nothing
			// that comes is processed.
			return 0, c.terminal()
		case n > 0:
			return n, nil // the error, if any, will come again
		case err == nil:
			if err := w.nothing(); err != nil {
				return 0, err
			}
		case isTimeout(err) && !errors.Is(err, syscall.ETIMEDOUT): // that is TCP giving up
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

// wait is the keepalive clock of one call to receive.
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
	at     time.Time     // when the wait ended; zero: there is none
	waited time.Duration // without a sign of life
	pinged bool
}

// minLook is the least time that a read gets, since there may be something to read.
const minLook = time.Second

// next returns the time and how long the coming read may take; zero: for ever.
func (w *wait) next() (now time.Time, limit time.Duration) {
	every := w.c.keepAlive
	if every <= 0 {
		return time.Time{}, 0
	}
	now = time.Now()
	if !w.since.IsZero() {
		return now, max(every-now.Sub(w.since), 1)
	}
	w.since = now
	if q := w.c.quiet; !q.at.IsZero() {
		w.c.quiet = quiet{}
		if !w.c.lastSent().After(q.at) {
			w.since, w.pinged = now.Add(-q.waited), q.pinged
		}
	}
	return now, max(every-now.Sub(w.since), min(every, minLook))
}

// lifeless returns how long there was no sign of life.
func (w *wait) lifeless(now time.Time) time.Duration {
	if sent := w.c.lastSent(); sent.After(w.since) {
		w.since, w.pinged = sent, false
	}
	return now.Sub(w.since)
}

// deadline is called when the read has met a deadline. It may have been left from an
// earlier read, or be none of ours.
func (w *wait) deadline() error {
	if w.c.keepAlive <= 0 || time.Now().Before(w.until) {
		return w.nothing()
	}
	w.empty = 0
	return w.silence()
}

// silence is called when time has passed without a byte in. After the first time
// without life it sends a Ping, after the second it fails the connection.
func (w *wait) silence() error {
	c := w.c
	now := time.Now()
	switch {
	case w.lifeless(now) < c.keepAlive:
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
	if w.c.keepAlive > 0 {
		if err := w.silence(); err != nil {
			return err
		}
		now := time.Now()
		w.c.quiet = quiet{now, w.lifeless(now), w.pinged}
	}
	return cancelled(ctx)
}
