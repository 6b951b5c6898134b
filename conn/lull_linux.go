//go:build linux && (amd64 || arm64)

package conn

import (
	"context"
	"time"
)

// lull waits until there is something to be read from a socket for the first time, or until
// whoever reads next will find out why not. If the stream has ended instead it ends the
// connection. It does nothing else, and without it all works as before.
//
// But a goroutine that waits here has a stack as small as that of a new one, 2 KiB, and
// one that waits further down has 4 KiB, and keeps them as long as it lives. So what is
// called from here needs little of the stack, and what needs more is done before, by the
// goroutine that has done the handshake, or aside.
//
// It is called with the read turn.
func (c *Conn) lull(ctx context.Context) {
	if !c.socket.usable() || len(c.in.bytes()) > 0 || c.over.Load() {
		return
	}
	if !c.reading.again(ctx) {
		done := make(chan struct{})
		go func() {
			c.settleDown(ctx)
			close(done)
		}()
		<-done
		if !c.reading.again(ctx) {
			return
		}
	}
	c.settings.idle.wake()
	came, lost, err := c.socket.look()
	c.reading.end()
	switch {
	case err != nil:
		if c.settings.keepAlive > 0 || c.settings.idle != nil {
			c.lulled(err)
		}
	case !came && !c.over.Load():
		_ = c.lost(lost)
	}
}

// awake is what Serve does after a lull. A connection that ends before it has said anything
// needs no more than that, and no loop.
//
// It is called with the read turn.
func (c *Conn) awake(ctx context.Context) error {
	switch {
	case c.over.Load():
		return c.terminal()
	case c.tellsInq || !c.rx.Between():
		return nil
	}
	deepen(0)
	return c.arrive(ctx)
}

// deepen has the stack grow at once to what reading needs, now that there is little on it
// that has to be moved.
//
//go:noinline
func deepen(deep int) byte {
	var frame [2000]byte
	return frame[deep]
}

// settleDown sets the watch and the deadline for lull. That comes a moment before the
// patience of keepalive, or of idleness, is over, so that the read which comes next is as patient as ever.
func (c *Conn) settleDown(ctx context.Context) {
	if !c.socket.usable() {
		return
	}
	var now time.Time
	patience := max(c.settings.keepAlive, 0)
	if i := c.settings.idle; i != nil && (patience == 0 || i.timeout < patience) {
		patience = i.timeout
	}
	limit := max(patience-minLook, 0)
	switch {
	case limit > 0:
		now = time.Now()
	case patience > 0:
		return // too impatient for a lull
	}
	if c.reading.begin(ctx, now, limit) == nil {
		c.reading.end()
	}
}

// lulled has keepalive remember how long the lull was.
func (c *Conn) lulled(err error) {
	if !isDeadline(err) {
		return
	}
	c.reading.met()
	if c.settings.keepAlive <= 0 {
		return
	}
	w := wait{c: c}
	now := time.Now()
	c.quiet = &quiet{at: now, waited: w.lifeless(now)}
}
