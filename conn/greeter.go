package conn

import "net"

// A greeter is a goroutine that does handshakes, one after the other, and leaves each
// connection to a goroutine of its own. The stack grows in a handshake, which takes longer
// than all else that a handshake computes, and would not shrink again as long as the
// connection lives.
type greeter struct {
	nc net.Conn // whose handshake is under way; guarded by reception.mu
}

// maxIdle is how many greeters wait for another connection at most, with their stacks.
const maxIdle = 32

// greeter does the handshake of nc and of those that come while it is idle.
func (l *reception) greeter(nc net.Conn) {
	g := new(greeter)
	defer l.dismiss(g)
	for ok := true; ok; nc, ok = <-l.next {
		l.enter(g, nc)
		l.greet(g)
		if !l.rest() {
			return
		}
	}
}

// enter notes that a handshake begins. If Listen has come to its end, it will fail.
func (l *reception) enter(g *greeter, nc net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inside[g] {
		l.idle--
	}
	g.nc, l.inside[g] = nc, true
	if l.closed {
		_ = cutTransport(nc)
	}
}

// leave notes that a handshake is over and reports whether Listen still goes on.
func (l *reception) leave(g *greeter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.nc = nil
	return !l.closed
}

// rest reports whether a greeter may wait for another connection.
func (l *reception) rest() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.idle == maxIdle {
		return false
	}
	l.idle++
	return true
}

// dismiss is the end of a greeter.
func (l *reception) dismiss(g *greeter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.inside, g)
}

// greet does a handshake and leaves the rest to a new goroutine.
func (l *reception) greet(g *greeter) {
	nc, admission := g.nc, l.opts.admission()
	over := false
	defer func() {
		v := recover()
		if over && v == nil {
			return
		}
		// Route or Admit, or what that has returned, has panicked, or ended its goroutine.
		logPanic(l.o.ErrorLog, nc.RemoteAddr(), v)
		l.leave(g)
		_ = cutTransport(nc)
	}()
	defer admission.end(nil)
	c, f, err := l.accept(nc, admission)
	over = true
	switch open := l.leave(g); {
	case err != nil:
		logRefusal(l.o.ErrorLog, nc.RemoteAddr(), err)
	case !open:
		_ = c.CloseNow()
	default:
		admission.end(c)
		go c.handle(f, l.o.ErrorLog)
	}
}
