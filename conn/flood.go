package conn

import (
	"time"

	"github.com/duplexws/duplex/frame"
)

// floodTime is for how long a peer may have saved up control frames.
const floodTime = 10 * time.Second

// charge counts n frames that cost us work and that nobody sees: control frames, and
// fragments without payload. They are taken from a bucket that holds floodTime times
// Options.ControlRate of them and fills at that rate.
func (c *Conn) charge(n int) error {
	if c.settings.controlRate <= 0 {
		return nil
	}
	// Instead of what is in the bucket the time is kept at which it will be full.
	now := instant(time.Since(epoch))
	c.mu.Lock()
	r := c.remember()
	if r.bucketFull == 0 || r.bucketFull < now {
		r.bucketFull = now
	}
	r.bucketFull += instant(n) * instant(time.Second) / instant(c.settings.controlRate)
	flood := r.bucketFull-now > instant(floodTime)
	c.mu.Unlock()
	if flood {
		return c.fail(frame.ControlFlood)
	}
	return nil
}
