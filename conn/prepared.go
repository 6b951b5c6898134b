package conn

import (
	"bytes"
	"context"
)

// Prepared is a message that was checked and copied once, to be sent on many
// connections with [Conn.WritePrepared]. It never changes and may be used by any
// goroutine. The zero value is no message.
type Prepared struct {
	t    MessageType
	data []byte
}

// Prepare makes a message to be sent many times. The slice is copied. Text that is not
// valid UTF-8 is refused, as by [Conn.Write].
func Prepare(t MessageType, p []byte) (*Prepared, error) {
	if err := t.check(p); err != nil {
		return nil, err
	}
	return &Prepared{t, bytes.Clone(p)}, nil
}

// WritePrepared sends a message that was prepared; it is otherwise like [Conn.Write].
// A server has nothing left to check and sends a large one without copying it; a client
// masks it with a new key every time. A nil or zero Prepared is [ErrMessageType].
//
// RFC 6455, section 5.3.
func (c *Conn) WritePrepared(ctx context.Context, m *Prepared) error {
	if m == nil || m.t == 0 {
		return ErrMessageType
	}
	return c.writeMessage(ctx, m.t, m.data)
}
