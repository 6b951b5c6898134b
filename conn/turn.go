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
	mu    sync.Mutex // guards first; never held for long
	first *waiter
}

type waiter struct {
	ready chan struct{} // closed when the turn is handed over
	next  *waiter
}

const (
	turnFree      = iota
	turnHeld      // nobody waits
	turnContended // somebody waits, or did a moment ago
)

// try takes the turn if it is free.
func (t *turn) try() bool { return t.state.CompareAndSwap(turnFree, turnHeld) }

// contended reports whether somebody waits for the turn that the caller holds.
func (t *turn) contended() bool { return t.state.Load() == turnContended }

// enqueue takes the turn if it is free, and returns nil; else it joins the queue.
func (t *turn) enqueue() *waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.state.CompareAndSwap(turnHeld, turnContended) {
		if t.try() {
			return nil
		}
		if t.state.Load() == turnContended {
			break
		}
	}
	w := &waiter{ready: make(chan struct{})}
	at := &t.first
	for *at != nil {
		at = &(*at).next
	}
	*at = w
	return w
}

// forget takes w out of the queue. If the turn was handed to w already, it is passed
// on.
func (t *turn) forget(w *waiter) {
	t.mu.Lock()
	for at := &t.first; *at != nil; at = &(*at).next {
		if *at == w {
			*at = w.next
			t.mu.Unlock()
			return
		}
	}
	t.mu.Unlock()
	t.release()
}

// release hands the turn to the first in the queue, or frees it.
func (t *turn) release() {
	if t.state.CompareAndSwap(turnHeld, turnFree) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.first
	if w == nil {
		t.state.Store(turnFree)
		return
	}
	t.first = w.next
	if t.first == nil {
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
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		t.forget(w)
		if err := c.terminal(); err != nil {
			return err
		}
		return cancelled(ctx)
	case <-event:
		t.forget(w)
		return errEvent
	case <-c.ended():
		t.forget(w)
		return c.terminal()
	}
}
