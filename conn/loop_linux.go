//go:build linux && (amd64 || arm64)

package conn

import "time"

// loop is Serve inside one call of RawConn.Read. It never waits for input: when there is
// none it gives its buffers back and returns to RawConn.Read, which waits and calls it
// again. What has to wait for the peer in another way, a closing handshake or a failure,
// is done after RawConn.Read has returned.
type loop struct {
	s      *server
	err    error
	then   func() error // what is left to do, if err is errLeave
	parked time.Time    // when it last began to wait
}

// leave has the loop end, and then do something.
func (l *loop) leave(then func() error) error {
	l.then = then
	return errLeave
}

// run is called by RawConn.Read whenever there may be something to read.
func (l *loop) run(fd uintptr) bool {
	c := l.s.c
	k := &c.socket
	k.fd, k.drained = fd, false
	c.loop = l
	for {
		if l.err = l.s.step(); l.err != nil {
			break
		}
	}
	c.loop = nil
	c.handling.Store(false)
	if l.err != errNothingYet {
		return true
	}
	l.err = nil
	l.s.idle()
	l.parked = time.Now()
	return false
}

// receive is Conn.receive inside the loop. Replies leave before it would have to wait.
func (l *loop) receive(p []byte) (int, error) {
	c := l.s.c
	n, err := 0, errNothingYet
	if !c.socket.drained {
		n, err = c.socket.poll(p)
	}
	if err == errNothingYet && c.replies.some.Load() {
		if err := l.flush(); err != nil {
			return 0, err
		}
	}
	if err != nil && err != errNothingYet {
		return 0, l.leave(func() error { return c.lost(err) })
	}
	return n, err
}

// flush sends the replies with one system call, if nobody else is writing and the socket
// takes them; else as always.
func (l *loop) flush() error {
	c := l.s.c
	if !c.writeTurn.try() {
		return c.flushReplies(l.s.ctx)
	}
	r := &c.replies
	err := c.maySendReplies()
	whole := err == nil && len(c.tail) == 0 && r.n > 0
	if whole {
		n := c.socket.send(r.o.b[:r.n])
		if whole = n == r.n; whole {
			r.drop()
			c.hasSent()
		} else {
			r.n = copy(r.o.b, r.o.b[n:r.n])
		}
	}
	c.releaseWrite()
	if err != nil || whole {
		return err
	}
	return c.flushReplies(l.s.ctx)
}

// serveSocket is Serve on a socket: see loop.
func (c *Conn) serveSocket(s *server) error {
	l := &loop{s: s}
	run := l.run
	c.socket.ask()
	w := wait{c: c}
	for {
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
		if l.parked.After(w.since) {
			w.since, w.pinged = l.parked, false
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
