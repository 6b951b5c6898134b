package soak

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/duplexws/duplex/conn"
)

// How a feed runs. Its messages are those of a session with a number that no other has.
const (
	feedEvery = 15 * time.Millisecond
	feedID    = uint64(mixed)
)

// narrow is how much each system is asked to hold of what is on its way to a slow follower of
// the feed: what he does not take soon waits in the backlog of Post. With less than a segment of
// the loopback device, much time would pass when he takes something again.
const narrow = 128 << 10

// A feed is a broadcast to all who have subscribed.
type feed struct {
	mu          sync.Mutex
	last        uint64 // the number of the last message
	buf         []byte // for it
	subscribers map[*conn.Conn]bool
}

// broadcast posts numbered messages until the server stops.
func (r *running) broadcast() {
	for r.ctx.Err() == nil {
		pause(r.ctx, feedEvery)
		r.feed.mu.Lock()
		r.feed.last++
		t, p := message(r.feed.buf[:0], feedID, r.feed.last)
		r.feed.buf = p
		m, err := conn.Prepare(t, p)
		if err != nil {
			r.s.w.ledger.wrongf("%s: Prepare: %v", r.s.name, err)
		}
		for c := range r.feed.subscribers {
			switch err := c.Post(m); {
			case err == nil:
				r.s.w.tally.add("feed", "posted", 1)
			case errors.Is(err, conn.ErrPostLimit):
				delete(r.feed.subscribers, c)
				r.tooSlow(c, err)
			default:
				delete(r.feed.subscribers, c)
			}
		}
		r.feed.mu.Unlock()
	}
}

// tooSlow is called when Post has refused the last message to who does not keep up. Post has
// closed the connection then, or has left that to us, who tell which was the last message.
// In either case he has to be told, unless the connection was being killed already.
func (r *running) tooSlow(c *conn.Conn, err error) {
	if r.move(c, known, killed) || r.move(c, spared, killed) {
		r.s.w.refused.Store(way(c.RemoteAddr(), c.LocalAddr()), r.feed.last)
	}
	if errors.Is(err, net.ErrClosed) {
		r.s.w.tally.add("feed", "too slow for Post", 1)
		return
	}
	r.s.w.tally.add("feed", "too slow for the application", 1)
	reason := fmt.Sprintf("last %d", r.feed.last-1)
	r.all.Go(func() { _ = c.Close(r.ctx, conn.StatusTryAgainLater, reason) })
}

// way is the way of a connection from its client to its server.
func way(client, server net.Addr) string { return client.String() + " " + server.String() }

// subscribe is the application of those who want the feed.
func subscribe(ctx context.Context, c *conn.Conn) error {
	runningOf(ctx).move(c, unknown, known)
	return runningOf(ctx).feedTo(ctx, c)
}

// subscribeSlowly is that of those who are going to be too slow, which takes longer than most
// connections live.
func subscribeSlowly(ctx context.Context, c *conn.Conn) error {
	runningOf(ctx).move(c, unknown, spared)
	_ = socketOf(c).SetWriteBuffer(narrow)
	return runningOf(ctx).feedTo(ctx, c)
}

// feedTo has a connection get the feed until it ends.
func (r *running) feedTo(ctx context.Context, c *conn.Conn) error {
	r.feed.mu.Lock()
	if r.feed.subscribers == nil {
		r.feed.subscribers = map[*conn.Conn]bool{}
	}
	r.feed.subscribers[c] = true
	r.feed.mu.Unlock()
	err := c.Discard(ctx)
	r.feed.mu.Lock()
	delete(r.feed.subscribers, c)
	r.feed.mu.Unlock()
	r.s.w.mustNotFail("server", err)
	return err
}

// socketOf returns the socket of a connection.
func socketOf(c *conn.Conn) *net.TCPConn {
	nc := c.NetConn()
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	return nc.(*net.TCPConn)
}
