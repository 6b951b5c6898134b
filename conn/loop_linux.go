//go:build linux && (amd64 || arm64)

package conn

import (
	"cmp"
	"time"
)

// loop is Serve inside one call of RawConn.Read. It never waits for input: when there is
// none it gives its buffers back and returns to RawConn.Read, which waits and calls it
// again. What has to wait for the peer in another way, a closing handshake or a failure,
// is done after RawConn.Read has returned.
type loop struct {
	s    *server
	err  error
	then func() error // what is left to do, if err is errLeave
	came bool         // something was read; the clock is looked at only when it matters

	fd      uintptr
	drained bool // nothing is left to be read, but perhaps an error
}

// leave has the loop end, and then do something.
func (l *loop) leave(then func() error) error {
	l.then = then
	return errLeave
}

// run is called by RawConn.Read whenever there may be something to read.
func (l *loop) run(fd uintptr) bool {
	c := l.s.c
	l.fd, l.drained = fd, false
	c.loop = l
	for l.err == nil {
		switch l.err = l.s.burst(); {
		case l.err != nil:
		case len(c.in.bytes()) == 0 && c.rx.Between():
			// As step would do. But from here it takes little of the stack, which the caches
			// have lost by the time that its turn comes again among many connections.
			_, l.err = l.receive(nil)
		default:
			l.err = l.s.step()
		}
	}
	c.loop = nil
	c.handling.Store(0)
	if l.err != errNothingYet {
		return true
	}
	l.err = nil
	l.s.idle()
	c.settings.idle.again(c)
	return false
}

// receive is Conn.receive inside the loop. Replies leave before it would have to wait, and
// before the end of the stream is met.
func (l *loop) receive(p []byte) (int, error) {
	c := l.s.c
	if c.over.Load() {
		return 0, c.terminal()
	}
	if l.s.ctx.Err() != nil {
		return 0, cancelled(l.s.ctx)
	}
	if c.handling.Load() != 0 {
		c.handling.Store(0)
	}
	// A stream that took a reply after its last byte was read had not ended before, and
	// what comes after that wakes us. Else only one more read can tell: an error, such as
	// a reset, may have come with that byte, and would never be told again.
	if l.drained {
		taken, err := l.s.took.Load() == l.s.reads, error(nil)
		if c.replies.due() {
			taken, err = l.flush()
		}
		if taken || err != nil {
			return 0, cmp.Or(err, errNothingYet)
		}
	}
	n, drained, err := c.socket.poll(l.fd, p)
	l.drained = drained
	if err == nil {
		l.came = true
		l.s.reads = max(l.s.reads+1, 1)
		c.settings.idle.received(n)
		return n, nil
	}
	if c.replies.due() {
		if _, err := l.flush(); err != nil {
			return 0, err
		}
	}
	if err != errNothingYet {
		return 0, l.leave(func() error { return c.lost(err) })
	}
	return 0, err
}

// flush sends the replies with one system call, if nobody else is writing and the socket
// takes them, which it reports; else as always.
func (l *loop) flush() (taken bool, err error) {
	c := l.s.c
	if c.writeTurn.try() {
		if err = c.maySendReplies(); err == nil && c.tail == nil && c.replies.o != nil {
			n := sendInside(l.fd, c.replies.bytes())
			c.replies.sent(n)
			taken = c.replies.o == nil // keepalive has seen what they answer
		}
		c.releaseWrite()
		if taken || err != nil {
			return taken, err
		}
	}
	return false, c.flushReplies(l.s.ctx, true)
}

// serveSocket is Serve on a socket: see loop.
func (c *Conn) serveSocket(s *server) error {
	l := &loop{s: s}
	run := l.run
	c.socket.ask()
	w := wait{c: c}
	for {
		// Who completes a closing handshake has the stream to himself.
		if err := c.terminal(); err != nil {
			return err
		}
		now, limit := w.next()
		w.until = now.Add(limit)
		if c.reading.begin(s.ctx, now, limit) != nil {
			return w.leave(s.ctx)
		}
		err := c.enterLoop()
		if err == nil {
			err = c.inRawConn(run)
		} else {
			c.reading.end()
		}
		if l.came {
			l.came = false
			w.heard(now)
		}
		switch {
		case l.err == errLeave:
			return l.then()
		case l.err != nil:
			return l.err
		case c.over.Load():
			return c.terminal()
		case !isDeadline(err):
			return c.lost(err)
		}
		c.reading.met()
		if s.ctx.Err() != nil {
			return w.leave(s.ctx)
		}
		if err := w.deadline(); err != nil {
			return err
		}
	}
}

// heard notes that something has come since the wait began. The system may know better when,
// but of Multipath TCP it tells only what has come by one of several streams.
func (w *wait) heard(began time.Time) {
	w.since, w.pinged = w.c.socket.lastHeard(), false
	if began.After(w.since) {
		w.since = began
	}
}

// inRawConn calls run by way of RawConn.Read. If it panics the stream is closed all the
// same, if it has to be.
func (c *Conn) inRawConn(run func(fd uintptr) bool) error {
	defer func() {
		c.reading.end()
		c.leaveLoop()
	}()
	return c.socket.rc.Read(run)
}

// enterLoop notes that the descriptor is in use and cannot be closed. It returns an error
// if the connection has ended.
func (c *Conn) enterLoop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return c.err
	}
	c.inLoop = true
	return nil
}

// leaveLoop closes the stream if it was to be closed meanwhile.
func (c *Conn) leaveLoop() {
	c.loop = nil
	c.mu.Lock()
	c.inLoop = false
	gone := c.gone
	c.mu.Unlock()
	if gone {
		_ = c.nc.Close()
	}
}
