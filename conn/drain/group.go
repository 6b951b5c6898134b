package drain

import (
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
	"weak"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// A Group is a set of connections that are to be ended together. The zero value is empty
// and ready to use. All methods may be called by any goroutine at any time. A Group must
// not be copied. It does not keep its connections in memory.
type Group struct {
	mu        sync.Mutex
	coming    int                 // requests that were admitted and of which nothing has come yet
	open      map[member]struct{} // connections that were not told to end; some may have, see sweep
	sweepAt   int                 // how many of them there may be
	refusing  bool                // Drain was called
	abandoned bool                // and has no time left for what is still coming
	late      bool                // ctx of Drain has ended too early for some
	after     time.Duration       // Retry-After, at least
	report    Report

	err     error         // that Drain has returned
	changed chan struct{} // has an element if there may be something new for Drain
	settled chan struct{} // closed when nothing is coming any more
	done    chan struct{} // closed when Drain is over
}

// A member is a connection of a group, which does not keep it in memory. So a group has no
// need to be told that a connection has ended, which would cost half a KiB for each.
type member = weak.Pointer[conn.Conn]

// fewMembers is how many members there may be without a look at whether they have ended.
const fewMembers = 64

// Admit is for the field Admit of [conn.Options]. It adds each connection of a server to
// the group, from before its client is told that it was accepted until it has ended. Once
// Drain was called it refuses, with a [*handshake.Error] for status 503. It uses neither of
// its arguments.
//
// The function that it returns has to be called once: it tells the group what has come of
// the request, a connection or nil, and Drain waits for that.
func (g *Group) Admit(context.Context, *handshake.Request) (opened func(*conn.Conn), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusing {
		return nil, g.refusal()
	}
	g.coming++
	return g.opened, nil
}

// refusal is for requests that come too late. The time to come again is a random one, so
// that those who were refused together do not come back together.
func (g *Group) refusal() error {
	e := &handshake.Error{
		Status: http.StatusServiceUnavailable,
		Reason: "the server is going away",
	}
	if g.after > 0 {
		after := g.after + rand.N(g.after)
		seconds := (after + time.Second - 1) / time.Second
		e.Header = http.Header{"Retry-After": {strconv.FormatInt(int64(seconds), 10)}}
	}
	return e
}

// opened makes a connection, or nothing, of a request that is coming.
func (g *Group) opened(c *conn.Conn) {
	g.mu.Lock()
	g.coming--
	g.settle()
	late := g.abandoned
	if c != nil && !late {
		g.add(c)
	}
	g.signal()
	g.mu.Unlock()
	if c != nil && late {
		_ = c.Close(ended, conn.StatusGoingAway, "")
	}
}

// add adds a connection. It is called with mu held.
func (g *Group) add(c *conn.Conn) {
	if g.open == nil {
		g.open = map[member]struct{}{}
	}
	if len(g.open) >= g.sweepAt {
		g.sweep()
	}
	g.open[weak.Make(c)] = struct{}{}
}

// sweep forgets the connections that have ended. If it is done whenever there are twice as
// many as were left the last time, it costs little for each. It is called with mu held.
func (g *Group) sweep() {
	maps.DeleteFunc(g.open, func(m member, _ struct{}) bool { return living(m) == nil })
	g.sweepAt = max(2*len(g.open), fewMembers)
}

// living returns a connection, unless it has ended.
func living(m member) *conn.Conn {
	if c := m.Value(); c != nil && c.Context().Err() == nil {
		return c
	}
	return nil
}

// take takes a connection out that is to be told, and counts those that have ended before.
// It returns nil if there is none.
func (g *Group) take() *conn.Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	for m := range g.open {
		delete(g.open, m)
		if c := living(m); c != nil {
			return c
		}
		g.report.Left++
	}
	return nil
}

// settle says that nothing is coming any more, if that is so. It is called with mu held,
// when something has come or coming was ruled out.
func (g *Group) settle() {
	if g.refusing && g.coming == 0 {
		close(g.settled)
	}
}

// signal wakes Drain, if it was called. It is called with mu held.
func (g *Group) signal() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// ended is a context that has ended. Close then sends a Close frame if the stream takes
// it, and cuts the connection.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
