package wstest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Cut is how one direction of a wire ends between two connections that [Tie] has tied.
// What was written before arrives; after that nothing does, for ever.
type Cut uint8

// The ways to cut a wire.
const (
	Reset  Cut = iota + 1 // Read and Write return the error of their faults
	End                   // Read returns io.EOF, Write the error
	Vanish                // Read waits; Write succeeds, but nobody gets what is written
	Block                 // both wait
)

// Tie makes a and b the ends of one wire, so that it can be cut. The connections below
// them are the ends of a stream which can be closed for writing alone.
func Tie(a, b *FaultConn) { a.peer, b.peer = b, a }

// CutWrite cuts the wire in the direction from c to its peer, now. Calls in progress see
// it. A direction that was cut already stays as it is.
func (c *FaultConn) CutWrite(how Cut) { cutWrites(how, c) }

// CutWire cuts the wire in both directions at once.
func (c *FaultConn) CutWire(how Cut) { cutWrites(how, c, c.peer) }

func cutWrites(how Cut, ends ...*FaultConn) {
	for _, c := range ends {
		if c.out.makeCut(how) && c.peer != nil {
			c.peer.in.makeCut(how)
		}
	}
	for _, c := range ends {
		_ = c.CloseWrite() // the peer reads the end of the stream, and takes it for what it is
	}
}

// endOfRead is what a Read returns at the end of the stream below.
func (c *FaultConn) endOfRead() error {
	switch c.in.how() {
	case Reset:
		return c.faults.Err
	case Vanish, Block:
		return c.in.wait(-1)
	}
	return io.EOF
}

// restOfWrite is what a Write returns for n bytes that meet the cut.
func (c *FaultConn) restOfWrite(n int) (int, error) {
	switch c.out.how() {
	case Vanish:
		return n, nil
	case Block:
		return 0, c.out.wait(-1)
	}
	return 0, c.faults.Err
}

// gate is where the calls of one direction of a [FaultConn] wait that do not wait in
// the connection below.
type gate struct {
	mu       sync.Mutex
	cut      Cut // 0: none
	deadline time.Time
	closed   bool
	changed  chan struct{} // closed when deadline or closed change; nil: nobody waits
}

func (g *gate) how() Cut {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cut
}

func (g *gate) isCut() bool { return g.how() != 0 }

// makeCut cuts it and reports whether it was not cut before.
func (g *gate) makeCut(how Cut) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cut != 0 {
		return false
	}
	g.cut = how
	return true
}

func (g *gate) setDeadline(t time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.deadline = t
	g.wake()
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.wake()
}

// wake is called with mu held.
func (g *gate) wake() {
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// wait waits for the given time and returns nil, or until the gate is closed or its
// deadline has passed and returns that error. A negative time is for ever.
func (g *gate) wait(d time.Duration) error {
	var over <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	for {
		passed, changed, err := g.look()
		if err != nil {
			return err
		}
		due := time.NewTimer(passed)
		select {
		case <-over:
			due.Stop()
			return nil
		case <-changed:
		case <-due.C:
		}
		due.Stop()
	}
}

// look returns how long it is to the deadline and what tells of a change, or an error
// if there is nothing to wait for.
func (g *gate) look() (left time.Duration, changed <-chan struct{}, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	left = 1 << 62
	if !g.deadline.IsZero() {
		left = time.Until(g.deadline)
	}
	switch {
	case g.closed:
		return 0, nil, net.ErrClosed
	case left <= 0:
		return 0, nil, os.ErrDeadlineExceeded
	}
	if g.changed == nil {
		g.changed = make(chan struct{})
	}
	return left, g.changed, nil
}
