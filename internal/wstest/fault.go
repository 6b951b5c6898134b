package wstest

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// ErrFault is the error of a [FaultConn] that was given no other.
var ErrFault = errors.New("wstest: injected fault")

// Faults says how a [FaultConn] differs from the connection below it. The zero
// value changes nothing. Calls are counted from 1, reads and writes apart.
type Faults struct {
	ReadMax   int   // a Read gives at most so many bytes; 0: no limit
	ReadSplit int64 // no Read goes beyond so many bytes of the stream, but the next one does; 0: none
	FailRead  int   // the Read that fails, and all after it; 0: none
	ReadPart  int   // bytes that the first failing Read still gives, together with the error
	FailWrite int   // the Write that fails, and all after it; 0: none
	WritePart int   // bytes of the first failing Write that still go out
	Short     bool  // that Write tells of no error, which no io.Writer may do
	Err       error // what they fail with; nil: ErrFault

	// A call waits so long before it does anything. Deadlines and Close end that.
	ReadDelay  time.Duration
	WriteDelay time.Duration

	// Cut cuts the wire to the peer, see Tie, as soon as CutAt bytes were written, or with
	// the first Write if that is 0: in both directions, or only in that of the writing.
	Cut    Cut // 0: it is not cut
	CutAt  int64
	OneWay bool
}

// FaultConn is a net.Conn that does what its [Faults] say and remembers what was read
// and written. Of two calls that write at the same time the order is open.
type FaultConn struct {
	net.Conn
	faults  Faults
	peer    *FaultConn // see Tie
	in, out gate

	mu      sync.Mutex
	reads   int
	writes  int
	sizes   []int
	got     []byte
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
func (c *FaultConn) Read(p []byte) (n int, err error) {
	c.mu.Lock()
	c.reads++
	call, got := c.reads, int64(len(c.got))
	c.mu.Unlock()
	f := c.faults
	if f.ReadDelay > 0 {
		if err := c.in.wait(f.ReadDelay); err != nil {
			return 0, err
		}
	}
	fails := f.FailRead > 0 && call >= f.FailRead
	if f.ReadMax > 0 && len(p) > f.ReadMax {
		p = p[:f.ReadMax]
	}
	if left := f.ReadSplit - got; left > 0 && left < int64(len(p)) {
		p = p[:left]
	}
	switch {
	case fails && call == f.FailRead && f.ReadPart > 0:
		n, err = c.Conn.Read(p[:min(f.ReadPart, len(p))])
	case !fails:
		n, err = c.Conn.Read(p)
	}
	c.mu.Lock()
	c.got = append(c.got, p[:n]...)
	c.mu.Unlock()
	switch {
	case fails:
		return n, f.Err
	case err == io.EOF:
		return n, c.endOfRead()
	}
	return n, err
}

// Write writes to the connection below, unless this write is to fail.
func (c *FaultConn) Write(p []byte) (n int, err error) {
	c.mu.Lock()
	c.writes++
	c.sizes = append(c.sizes, len(p))
	call, sent := c.writes, int64(len(c.written))
	c.mu.Unlock()
	f := c.faults
	if f.WriteDelay > 0 {
		if err := c.out.wait(f.WriteDelay); err != nil {
			return 0, err
		}
	}
	whole := len(p)
	switch {
	case f.FailWrite > 0 && call > f.FailWrite:
		return 0, f.Err
	case f.FailWrite > 0 && call == f.FailWrite:
		if n, err = c.pass(p[:min(f.WritePart, len(p))]); err == nil && !f.Short {
			err = f.Err
		}
		return n, err
	case f.Cut != 0 && f.CutAt-sent <= int64(len(p)) && !c.out.isCut():
		if p = p[:max(f.CutAt-sent, 0)]; len(p) > 0 {
			n, err = c.pass(p)
		}
		if f.OneWay || c.peer == nil {
			c.CutWrite(f.Cut)
		} else {
			c.CutWire(f.Cut)
		}
		if err == nil && n < whole {
			m, err := c.restOfWrite(whole - n)
			return n + m, err
		}
		return n, err
	}
	return c.pass(p)
}

// pass writes to the connection below, as far as the wire is not cut.
func (c *FaultConn) pass(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !c.out.isCut() {
		n, err = c.Conn.Write(p)
		c.mu.Lock()
		c.written = append(c.written, p[:n]...)
		c.mu.Unlock()
		if err == nil || !c.out.isCut() {
			return n, err
		}
	}
	m, err := c.restOfWrite(len(p) - n)
	return n + m, err
}

// CloseWrite half-closes the connection below if that can be done, and otherwise
// closes it. Where the wire is cut the peer learns nothing of that.
func (c *FaultConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Conn.Close()
}

// Close closes the connection below, and ends the calls that wait.
func (c *FaultConn) Close() error {
	c.in.close()
	c.out.close()
	return c.Conn.Close()
}

// SetDeadline sets both deadlines.
func (c *FaultConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets the deadline of calls to Read, here and below.
func (c *FaultConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(t)
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline sets the deadline of calls to Write, here and below.
func (c *FaultConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(t)
	return c.Conn.SetWriteDeadline(t)
}

// Calls returns how many times Read and Write were called.
func (c *FaultConn) Calls() (reads, writes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads, c.writes
}

// Sizes returns how many bytes each Write was given.
func (c *FaultConn) Sizes() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]int{}, c.sizes...)
}

// Written returns a copy of all bytes that were written, without those that a fault
// kept back.
func (c *FaultConn) Written() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte{}, c.written...)
}

// Got returns a copy of all bytes that were read.
func (c *FaultConn) Got() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte{}, c.got...)
}
