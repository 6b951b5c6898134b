package conn

import (
	"context"
	"time"

	"github.com/duplexws/duplex/frame"
)

// owed is what the read side wants sent. It cannot wait long for the write turn: a
// writer may hold it until the peer reads, and the peer may not read until it is read
// from. So what is owed is left here, and whoever holds the write turn sees to it that
// it is sent before anything else. It is one slot each: of several Pings that could not
// be answered yet, the latest gets the Pong.
//
// RFC 6455, section 5.5.3.
type owed struct {
	ping bool          // keepalive's
	pong []byte        // nil: none
	paid chan struct{} // closed when all of this was sent; nil: there is nothing
}

// replyPatience is how long the read side waits for its reply to leave. After that
// it reads on, and the reply leaves when it can.
const replyPatience = 50 * time.Millisecond

// owePong has a Ping answered.
//
// RFC 6455, section 5.5.2: unless a Close was received. The body is the same.
func (c *Conn) owePong(body []byte) {
	if c.pongAtOnce(body) {
		return
	}
	c.mu.Lock()
	if !c.state.AnswersPing() {
		c.mu.Unlock()
		return
	}
	c.remember().owed.pong = append(make([]byte, 0, len(body)+1), body...)
	paid := c.owe()
	c.mu.Unlock()
	c.reply(paid)
}

// pongAtOnce sends a Pong if nobody else writes, or waits to, and the socket takes it
// without waiting, and reports whether it has.
func (c *Conn) pongAtOnce(body []byte) bool {
	if !c.socket.usable() || c.owes.Load() || !c.writeTurn.try() {
		return false
	}
	c.mu.Lock()
	may := c.state.AnswersPing() && !c.owes.Load()
	c.mu.Unlock()
	if !may || c.tail != nil || c.replies.o != nil {
		c.releaseWrite()
		return false
	}
	o := getOutput(smallOutput)
	b := encode(o.b, c.control(frame.Pong, body), body)
	c.settings.idle.sends(true)
	n := c.socket.sendOutside(b, nil)
	if n > 0 {
		c.hasSent()
	}
	if rest := b[n:]; n > 0 && len(rest) > 0 {
		go func() {
			_ = c.transmitRest(context.Background(), rest, nil, true)
			c.settings.idle.sends(false)
			putOutput(o)
			c.releaseWrite()
		}()
		return true
	}
	c.settings.idle.sends(false)
	putOutput(o)
	c.releaseWrite()
	return n > 0
}

// owePing has keepalive's Ping sent. It reports whether one may be sent.
func (c *Conn) owePing() bool {
	c.mu.Lock()
	if !c.state.MaySend() {
		c.mu.Unlock()
		return false
	}
	c.remember().owed.ping = true
	paid := c.owe()
	c.mu.Unlock()
	c.reply(paid)
	return true
}

// owe notes that there is something in owed, and returns a channel that tells when it
// was sent; or nil if there was something already, so that nothing leaves at present.
// It is called with mu held.
func (c *Conn) owe() <-chan struct{} {
	o := &c.controls.owed
	if o.paid != nil {
		return nil
	}
	o.paid = make(chan struct{})
	c.owes.Store(true)
	return o.paid
}

// reply sends what is owed if the write turn is free; if it is not, its holder will.
// The read side waits a moment, so that every Ping gets its own Pong as long as the
// stream takes them; but once that was in vain it reads on.
func (c *Conn) reply(paid <-chan struct{}) {
	if c.writeTurn.try() {
		go c.pay()
	}
	if paid == nil {
		return
	}
	patience := time.NewTimer(replyPatience)
	defer patience.Stop()
	select {
	case <-paid:
	case <-patience.C:
	}
}

// pay sends what is owed and gives the write turn back. It runs on a goroutine of its
// own, since the stream may not take it soon. Others have their turn in between.
func (c *Conn) pay() {
	for {
		c.payOwed()
		c.writeTurn.release()
		if !c.owes.Load() || !c.writeTurn.try() {
			return
		}
	}
}

// payOwed sends what is owed, with the write turn held. The stream has twice as long to
// take it as the peer has to show life, so that a read which waits is the first to find
// the peer dead; without keepalive it has any time.
func (c *Conn) payOwed() {
	c.mu.Lock()
	o := c.controls.owed
	c.controls.owed = owed{}
	c.owes.Store(false)
	if !c.state.AnswersPing() {
		o.pong = nil
	}
	var body [pingSize]byte
	if o.ping = o.ping && c.state.MaySend(); o.ping {
		body = c.controls.pings.next()
		if h := c.settings.hooks; h != nil && h.Pong != nil {
			c.controls.pings.own = &ping{n: c.controls.pings.sent, sent: time.Now()}
		}
	}
	c.mu.Unlock()

	limit := 2 * max(c.settings.keepAlive, 0)
	if o.pong != nil {
		_ = c.transmit(context.Background(), limit, c.control(frame.Pong, o.pong), o.pong)
	}
	if o.ping {
		before := c.lastSent()
		if c.transmit(context.Background(), limit, c.control(frame.Ping, body[:]), body[:]) == nil {
			c.forgetSent(before) // our own Ping is no sign of life
		}
	}
	if o.paid != nil {
		close(o.paid)
	}
}
