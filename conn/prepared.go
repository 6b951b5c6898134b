package conn

import (
	"bytes"
	"context"
	"sync"

	"github.com/duplexws/duplex/deflate"
)

// Prepared is a message that was checked and copied once, to be sent on many
// connections with [Conn.WritePrepared] or [Conn.Post]. It never changes and may be used by any
// goroutine. The zero value is no message.
type Prepared struct {
	t    MessageType
	data []byte

	// The payload compressed without history, by window bits.
	compressed [deflate.MaxWindowBits - deflate.MinWindowBits + 1]lazy
}

// lazy is made when it is first needed.
type lazy struct {
	once sync.Once
	b    []byte
}

// Prepare makes a message to be sent many times. The slice is copied. Text that is not
// valid UTF-8 is refused, as by [Conn.Write].
func Prepare(t MessageType, p []byte) (*Prepared, error) {
	if err := t.check(p); err != nil {
		return nil, err
	}
	return &Prepared{t: t, data: bytes.Clone(p)}, nil
}

// WritePrepared sends a message that was prepared; it is otherwise like [Conn.Write].
// A server has nothing left to check and sends a large one without copying it; a client
// masks it with a new key every time. Where messages are compressed, this one is the
// first time it is needed, once for each size of window, and without reference to
// earlier messages. A nil or zero Prepared is [ErrMessageType].
//
// RFC 6455, section 5.3.
func (c *Conn) WritePrepared(ctx context.Context, m *Prepared) error {
	if m == nil || m.t == 0 {
		return ErrMessageType
	}
	c.payload(m) // before others have to wait for it
	if err := c.acquire(ctx, &c.messageTurn, nil); err != nil {
		return err
	}
	err := c.sendPrepared(ctx, m)
	c.releaseMessage()
	return err
}

// payload returns what the connection sends as payload of m.
func (c *Conn) payload(m *Prepared) (b []byte, compressed bool) {
	if c.compresses(m.t, len(m.data)) {
		if b := m.deflated(c.deflate.window.Bits); b != nil {
			return b, true
		}
	}
	return m.data, false
}

// sendPrepared sends a message that was prepared, with the message turn held.
//
// RFC 7692, section 7.2.1: if it is compressed the peer has the text in its window then,
// so it goes into ours.
func (c *Conn) sendPrepared(ctx context.Context, m *Prepared) error {
	b, compressed := c.payload(m)
	c.begin(m.t, compressed)
	sent, err := c.writeFrames(ctx, true, b)
	if err == nil && c.settings.hooks != nil {
		c.tellSent(m.t, len(m.data), len(b))
	}
	switch {
	case err == nil && compressed:
		return c.deflate.enc.Add(m.data)
	case err != nil && sent:
		return c.abandon(err, StatusInternalError)
	}
	return err
}

// preparedLevel is the level for messages that are compressed once and sent often.
const preparedLevel deflate.Level = 6

// deflated returns the payload compressed, or nil if that makes it no smaller.
func (m *Prepared) deflated(bits int) []byte {
	z := &m.compressed[bits-deflate.MinWindowBits]
	z.once.Do(func() {
		e := deflate.NewEncoder(deflate.Window{Bits: bits, NoTakeover: true}, preparedLevel)
		if b := e.End(e.Append(make([]byte, 0, len(m.data)/2), m.data)); len(b) < len(m.data) {
			z.b = bytes.Clone(b)
		}
	})
	return z.b
}
