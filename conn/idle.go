package conn

import (
	"sync/atomic"
	"time"
)

// idleness is the clock of Options.IdleTimeout, of a connection that has one. It knows when
// something of a message came or went last, and runs while a read waits. But for what goes
// out it is used under the read turn. A nil one does nothing.
//
// What comes is noticed when the next wait begins: by then all of it was looked at, and what
// was no control frame has been part of a message. So a message costs a look at the clock
// when there is none behind it, and some sums.
type idleness struct {
	timeout time.Duration

	since  time.Time     // as far as is known, nothing came since then; zero: no read waits
	paused instant       // when the last read that waited has ended
	waited time.Duration // how long it and those before had waited for nothing then

	in, controls int64 // bytes that were read, and those that were control frames
	seen         int64 // how many others there were when the wait began

	control bool         // what goes out is a control frame; used under the write turn
	sent    atomic.Int64 // an instant: when something of a message went out last
}

// newIdle returns the clock for a timeout; nil if there is none.
func newIdle(timeout time.Duration) *idleness {
	if timeout <= 0 {
		return nil
	}
	return &idleness{timeout: timeout}
}

// received notes that bytes were read, and controlled that a control frame was among them.
func (i *idleness) received(n int) {
	if i != nil {
		i.in += int64(n)
	}
}

func (i *idleness) controlled(role Role, body []byte) {
	if i == nil {
		return
	}
	size := 2 + len(body)
	if role == Server {
		size += 4 // the key
	}
	i.controls += int64(size)
}

// hasSent notes that bytes went out, with the write turn held.
func (i *idleness) hasSent() {
	if i != nil && !i.control {
		i.sent.Store(int64(time.Since(epoch)))
	}
}

// sends notes whether what goes out next is a control frame, with the write turn held.
func (i *idleness) sends(control bool) {
	if i != nil {
		i.control = control
	}
}

// others returns how many bytes have come that were no control frame, nor the beginning of one.
func (i *idleness) others(c *Conn) int64 {
	return i.in - i.controls - int64(len(c.in.bytes())+c.rx.Begun())
}

// begin begins a wait, unless one goes on, and returns how long it may last.
func (i *idleness) begin(c *Conn, now time.Time) time.Duration {
	least := time.Duration(1)
	sent := instant(i.sent.Load())
	switch n := i.others(c); {
	case n != i.seen:
		i.seen, i.since = n, now
	case !i.since.IsZero():
	case sent != 0 && sent >= i.paused:
		i.since = now
	default:
		i.since = now.Add(-i.waited)
		least = min(i.timeout, minLook)
	}
	return max(i.timeout-i.lasted(now), least)
}

// limit returns how long the coming read may take, which is limit or, if that is zero, for
// ever, as far as others are concerned.
func (i *idleness) limit(c *Conn, now time.Time, limit time.Duration) (time.Time, time.Duration) {
	if i == nil {
		return now, limit
	}
	if now.IsZero() {
		now = time.Now()
	}
	if left := i.begin(c, now); limit == 0 || left < limit {
		limit = left
	}
	return now, limit
}

// lasted returns for how long nothing has come or gone.
func (i *idleness) lasted(now time.Time) time.Duration {
	if sent := instant(i.sent.Load()); sent != 0 && sent.time().After(i.since) {
		i.since = sent.time()
	}
	return now.Sub(i.since)
}

// pause ends a wait when a read has ended. One that has brought something is begun anew.
func (i *idleness) pause(c *Conn) {
	if i == nil || i.since.IsZero() || i.others(c) != i.seen {
		return
	}
	now := time.Now()
	i.waited, i.paused, i.since = i.lasted(now), instantOf(now), time.Time{}
}

// check ends the connection if nothing has come or gone for too long. A message that is on
// its way out counts, and who does not take it is for WriteTimeout to find. While the
// connection is closing another clock runs.
func (i *idleness) check(c *Conn) error {
	if i == nil || i.since.IsZero() {
		return nil
	}
	now := time.Now()
	switch {
	case i.lasted(now) < i.timeout:
		return nil
	case !c.messageTurn.free() && !c.writeTurn.free(), c.maySend() != nil:
		i.since = now
		return nil
	}
	return c.giveUp(ErrIdleTimeout, StatusGoingAway, idleReason)
}

// idleReason is what a peer is told whose connection is closed for idleness.
const idleReason = "idle timeout"

// wake begins the first wait, for the very first bytes.
func (i *idleness) wake() {
	if i != nil {
		i.since = time.Now()
	}
}

// again begins a wait of the loop, which goes on if nothing came.
func (i *idleness) again(c *Conn) {
	if i != nil && i.others(c) != i.seen {
		i.begin(c, time.Now())
	}
}
