package conn

import (
	"context"
	"net"
	"os"
	"sync"
	"time"
)

// deadline turns the deadlines of one direction into contexts. A context ends when
// its deadline passes, and stays so; a deadline that is moved before that moves with it.
type deadline struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	moved  int // tells a timer that fires late that it is not the one
	closed bool
}

func (d *deadline) init() {
	d.ctx, d.cancel = context.WithCancelCause(context.Background())
}

func (d *deadline) context() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ctx
}

func (d *deadline) set(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	d.stop()
	if d.ctx.Err() != nil {
		d.init()
	}
	if t.IsZero() {
		return nil
	}
	left := time.Until(t)
	if left <= 0 {
		d.cancel(os.ErrDeadlineExceeded)
		return nil
	}
	moved, cancel := d.moved, d.cancel
	d.timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if moved == d.moved {
			cancel(os.ErrDeadlineExceeded)
		}
	})
	return nil
}

func (d *deadline) stop() {
	d.moved++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}

// close ends all calls, now and in future. It reports whether it was the first.
func (d *deadline) close() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.closed = true
	d.stop()
	if d.ctx.Err() != nil {
		d.init()
	}
	d.cancel(net.ErrClosed)
	return true
}
