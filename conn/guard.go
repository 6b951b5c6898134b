package conn

import "time"

// overdue is how long after its deadline a guarded call may still run.
const overdue = closeTime

// guard ends the connection if a call does not obey its deadline. A read from a TLS
// connection need not: it may have to write, for example to answer a key update, and for
// that it waits until a write in progress is done, which a peer that takes nothing can
// put off for ever. The timer is moved only when it fires, so that it costs nothing.
//
// It is part of a clock and guarded by its lock. A nil guard does nothing.
type guard struct {
	due     time.Time // when the call in progress should have ended; zero: never
	timer   *time.Timer
	pending bool // the timer will fire
}

// expect notes when the call in progress should have ended.
func (g *guard) expect(due time.Time) {
	if g != nil {
		g.due = due
	}
}

// watch sees to it that the timer fires for a call that is due after the given time.
func (g *guard) watch(k *clock, after time.Duration) {
	if g == nil || k.ended || g.due.IsZero() || g.pending && after > 0 {
		return
	}
	g.pending = true
	if after += overdue; g.timer == nil {
		g.timer = time.AfterFunc(after, k.inspect)
	} else {
		g.timer.Reset(after)
	}
}

// inspect runs when the timer fires.
func (k *clock) inspect() {
	k.mu.Lock()
	g := k.guard
	g.pending = false
	left := time.Until(g.due)
	stuck := k.running.Load() && !g.due.IsZero() && left <= -overdue
	if !stuck && !k.ended {
		g.watch(k, max(left, 1))
	}
	k.mu.Unlock()
	if stuck {
		_ = k.owner.end(errStuck, cut)
	}
}
