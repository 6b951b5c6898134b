package conn

import (
	"sync/atomic"
	"time"
)

// overdue is how long after its deadline a guarded call may still run.
const overdue = closeTime

// guard ends the connection if a call does not obey its deadline. A read from a TLS
// connection need not: it may have to write, for example to answer a key update, and for
// that it waits until a write in progress is done, which a peer that takes nothing can
// put off for ever. The timer is moved only when it fires, so that it costs nothing: a call
// that begins under the deadline of the one before only looks whether there is one.
//
// It is part of a clock and guarded by its lock. A nil guard does nothing.
type guard struct {
	due   atomic.Int64 // an instant: when the call in progress should end; zero: never
	armed atomic.Bool  // the timer will fire
	seen  uint32       // the call, as the clock counts them, that had this due, or was looked at
	timer *time.Timer
}

// expect notes when a call that begins should end.
func (g *guard) expect(call uint32, due instant) {
	if g != nil {
		g.seen = call
		g.due.Store(int64(due))
	}
}

// watch sees to it that the timer fires when a call is due.
func (g *guard) watch(k *clock) {
	if g != nil && g.asleep() && !k.ended {
		g.fire(k, g.left())
	}
}

// asleep reports whether a call is to be watched and no timer does that.
func (g *guard) asleep() bool { return !g.armed.Load() && g.due.Load() != 0 }

// left returns how long it is until the call in progress should end.
func (g *guard) left() time.Duration { return time.Until(instant(g.due.Load()).time()) }

// hurry has the call in progress end now.
func (g *guard) hurry(k *clock) {
	if g != nil {
		g.expect(k.calls.Load(), instantOf(time.Now()))
		g.fire(k, overdue)
	}
}

// fire has the timer fire after the given time.
func (g *guard) fire(k *clock, after time.Duration) {
	g.armed.Store(true)
	if g.timer == nil {
		g.timer = time.AfterFunc(after, k.inspect)
	} else {
		g.timer.Reset(after)
	}
}

// inspect runs when the timer fires.
func (k *clock) inspect() {
	k.mu.Lock()
	stuck := k.guard.look(k)
	k.mu.Unlock()
	if stuck {
		_ = k.owner.end(errStuck, cut)
	}
}

// look reports whether the call in progress is stuck, and has the timer fire again if it
// may be later. A call that has found the deadline of another one in the past, and is about
// to learn that, is none that was seen before, and gets as much time from now on.
func (g *guard) look(k *clock) (stuck bool) {
	g.armed.Store(false)
	call := k.calls.Load() // one that has begun later has not found the timer armed
	switch left := g.left(); {
	case k.ended || call&1 == 0 || g.due.Load() == 0:
	case left > 0:
		g.fire(k, left)
	case call != g.seen:
		g.seen = call
		g.fire(k, overdue)
	case left > -overdue:
		g.fire(k, overdue+left)
	default:
		return true
	}
	return false
}
