package conn

import (
	"time"

	"github.com/duplexws/duplex/frame"
)

// floodTime is for how long a peer may have saved up control frames.
const floodTime = 10 * time.Second

// charge counts n frames that cost us work and that nobody sees: control frames, and
// fragments without payload. They are taken from a bucket that holds floodTime times
// Options.ControlRate of them and fills at that rate. It is used under the read turn.
func (c *Conn) charge(n int) error {
	if c.controlRate == 0 {
		return nil
	}
	// Instead of what is in the bucket the time is kept at which it will be full.
	now := time.Since(c.born)
	c.bucketFull = max(c.bucketFull, now) + time.Duration(n)*time.Second/time.Duration(c.controlRate)
	if c.bucketFull-now > floodTime {
		return c.fail(frame.ControlFlood)
	}
	return nil
}
