package drain

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/duplexws/duplex/conn"
)

// Defaults of [Options].
const (
	defaultRate       = 1000
	defaultRetryAfter = 2 * time.Second
)

// Options are the settings of [Group.Drain]. Nil and the zero value mean the defaults. Of
// the numbers, zero means the stated default and a negative value what is said there.
type Options struct {
	// Rate is how many connections are closed in a second; default 1000, and negative all
	// at once. The time from one to the next is a random one, twice the mean at most. When
	// there is no time left, the rest is closed at once: to keep to the rate, a drain needs
	// a second for each Rate connections, and some more for the last of them to answer. That
	// all others have left meanwhile is noticed when the next would be due.
	Rate int

	// RetryAfter is the least time in which refused clients are asked not to come back;
	// default 2 s. Each is told a random one from this to twice as much, in whole seconds,
	// rounded up. Negative: they are told nothing.
	RetryAfter time.Duration

	// Shutdown, if not nil, is called once to have the server accept no more: for example
	// the method Shutdown of an http.Server, or a function that ends the context of
	// conn.Listen. That is done when the drain begins, as soon as no handshake that was
	// admitted is under way. ctx is that of Drain, which waits until Shutdown has returned.
	Shutdown func(ctx context.Context) error
}

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = defaultRetryAfter
	}
	return c
}

// Report says how many connections there were when a drain began, or were under way, and
// how they ended. Each counts once.
type Report struct {
	Closed int // by a closing handshake: the peer has answered
	Left   int // of their own accord, before they were told
	Failed int // the stream broke, or the peer broke a rule, before it had answered
	Cut    int // the peer had not answered when the time was over
}

// Drain ends all connections of the group and returns when every one has ended. From its
// beginning on, for good, new connections are refused; those that are there are closed with
// status 1001, going away, at a limited rate. A connection goes on delivering messages
// until the peer has answered, for which it has 5 s, as with [conn.Conn.Close]. When ctx
// ends, Drain closes those that were not told yet, without waiting for anything, and cuts
// all others; it then returns within about 250 ms. A context without a deadline leaves
// each connection its 5 s.
//
// The error is that of Shutdown, or else context.Cause(ctx) if ctx has ended before the
// connections. That a peer had to be cut after its 5 s is not an error; Report tells.
//
// Drain may be called by a function that was given to http.Server.RegisterOnShutdown:
// Shutdown does not wait for it, so the program has to. A call while another one is under
// way, or after it, changes nothing: it waits for that one to return and returns the same,
// or what the report is and context.Cause(ctx) when its own ctx ends first.
func (g *Group) Drain(ctx context.Context, o *Options) (Report, error) {
	opts := o.withDefaults()
	if !g.begin(&opts) {
		return g.join(ctx)
	}
	shutdown := make(chan error, 1)
	go func() { shutdown <- g.shutdown(ctx, opts.Shutdown) }()

	var closing sync.WaitGroup
	pace := newPace(opts.Rate)
	for g.await(ctx, pace.next()) {
		if c := g.take(); c != nil {
			closing.Go(func() { g.close(ctx, c) })
		}
	}
	g.abandon()
	for c := g.take(); c != nil; c = g.take() {
		closing.Go(func() { g.close(ctx, c) })
	}
	closing.Wait()
	return g.end(ctx, <-shutdown)
}

// begin has the group refuse what comes from now on. It returns false if it does already.
func (g *Group) begin(o *Options) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusing {
		return false
	}
	g.refusing, g.after = true, o.RetryAfter
	g.sweep() // what has ended before is not counted
	g.changed, g.settled, g.done = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	g.settle()
	return true
}

// join waits for another call of Drain.
func (g *Group) join(ctx context.Context) (Report, error) {
	select {
	case <-g.done:
		return g.report, g.err
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.report, context.Cause(ctx)
	}
}

// shutdown calls the function that has the server accept no more. Listen cuts off the
// handshakes that are under way, so those that were admitted are let through first.
func (g *Group) shutdown(ctx context.Context, f func(context.Context) error) error {
	if f == nil {
		return nil
	}
	select {
	case <-g.settled:
	case <-ctx.Done():
	}
	return f(ctx)
}

// await waits until a time has passed and there is a connection to be told. It returns
// false if there will be none, or ctx has ended.
func (g *Group) await(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for due := false; ; {
		g.mu.Lock()
		some, none := len(g.open) > 0, len(g.open) == 0 && g.coming == 0
		g.mu.Unlock()
		switch {
		case none || ctx.Err() != nil:
			return false
		case some && due:
			return true
		}
		select {
		case <-timer.C:
			due = true
		case <-g.changed:
		case <-ctx.Done():
		}
	}
}

// close closes a connection, waits until it has ended, and counts it.
func (g *Group) close(ctx context.Context, c *conn.Conn) {
	how := &g.report.Left
	late := false
	if c.Context().Err() == nil {
		_ = c.Close(ctx, conn.StatusGoingAway, "")
		// While a function of Serve runs, Close does not wait for the end.
		select {
		case <-c.Context().Done():
		case <-ctx.Done():
			_ = c.CloseNow()
			<-c.Context().Done()
		}
		// It has ended, and this only says whether both Close frames have passed.
		err := c.Close(ended, conn.StatusGoingAway, "")
		timeout, ok := errors.AsType[net.Error](err)
		switch {
		case err == nil:
			how = &g.report.Closed
		case ctx.Err() != nil:
			how, late = &g.report.Cut, true
		case ok && timeout.Timeout():
			how = &g.report.Cut
		default:
			how = &g.report.Failed
		}
	}
	g.mu.Lock()
	*how++
	g.late = g.late || late
	g.mu.Unlock()
}

// abandon gives up on what is still coming: Drain does not wait for it any more.
func (g *Group) abandon() {
	g.mu.Lock()
	g.abandoned = true
	g.late = g.late || g.coming > 0
	g.mu.Unlock()
}

// end ends the drain.
func (g *Group) end(ctx context.Context, err error) (Report, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil && g.late {
		err = context.Cause(ctx)
	}
	g.err = err
	close(g.done)
	return g.report, g.err
}
