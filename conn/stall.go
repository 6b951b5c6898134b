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
	limit time.Duration // 0: there is none
	calls atomic.Uint32 // odd while a write is under way
	armed atomic.Bool   // the timer is set, or is about to be
	timer *time.Timer   // guarded by Conn.mu
}

// beginPut is called before something is written to the stream, at most maxPut bytes, and
// endPut after it.
func (c *Conn) beginPut() {
	if c.stall.limit <= 0 {
		return
	}
	call := c.stall.calls.Add(1)
	if !c.stall.armed.Load() && c.stall.armed.CompareAndSwap(false, true) {
		c.watchPut(call)
	}
}

func (c *Conn) endPut() {
	if c.stall.limit > 0 {
		c.stall.calls.Add(1)
	}
}

// watchPut sets the timer. call is the write that is under way. Keepalive, if it has the
// same time, is to be the first to find that a peer is silent altogether.
func (c *Conn) watchPut(call uint32) {
	c.mu.Lock()
	if !c.gone {
		c.stall.timer = time.AfterFunc(c.stall.limit+failTime, func() { c.inspectPut(call) })
	}
	c.mu.Unlock()
}

// inspectPut is called when the timer fires. While nothing is written there is none.
func (c *Conn) inspectPut(call uint32) {
	now := c.stall.calls.Load()
	switch {
	case now&1 == 0:
		c.stall.armed.Store(false)
		// A write that has just begun may have seen it armed.
		if now = c.stall.calls.Load(); now&1 == 0 || !c.stall.armed.CompareAndSwap(false, true) {
			return
		}
	case now == call:
		_ = c.end(ErrWriteTimeout, cut)
		return
	}
	c.watchPut(now)
}

// endStall stops the timer. It is called with mu held, when the connection has ended.
func (c *Conn) endStall() {
	if c.stall.timer != nil {
		c.stall.timer.Stop()
		c.stall.timer = nil
	}
}
