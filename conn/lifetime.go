package conn

import (
	"context"
	"time"
)

// lifetime is the context of a connection. It is the Conn itself, seen as a context, so
// that a connection on which nobody waits for it has none to pay for. What it takes to be
// waited for is made when somebody asks: a context of package context, whose children and
// AfterFunc need no goroutine.
type lifetime Conn

// Context returns a context that is done when the connection has ended, and whose
// context.Cause says why, with the error that reads return then. On a server it
// carries the values of the request's context, but not its end.
func (c *Conn) Context() context.Context { return (*lifetime)(c) }

// Deadline returns that there is none.
func (l *lifetime) Deadline() (time.Time, bool) { return time.Time{}, false }

// Err returns context.Canceled once the connection has ended.
func (l *lifetime) Err() error {
	if (*Conn)(l).finished.Load() {
		return context.Canceled
	}
	return nil
}

// Done returns a channel that is closed when the connection has ended.
func (l *lifetime) Done() <-chan struct{} { return (*Conn)(l).waitable().Done() }

// Value returns what the request's context has for a key. One that it does not know may
// be that by which package context finds contexts of its own.
func (l *lifetime) Value(key any) any {
	c := (*Conn)(l)
	if v := c.base.Value(key); v != nil {
		return v
	}
	return c.waitable().Value(key)
}

// String keeps package fmt from looking into the connection.
func (l *lifetime) String() string { return "conn.Context" }

// attendance is what tells those who wait for something on a connection that it has come.
// It is guarded by Conn.mu.
type attendance struct {
	done   chan struct{}   // closed when the connection has ended; made when needed
	ctx    context.Context // done then; made when needed
	cancel context.CancelCauseFunc
	came   chan struct{} // closed when the application comes to read; nil: nobody waits
}

// attendance returns the place of those who wait. It is called with mu held.
func (c *Conn) attendance() *attendance {
	if c.waits == nil {
		c.waits = new(attendance)
	}
	return c.waits
}

// waitable returns the context that stands behind the connection's own one.
func (c *Conn) waitable() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.attendance()
	if a.ctx == nil {
		a.ctx, a.cancel = context.WithCancelCause(c.base)
		if c.finished.Load() {
			a.cancel(c.err)
		}
	}
	return a.ctx
}

// watched returns the Done channel that tells when a call must be interrupted. The
// connection's own context ends when there is nothing left to interrupt.
func (c *Conn) watched(ctx context.Context) <-chan struct{} {
	if l, ok := ctx.(*lifetime); ok && l == (*lifetime)(c) {
		return nil
	}
	return ctx.Done()
}

// owns reports whether a Done channel is that of the connection's own context.
func (c *Conn) owns(done <-chan struct{}) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waits != nil && c.waits.ctx != nil && c.waits.ctx.Done() == done
}

// closedChannel is the channel of what has ended before anybody asked.
var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// ended returns a channel that is closed when the connection has ended.
func (c *Conn) ended() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished.Load() {
		return closedChannel
	}
	a := c.attendance()
	if a.done == nil {
		a.done = make(chan struct{})
	}
	return a.done
}

// announceEnd tells all who wait for it that the connection has ended.
func (c *Conn) announceEnd() {
	c.mu.Lock()
	c.finished.Store(true)
	if a := c.waits; a != nil {
		if a.done != nil {
			close(a.done)
		}
		if a.cancel != nil {
			a.cancel(c.err)
		}
	}
	c.mu.Unlock()
}
