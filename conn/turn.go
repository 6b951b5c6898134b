package conn

import (
	"context"
	"sync"
	"sync/atomic"
)

// turn lets one goroutine at a time read, or write a frame, or write a message. It
// is not a mutex: it may be held across I/O, because whoever waits for it waits
// with a context. Waiting is first come, first served. The zero turn is free.
//
// While nobody waits, taking and releasing is one compare-and-swap each.
type turn struct {
	state atomic.Uint32
	queue atomic.Pointer[queue] // made when somebody has to wait for the first time
}

// queue is those who wait for a turn.
type queue struct {
	mu    sync.Mutex // never held for long
	first *waiter
	last  *waiter
}

type waiter struct {
	ready  chan struct{} // closed when the turn is handed over
	prev   *waiter
	next   *waiter
	queued bool
	handed bool // it was given the turn
}

const (
	turnFree      = iota
	turnHeld      // nobody waits
	turnContended // somebody waits, or did a moment ago
	turnMoment    // held, but not for long: see tryMoment
)

// try takes the turn if it is free.
func (t *turn) try() bool {
	return t.state.CompareAndSwap(turnFree, turnHeld) || t.tryAgain()
}

// free reports whether nobody has the turn, at this moment.
func (t *turn) free() bool { return t.state.Load() == turnFree }

// contended reports whether somebody waits for the turn that the caller holds.
func (t *turn) contended() bool { return t.state.Load() == turnContended }

// lock returns the queue, locked.
func (t *turn) lock() *queue {
	q := t.queue.Load()
	if q == nil {
		if q = new(queue); !t.queue.CompareAndSwap(nil, q) {
			q = t.queue.Load()
		}
	}
	q.mu.Lock()
	return q
}

// enqueue takes the turn if it is free, and returns nil; else it joins the queue.
func (t *turn) enqueue() *waiter {
	q := t.lock()
	defer q.mu.Unlock()
	for !t.state.CompareAndSwap(turnHeld, turnContended) {
		if t.try() {
			return nil
		}
		if t.state.Load() == turnContended {
			break
		}
	}
	w := &waiter{ready: make(chan struct{}), prev: q.last, queued: true}
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	return w
}

// isLast reports whether nobody has come to wait since w did. A nil w has the turn.
func (t *turn) isLast(w *waiter) bool {
	if w == nil && t.state.Load() == turnHeld {
		return true
	}
	q := t.lock()
	defer q.mu.Unlock()
	return q.last == w
}

// remove takes w out of the queue, with mu held.
func (q *queue) remove(w *waiter) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
}

// forget takes w out of the queue. It reports whether the turn was handed to w
// already, so that it has to be given back.
func (t *turn) forget(w *waiter) (handed bool) {
	q := t.lock()
	defer q.mu.Unlock()
	if w.queued {
		q.remove(w)
	}
	return w.handed
}

// withdraw takes w out of the queue, unless the turn was handed to it already, and reports
// whether it has.
func (t *turn) withdraw(w *waiter) bool { return !t.forget(w) }

// release hands the turn to the first in the queue, or frees it.
func (t *turn) release() {
	if t.state.CompareAndSwap(turnHeld, turnFree) {
		return
	}
	q := t.lock()
	defer q.mu.Unlock()
	w := q.first
	if w == nil {
		t.state.Store(turnFree)
		return
	}
	q.remove(w)
	w.handed = true
	if q.first == nil {
		t.state.Store(turnHeld)
	}
	close(w.ready)
}

// acquire waits for the turn until ctx ends, the connection ends, or event is ready.
// It returns nil only with the turn; the error for an event is errEvent.
func (c *Conn) acquire(ctx context.Context, t *turn, event <-chan struct{}) error {
	if t.try() {
		return nil
	}
	w := t.enqueue()
	if w == nil {
		return nil
	}
	return c.await(ctx, t, w, event)
}

// await is acquire for a waiter that is in the queue already.
func (c *Conn) await(ctx context.Context, t *turn, w *waiter, event <-chan struct{}) error {
	var err error
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		if err = c.terminal(); err == nil {
			err = cancelled(ctx)
		}
	case <-event:
		err = errEvent
	case <-c.ended():
		err = c.terminal()
	}
	if t.forget(w) {
		c.giveBack(t)
	}
	return err
}

// giveBack gives back a turn that was handed over too late to be of use. With it come
// the duties of its holder.
func (c *Conn) giveBack(t *turn) {
	switch t {
	case &c.readTurn:
		c.releaseRead()
	case &c.writeTurn:
		c.releaseWrite()
	case &c.messageTurn:
		c.releaseMessage()
	default:
		t.release()
	}
}
