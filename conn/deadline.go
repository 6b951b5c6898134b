package conn

import (
	"context"
	"net"
	"sync"
	"time"
)

// clock owns one of the two deadlines of a net.Conn and combines what wants to use
// it: the context of the call in progress, which must be able to interrupt it, and
// the time that keepalive or a reply allows. Nothing else sets a deadline.
//
// A context is watched with context.AfterFunc, which costs more than a small message
// does, so the watch is kept when the call returns and used again when the same
// context, recognised by its Done channel, comes with the next call. A context that
// ends between two calls does nothing: only a call in progress is interrupted.
type clock struct {
	owner *Conn
	mu    sync.Mutex // not held during I/O
	nc    net.Conn
	write bool // owns the write deadline, else the read deadline

	done  <-chan struct{} // Done of the context that is watched; nil: none
	stop  func() bool     // ends the watch
	ended bool            // the connection has ended: watch no more

	running bool      // a call is in progress
	fired   bool      // and was interrupted
	at      time.Time // the deadline that is set; zero: none
	unknown bool      // at may not be what is set

	guard guard
}

// newClock returns a clock for a stream on which somebody may have left a deadline.
func newClock(nc net.Conn, write bool) clock {
	return clock{nc: nc, write: write, unknown: true}
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// begin starts a call that is interrupted when ctx ends, and that has the time limit
// from now on; zero is no limit. A read may meet its deadline early and must then
// look whether its time is over, see needs. If ctx has ended already, begin returns
// the error to report; otherwise end must be called.
func (k *clock) begin(ctx context.Context, now time.Time, limit time.Duration) error {
	done := ctx.Done()
	k.mu.Lock()
	if done != k.done {
		k.watch(ctx, done)
	}
	k.running = true
	if !k.fired {
		var deadline time.Time
		if limit > 0 {
			deadline = now.Add(limit)
		}
		k.guard.due = deadline
		k.guard.watch(k, limit)
		if k.needs(now, deadline) {
			// A stream may have no deadlines. It works without them: see fire.
			_ = k.set(deadline)
		}
	}
	k.mu.Unlock()
	// The watch does nothing unless a call is running. If the context ended before
	// that was noted, it shows here.
	if done != nil && ctx.Err() != nil {
		k.end()
		return cancelled(ctx)
	}
	return nil
}

// needs reports whether the deadline must be moved. Moving one costs about as much
// as parsing a small message, so a read deadline that comes too early, but has not
// passed, is left: the read will find out when it meets it.
func (k *clock) needs(now, deadline time.Time) bool {
	switch {
	case k.unknown:
		return true
	case k.write || deadline.IsZero() || k.at.IsZero():
		return !k.at.Equal(deadline)
	}
	return k.at.After(deadline) || !k.at.After(now)
}

// end ends the call that begin started.
func (k *clock) end() {
	k.mu.Lock()
	k.running = false
	k.guard.due = time.Time{}
	if k.fired {
		k.fired, k.unknown = false, true
	}
	k.mu.Unlock()
}

// relax takes back the deadline of a call that had a limit. TLS writes of its own
// accord, to answer a key update, and must not meet one that was left.
func (k *clock) relax() {
	k.mu.Lock()
	if !k.fired {
		_ = k.set(time.Time{})
	}
	k.mu.Unlock()
}

// met is called when a call has met a deadline. It need not have been one of ours,
// so the next call sets its own.
func (k *clock) met() {
	k.mu.Lock()
	k.unknown = true
	k.mu.Unlock()
}

// watch replaces the context that is watched. If the old watch has fired just now and
// waits for the lock, it will find that it is no longer the one.
func (k *clock) watch(ctx context.Context, done <-chan struct{}) {
	if k.stop != nil {
		k.stop()
	}
	k.done, k.stop = done, nil
	if done != nil && !k.ended {
		k.stop = context.AfterFunc(ctx, func() { k.fire(ctx, done) })
	}
}

// fire interrupts the call in progress if its context has this Done channel.
func (k *clock) fire(ctx context.Context, done <-chan struct{}) {
	k.mu.Lock()
	if k.done != done || !k.running {
		k.mu.Unlock()
		return
	}
	k.fired = true
	k.guard.due = time.Now()
	k.guard.watch(k, 0)
	err := k.set(past)
	k.mu.Unlock()
	if err != nil {
		// A stream without deadlines can be interrupted only by closing it.
		_ = k.owner.end(cancelled(ctx), cut)
	}
}

// release ends the watch for good when the connection has ended, so that a context
// that lives on does not keep the connection in memory.
func (k *clock) release() {
	k.mu.Lock()
	k.ended = true
	if k.stop != nil {
		k.stop()
	}
	k.done, k.stop = nil, nil
	if k.guard.timer != nil {
		k.guard.timer.Stop()
	}
	k.mu.Unlock()
}

func (k *clock) set(t time.Time) error {
	k.at, k.unknown = t, false
	if k.write {
		return k.nc.SetWriteDeadline(t)
	}
	return k.nc.SetReadDeadline(t)
}
