package conn

import (
	"context"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// Prepared is a message that is encoded once and sent on many connections, with
// [Conn.WritePrepared]. It never changes and may be used by any goroutine.
type Prepared struct {
	t     MessageType
	data  []byte // the payload, part of frame
	frame []byte // as a server sends it
}

// Prepare encodes a message. The slice is copied. Text that is not valid UTF-8 is
// refused, as by [Conn.Write].
func Prepare(t MessageType, p []byte) (*Prepared, error) {
	if err := t.check(p); err != nil {
		return nil, err
	}
	h := protocol.Header(Server, frame.Opcode(t), true, len(p))
	b := append(h.Append(make([]byte, 0, h.Len()+len(p))), p...)
	return &Prepared{t, b[h.Len():], b}, nil
}

// WritePrepared sends a message that was prepared; it is otherwise like [Conn.Write].
// A server sends the encoded frame as it is; a client masks it with a key of its own
// every time.
//
// RFC 6455, section 5.3.
func (c *Conn) WritePrepared(ctx context.Context, m *Prepared) error {
	if m == nil || m.frame == nil {
		return ErrMessageType
	}
	if err := c.acquire(ctx, &c.messageTurn, nil); err != nil {
		return err
	}
	c.tx.Begin(frame.Opcode(m.t))
	err := c.writeFrame(ctx, c.tx.Frame(true, len(m.data)), m.data)
	c.messageTurn.release()
	return err
}
