package conn

import (
	"sync/atomic"
	"time"
)

// stall ends a connection whose stream takes nothing of what is written to it. A write has
// no deadline for that: setting one, or looking at a clock, would cost as much as a small
// message. There is a timer, while something is written now and then: when it fires and
// finds a write that was under way when it was set, that has taken too long.
type stall struct {
	calls atomic.Uint32 // odd while a write is under way
	armed atomic.Bool   // the timer is set, or is about to be
	timer *time.Timer   // guarded by Conn.mu
}

// beginPut is called before something is written to the stream, at most maxPut bytes, and
// endPut after it.
func (c *Conn) beginPut() {
	if c.settings.writeTimeout <= 0 {
		return
	}
	s := c.stall
	if s == nil {
		s = new(stall)
		c.mu.Lock()
		c.stall = s
		c.mu.Unlock()
	}
	call := s.calls.Add(1)
	if !s.armed.Load() && s.armed.CompareAndSwap(false, true) {
		c.watchPut(s, call)
	}
}

func (c *Conn) endPut() {
	if c.settings.writeTimeout > 0 {
		c.stall.calls.Add(1)
	}
}

// watchPut sets the timer. call is the write that is under way. Keepalive, if it has the
// same time, is to be the first to find that a peer is silent altogether.
func (c *Conn) watchPut(s *stall, call uint32) {
	c.mu.Lock()
	if !c.gone {
		s.timer = time.AfterFunc(c.settings.writeTimeout+failTime, func() { c.inspectPut(s, call) })
	}
	c.mu.Unlock()
}

// inspectPut is called when the timer fires. While nothing is written there is none.
func (c *Conn) inspectPut(s *stall, call uint32) {
	now := s.calls.Load()
	switch {
	case now&1 == 0:
		s.armed.Store(false)
		// A write that has just begun may have seen it armed.
		if now = s.calls.Load(); now&1 == 0 || !s.armed.CompareAndSwap(false, true) {
			return
		}
	case now == call:
		_ = c.end(ErrWriteTimeout, cut)
		return
	}
	c.watchPut(s, now)
}

// endStall stops the timer. It is called with mu held, when the connection has ended.
func (c *Conn) endStall() {
	if s := c.stall; s != nil && s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}
