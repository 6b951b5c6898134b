package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/duplexws/duplex/conn"
)

// How a feed runs.
const (
	feedEvery = 20 * time.Millisecond
	feedSize  = 16 << 10 // the largest message
	feedPause = 500 * time.Millisecond
)

// A feed is a broadcast to all who have subscribed.
type feed struct {
	mu          sync.Mutex
	last        uint64 // the number of the last message
	subscribers map[*conn.Conn]bool
}

// broadcast posts numbered messages until the server stops. Who does not keep up is told
// which was the last one it will get.
func (r *running) broadcast() {
	t := &r.s.w.tally
	random := rand.New(rand.NewPCG(r.s.seed, 3))
	for r.ctx.Err() == nil {
		pause(r.ctx, feedEvery)
		r.feed.mu.Lock()
		r.feed.last++
		m, err := conn.Prepare(conn.Text, feedMessage(r.feed.last, random.IntN(feedSize)))
		if err != nil {
			r.s.w.ledger.wrongf("%s: Prepare: %v", r.s.name, err)
		}
		for c := range r.feed.subscribers {
			switch err := c.Post(m); {
			case err == nil:
				t.add("feed", "posted", 1)
			case errors.Is(err, conn.ErrPostLimit):
				delete(r.feed.subscribers, c)
				t.add("feed", "too slow", 1)
				reason := fmt.Sprintf("last %d", r.feed.last-1)
				r.all.Go(func() { _ = c.Close(r.ctx, conn.StatusTryAgainLater, reason) })
			default:
				delete(r.feed.subscribers, c)
			}
		}
		r.feed.mu.Unlock()
	}
}

// feedMessage is the message with a number, with so many bytes after it.
func feedMessage(number uint64, size int) []byte {
	return append(fmt.Appendf(nil, "feed %d ", number), bytes.Repeat([]byte{'a' + byte(number%26)}, size)...)
}

// subscribe is the application of those who want the feed.
func subscribe(ctx context.Context, c *conn.Conn) error {
	r := runningOf(ctx)
	r.move(c, unknown, known)
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
	return err
}

// follow is a client of the feed: what it gets has no gap, and if it was too slow, nothing has
// come that was refused.
func (w *world) follow(ctx context.Context, random *rand.Rand, slow bool) {
	c, err := w.dial(ctx, random, w.servers[random.IntN(len(w.servers))], "/feed", conn.Options{Compression: w.someCompression(random)})
	if err != nil {
		w.tally.add("dials that failed", reason(err), 1)
		return
	}
	defer c.CloseNow()
	some, cancel := context.WithTimeout(ctx, time.Second+time.Duration(random.Int64N(int64(4*time.Second))))
	defer cancel()
	var last uint64
	err = eachAppend(some, c, func(_ conn.MessageType, p []byte) error {
		var number uint64
		if _, err := fmt.Sscanf(string(p[:min(len(p), 30)]), "feed %d ", &number); err != nil {
			w.ledger.wrongf("feed: %.40q", p)
		}
		if last != 0 && number != last+1 {
			w.ledger.wrongf("feed: message %d comes after %d", number, last)
		}
		if want := feedMessage(number, 0); !bytes.Equal(p, feedMessage(number, len(p)-len(want))) {
			w.ledger.wrongf("feed: message %d is not what was sent", number)
		}
		last = number
		w.tally.add("feed", "received", 1)
		if slow {
			pause(some, feedPause)
		}
		return nil
	})
	if ce, ok := errors.AsType[*conn.CloseError](err); ok && ce.Code == conn.StatusTryAgainLater {
		var want uint64
		if _, err := fmt.Sscanf(ce.Reason, "last %d", &want); err != nil || last > want {
			w.ledger.wrongf("feed: closed after message %d with %q", last, ce.Reason)
		}
		if last < want {
			w.tally.add("feed", "closed before all had left", 1)
		}
	}
	w.ended(err)
	_ = c.Close(ctx, conn.StatusNormalClosure, "")
}
