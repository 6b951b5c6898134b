package conn

import (
	"context"
	"sync"
	"sync/atomic"
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
	mu    sync.Mutex // guards what calls change, against fire and release; not held during I/O

	done <-chan struct{} // Done of the context that is watched; nil: none
	stop func() bool     // ends the watch
	at   instant         // the deadline that is set; zero: none

	guard *guard // nil: none

	calls   atomic.Uint32 // counts begins and ends of calls that somebody watches, see watches
	fired   atomic.Bool   // and was interrupted
	write   bool          // owns the write deadline, else the read deadline
	unknown bool          // at may not be what is set
	ended   bool          // the connection has ended: watch no more
}

// newClock returns a clock for a stream on which somebody may have left a deadline.
func newClock(owner *Conn, write bool) clock {
	return clock{owner: owner, write: write, unknown: true}
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// begin starts a call that is interrupted when ctx ends, and that has the time limit
// from now on; zero is no limit. A read may meet its deadline early and must then
// look whether its time is over, see needs. If ctx has ended already, begin returns
// the error to report; otherwise end must be called.
func (k *clock) begin(ctx context.Context, now time.Time, limit time.Duration) error {
	done := k.owner.watched(ctx)
	var deadline time.Time
	if limit > 0 {
		deadline = now.Add(limit)
	}
	if k.settled(done) && !k.moves(now, deadline) {
		k.count()
	} else {
		k.prepare(ctx, done, now, deadline)
	}
	// The watch does nothing unless a call is running. If the context ended before
	// that was noted, it shows here.
	if done != nil && ctx.Err() != nil {
		k.end()
		return cancelled(ctx)
	}
	return nil
}

// again is begin for a call that may use the deadline of the one before, if that has had
// the same context. It returns false if not, and if ctx has ended.
func (k *clock) again(ctx context.Context) bool {
	done := k.owner.watched(ctx)
	if !k.settled(done) {
		return false
	}
	k.count()
	if done != nil && ctx.Err() != nil {
		k.end()
		return false
	}
	return true
}

// settled reports whether a call that watches done finds the watch as it needs it, and a
// deadline that it knows. If that will do it does without the lock: it only says that it is
// running. A context that ends at that moment either sees that and interrupts the call, or
// is seen by it. What the lock guards is changed only by calls, one at a time, so that they
// may look at it without.
func (k *clock) settled(done <-chan struct{}) bool {
	return !k.unknown && k.done == done && !k.fired.Load()
}

// watches reports whether somebody looks at calls: for a context, which may end, or as a
// guard. It does not change from the beginning of a call to its end.
func (k *clock) watches() bool { return k.done != nil || k.guard != nil }

// count begins a call that leaves everything as the one before has left it.
func (k *clock) count() {
	if !k.watches() {
		return
	}
	k.calls.Add(1)
	if g := k.guard; g != nil && g.asleep() {
		k.mu.Lock()
		g.watch(k)
		k.mu.Unlock()
	}
}

// running reports whether a call is in progress, to those who watch.
func (k *clock) running() bool { return k.calls.Load()&1 != 0 }

// prepare is begin for a call that needs another watch or deadline than the one before.
func (k *clock) prepare(ctx context.Context, done <-chan struct{}, now, deadline time.Time) {
	k.mu.Lock()
	if done != k.done {
		k.watch(ctx, done)
	}
	if k.fired.Load() { // a moment after the call that it meant
		k.fired.Store(false)
		k.unknown = true
	}
	if k.watches() {
		k.guard.expect(k.calls.Add(1), instantOf(deadline))
		k.guard.watch(k)
	}
	if k.unknown || k.moves(now, deadline) {
		// A stream may have no deadlines. It works without them: see fire.
		_ = k.set(deadline)
	}
	k.mu.Unlock()
}

// moves reports whether the deadline that is set must be moved. Moving one costs
// about as much as parsing a small message, so a read deadline that comes too early, but
// has not passed, is left: the read will find out when it meets it.
func (k *clock) moves(now, deadline time.Time) bool {
	if k.write || deadline.IsZero() || k.at == 0 {
		return k.at != instantOf(deadline)
	}
	return k.at > instantOf(deadline) || k.at <= instantOf(now)
}

// end ends the call that begin started.
func (k *clock) end() {
	if k.watches() {
		k.calls.Add(1)
	}
	if !k.fired.Load() {
		return
	}
	k.mu.Lock()
	if k.fired.Load() {
		k.fired.Store(false)
		k.unknown = true
	}
	k.mu.Unlock()
}

// relax takes back the deadline of a call that had a limit. TLS writes of its own
// accord, to answer a key update, and must not meet one that was left.
func (k *clock) relax() {
	k.mu.Lock()
	if !k.fired.Load() {
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
// waits for the lock, it will find that it is no longer the one. The connection's own
// context ends after the stream was closed, so there is nothing left to interrupt then.
func (k *clock) watch(ctx context.Context, done <-chan struct{}) {
	if k.stop != nil {
		k.stop()
	}
	k.done, k.stop = done, nil
	if done != nil && !k.ended && !k.owner.owns(done) {
		k.stop = context.AfterFunc(ctx, func() { k.fire(ctx, done) })
	}
}

// fire interrupts the call in progress if its context has this Done channel.
func (k *clock) fire(ctx context.Context, done <-chan struct{}) {
	k.mu.Lock()
	if k.done != done || k.ended || !k.running() {
		k.mu.Unlock()
		return
	}
	k.fired.Store(true)
	k.guard.hurry(k)
	err := k.setDeadline(past) // and the next call sets its own
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
	k.stop = nil
	if k.guard != nil && k.guard.timer != nil {
		k.guard.timer.Stop()
	}
	k.mu.Unlock()
}

func (k *clock) set(t time.Time) error {
	k.at, k.unknown = instantOf(t), false
	return k.setDeadline(t)
}

func (k *clock) setDeadline(t time.Time) error {
	if k.write {
		return k.owner.nc.SetWriteDeadline(t)
	}
	return k.owner.nc.SetReadDeadline(t)
}
