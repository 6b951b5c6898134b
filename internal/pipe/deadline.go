package pipe

import (
	"sync"
	"time"
)

// deadline is one side's deadline. All fields are guarded by wake.L; set and stop
// are called with it held.
type deadline struct {
	wake   *sync.Cond
	passed bool
	at     time.Time // zero: none
	timer  *time.Timer
}

// set moves the deadline to t; the zero time removes it. Waiting calls are woken if
// it has passed already.
func (d *deadline) set(t time.Time) {
	d.stop()
	d.passed = false
	if t.IsZero() {
		return
	}
	left := time.Until(t)
	if left <= 0 {
		d.passed = true
		d.wake.Broadcast()
		return
	}
	d.at = time.Now().Add(left)
	if d.timer == nil {
		d.timer = time.AfterFunc(left, d.fire)
	} else {
		d.timer.Reset(left)
	}
}

// stop keeps the deadline from passing later.
func (d *deadline) stop() {
	d.at = time.Time{}
	if d.timer != nil {
		d.timer.Stop()
	}
}

// fire runs on the timer's goroutine. Stop and Reset do not wait for it, so it may
// come late: the deadline has passed only if the one that is set now has.
func (d *deadline) fire() {
	d.wake.L.Lock()
	defer d.wake.L.Unlock()
	if !d.at.IsZero() && !time.Now().Before(d.at) {
		d.passed = true
		d.wake.Broadcast()
	}
}
