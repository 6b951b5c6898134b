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

// waitable returns the context that stands behind the connection's own one.
func (c *Conn) waitable() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithCancelCause(c.base)
		if c.finished.Load() {
			c.cancel(c.err)
		}
	}
	return c.ctx
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
	return c.ctx != nil && c.ctx.Done() == done
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
	switch {
	case c.done != nil:
	case c.finished.Load():
		return closedChannel
	default:
		c.done = make(chan struct{})
	}
	return c.done
}

// announceEnd tells all who wait for it that the connection has ended.
func (c *Conn) announceEnd() {
	c.mu.Lock()
	c.finished.Store(true)
	if c.done != nil {
		close(c.done)
	}
	if c.cancel != nil {
		c.cancel(c.err)
	}
	c.mu.Unlock()
}
