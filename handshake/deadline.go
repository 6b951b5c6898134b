package handshake

import (
	"context"
	"net"
	"time"
)

// past is a deadline that interrupts at once whatever waits.
var past = time.Unix(1, 0)

// A guard interrupts the reads and writes of a stream when a context ends. It owns
// the stream's deadlines as long as it is in force.
type guard struct {
	stop  func() bool
	fired chan struct{} // closed when the interruption is complete
}

// interrupt ends the reads and writes of a stream. One that has no deadlines is
// closed.
func interrupt(nc net.Conn) {
	if nc.SetDeadline(past) != nil {
		_ = nc.Close()
	}
}

// watch puts a guard in force.
func watch(ctx context.Context, nc net.Conn) guard {
	g := guard{fired: make(chan struct{})}
	g.stop = context.AfterFunc(ctx, func() {
		defer close(g.fired)
		interrupt(nc)
	})
	return g
}

// release ends the guard and reports whether it never fired. After release it sets
// no deadline any more: if it has just begun to fire, release waits for it. It is
// called once.
func (g guard) release() bool {
	if g.stop() {
		return true
	}
	<-g.fired
	return false
}

// A limit bounds the time that the reads and writes of a stream take, by a deadline of
// the stream, or by closing one that has no deadlines. It does what a guard does for a
// time that is known beforehand, and costs no allocation where there are deadlines.
type limit struct {
	nc    net.Conn
	at    time.Time   // when it is over; zero: never
	timer *time.Timer // of a stream without deadlines
}

// limitTime puts a limit in force, by the convention of the options: 0 is the default,
// negative is no limit. It takes the place of a deadline that was left on the stream.
func limitTime(nc net.Conn, d time.Duration) limit {
	if d == 0 {
		d = defaultTimeout
	}
	l := limit{nc: nc}
	if d < 0 {
		_ = nc.SetDeadline(noDeadline)
		return l
	}
	l.at = time.Now().Add(d)
	if nc.SetDeadline(l.at) != nil {
		l.timer = time.AfterFunc(d, func() { _ = nc.Close() })
	}
	return l
}

// release ends the limit, leaves no deadline, and reports whether the stream may still
// be used.
func (l *limit) release() bool {
	if l.timer != nil {
		return l.timer.Stop()
	}
	if !l.at.IsZero() {
		_ = l.nc.SetDeadline(noDeadline)
	}
	return true
}

// over reports whether the time is over.
func (l *limit) over() bool { return !l.at.IsZero() && !time.Now().Before(l.at) }

// withTimeout is context.WithTimeout by the convention of the options: 0 is the
// default, negative is no limit.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		d = defaultTimeout
	}
	if d < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// ended reports whether ctx has ended. Code that turned its deadline into one of a
// stream may notice a moment before the context does.
func ended(ctx context.Context) bool {
	if d, ok := ctx.Deadline(); ok && !time.Now().Before(d) {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

// closeNow closes without waiting: closing a TLS connection would try to send an
// alert first, for seconds if the peer does not read. The stream below it is closed
// before.
func closeNow(nc net.Conn) {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		if inner := t.NetConn(); inner != nil {
			_ = inner.Close()
		}
	}
	_ = nc.Close()
}
