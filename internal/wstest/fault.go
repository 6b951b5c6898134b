package wstest

import (
	"errors"
	"net"
	"sync"
)

// ErrFault is the error of a [FaultConn] that was given no other.
var ErrFault = errors.New("wstest: injected fault")

// Faults says how a [FaultConn] differs from the connection below it. The zero
// value changes nothing. Calls are counted from 1, reads and writes apart.
type Faults struct {
	ReadMax   int   // a Read gives at most so many bytes; 0: no limit
	FailRead  int   // the Read that fails, and all after it; 0: none
	FailWrite int   // the Write that fails, and all after it; 0: none
	WritePart int   // bytes of the first failing Write that still go out
	Err       error // what they fail with; nil: ErrFault
}

// FaultConn is a net.Conn that does what its [Faults] say and remembers what was
// written.
type FaultConn struct {
	net.Conn
	faults Faults

	mu      sync.Mutex
	reads   int
	writes  int
	written []byte
}

// NewFaultConn returns a connection that works over c with the given faults.
func NewFaultConn(c net.Conn, f Faults) *FaultConn {
	if f.Err == nil {
		f.Err = ErrFault
	}
	return &FaultConn{Conn: c, faults: f}
}

// Read reads from the connection below, unless this read is to fail.
func (c *FaultConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	c.reads++
	call := c.reads
	c.mu.Unlock()
	f := c.faults
	if f.FailRead > 0 && call >= f.FailRead {
		return 0, f.Err
	}
	if f.ReadMax > 0 && len(p) > f.ReadMax {
		p = p[:f.ReadMax]
	}
	return c.Conn.Read(p)
}

// Write writes to the connection below, unless this write is to fail.
func (c *FaultConn) Write(p []byte) (n int, err error) {
	c.mu.Lock()
	c.writes++
	call := c.writes
	c.mu.Unlock()
	f := c.faults
	switch {
	case f.FailWrite > 0 && call > f.FailWrite:
		return 0, f.Err
	case f.FailWrite > 0 && call == f.FailWrite:
		if part := min(f.WritePart, len(p)); part > 0 {
			if n, err = c.Conn.Write(p[:part]); err != nil {
				f.Err = err
			}
		}
		err = f.Err
	default:
		n, err = c.Conn.Write(p)
	}
	c.mu.Lock()
	c.written = append(c.written, p[:n]...)
	c.mu.Unlock()
	return n, err
}

// CloseWrite half-closes the connection below if that can be done, and otherwise
// closes it.
func (c *FaultConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Conn.Close()
}

// Calls returns how many times Read and Write were called.
func (c *FaultConn) Calls() (reads, writes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads, c.writes
}

// Written returns a copy of all bytes that were written, without those that a fault
// kept back.
func (c *FaultConn) Written() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte{}, c.written...)
}
