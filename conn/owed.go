package conn

import (
	"context"
	"time"

	"github.com/duplexws/duplex/frame"
)

// owed is what the read side wants sent. It cannot wait for the write turn: a writer
// may hold it until the peer reads, and the peer may not read until it is read from.
// So what is owed is left here, and whoever holds the write turn sends it before it
// gives the turn back. It is one slot each: of several Pings that could not be
// answered yet, the latest gets the Pong.
//
// RFC 6455, section 5.5.3.
type owed struct {
	ping bool   // keepalive's
	pong []byte // nil: none
}

// replyPatience is how long the read side waits for its reply to leave. After that
// it reads on, and the reply leaves when it can.
const replyPatience = 50 * time.Millisecond

// owePong has a Ping answered.
//
// RFC 6455, section 5.5.2: unless a Close was received. The body is the same.
func (c *Conn) owePong(body []byte) {
	c.mu.Lock()
	due := c.state.AnswersPing()
	if due {
		c.owed.pong = append(make([]byte, 0, len(body)+1), body...)
		c.owes.Store(true)
	}
	c.mu.Unlock()
	if due {
		c.reply()
	}
}

// owePing has keepalive's Ping sent. It reports whether one may be sent.
func (c *Conn) owePing() bool {
	c.mu.Lock()
	due := c.state.MaySend()
	if due {
		c.owed.ping = true
		c.owes.Store(true)
	}
	c.mu.Unlock()
	if due {
		c.reply()
	}
	return due
}

// reply sends what is owed if the write turn is free; if it is not, its holder will.
// A reply that the stream does not take at once must not keep the read side from
// reading, so it is sent by a goroutine that is waited for only a moment.
func (c *Conn) reply() {
	if !c.writeTurn.try() {
		return
	}
	sent := make(chan struct{})
	go func() {
		c.releaseWrite()
		close(sent)
	}()
	patience := time.NewTimer(replyPatience)
	defer patience.Stop()
	select {
	case <-sent:
	case <-patience.C:
	}
}

// payOwed sends what is owed, with the write turn held. The stream has as long to
// take it as the peer has to show life; without keepalive it has any time.
func (c *Conn) payOwed() {
	c.mu.Lock()
	o := c.owed
	c.owed = owed{}
	c.owes.Store(false)
	if !c.state.AnswersPing() {
		o.pong = nil
	}
	var body [pingSize]byte
	if o.ping = o.ping && c.state.MaySend(); o.ping {
		body = c.pings.next()
	}
	c.mu.Unlock()

	limit := max(c.keepAlive, 0)
	if o.pong != nil {
		_ = c.transmit(context.Background(), limit, c.control(frame.Pong, o.pong), o.pong)
	}
	if o.ping {
		sentAt := c.sentAt.Load()
		if c.transmit(context.Background(), limit, c.control(frame.Ping, body[:]), body[:]) == nil {
			c.sentAt.Store(sentAt) // our own Ping is no sign of life
		}
	}
}
