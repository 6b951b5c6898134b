package pipe

import (
	"io"
	"net"
	"time"
)

// DefaultCapacity is what each direction holds, in bytes, if New is told 0.
const DefaultCapacity = 64 << 10

// New returns the two ends of a connection. Each direction holds up to capacity
// bytes that were written and not yet read; a write that finds no room waits. Zero
// means [DefaultCapacity], a negative capacity no limit. Memory is taken as it is
// needed.
//
// Both ends have a method CloseWrite() error, which ends the stream to the peer and
// leaves the other direction open, as that of *net.TCPConn does.
func New(capacity int) (a, b net.Conn) {
	if capacity == 0 {
		capacity = DefaultCapacity
	}
	ab, ba := newStream(capacity), newStream(capacity)
	return &end{in: ba, out: ab}, &end{in: ab, out: ba}
}

// end is one end of the pipe.
type end struct {
	in, out *stream
}

func (e *end) Read(p []byte) (int, error) {
	n, err := e.in.read(p)
	if err != nil && err != io.EOF {
		err = e.opError("read", err)
	}
	return n, err
}

func (e *end) Write(p []byte) (int, error) {
	n, err := e.out.write(p)
	if err != nil {
		err = e.opError("write", err)
	}
	return n, err
}

// Close ends both directions. What was written before can still be read by the
// peer; what the peer has sent is discarded.
func (e *end) Close() error {
	// The two streams are closed one after the other; whichever call ends the
	// incoming one is the first.
	err := e.in.closeRead()
	if err != nil {
		return e.opError("close", err)
	}
	e.out.closeWrite(true)
	return nil
}

// CloseWrite ends the direction to the peer, who reads io.EOF once it has read what
// was written. Reading goes on.
func (e *end) CloseWrite() error {
	if err := e.out.closeWrite(false); err != nil {
		return e.opError("close", err)
	}
	return nil
}

func (e *end) LocalAddr() net.Addr  { return addr{} }
func (e *end) RemoteAddr() net.Addr { return addr{} }

func (e *end) SetDeadline(t time.Time) error {
	if err := e.SetReadDeadline(t); err != nil {
		return err
	}
	return e.SetWriteDeadline(t)
}

func (e *end) SetReadDeadline(t time.Time) error {
	if err := e.in.setReadDeadline(t); err != nil {
		return e.opError("set", err)
	}
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	if err := e.out.setWriteDeadline(t); err != nil {
		return e.opError("set", err)
	}
	return nil
}

func (e *end) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: addr{}.Network(), Source: addr{}, Addr: addr{}, Err: err}
}

type addr struct{}

func (addr) Network() string { return "pipe" }
func (addr) String() string  { return "pipe" }
