package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/duplexws/duplex/conn"
)

// feedStall is how long a slow follower of the feed takes nothing, at most: less than what
// keepalive takes to find him dead. He goes on when Post has refused him something, as he has
// to come to the Close frame within 5 s.
const feedStall = 3500 * time.Millisecond

// slowReason is what Post tells those who are too slow.
const slowReason = "too slow for what is sent"

// What a follower who was too slow was told. Both have to come up.
const (
	toldByPost = "told by Post that it was too slow"
	toldByUs   = "told by the application that it was too slow"
)

// A follower is a client of the feed.
type follower struct {
	w      *world
	s      *server
	c      *conn.Conn
	slow   bool
	begun  time.Time
	drains int64  // of the server, before that
	last   uint64 // the number of the last message that has come
	buf    []byte // for the message that is expected
}

// follow follows the feed for some seconds, most of the time too slowly: then without compression
// and without a relay, so that little is held on the way.
func (w *world) follow(ctx context.Context, random *rand.Rand) {
	f := &follower{w: w, s: w.servers[random.IntN(len(w.servers))], slow: random.IntN(3) > 0, begun: time.Now()}
	f.drains = f.s.begun.Load()
	d, err := time.Second+time.Duration(random.Int64N(int64(4*time.Second))), error(nil)
	if f.slow {
		d = feedStall + time.Second
		f.c, err = w.dialAt(ctx, f.s.addr(), f.s, "/slow", conn.Options{})
	} else {
		f.c, err = w.dial(ctx, random, f.s, "/feed", conn.Options{Compression: w.someCompression(random)})
	}
	if err != nil {
		w.tally.add("dials that failed", reason(err), 1)
		return
	}
	defer f.c.CloseNow()
	if f.slow {
		_ = socketOf(f.c).SetReadBuffer(narrow)
	}
	some, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err = eachAppend(some, f.c, func(t conn.MessageType, p []byte) error {
		if f.take(t, p); f.slow {
			f.slow = false
			f.stall(some)
		}
		return nil
	})
	var refused uint64
	if n, ok := w.refused.LoadAndDelete(f.way()); ok {
		refused = n.(uint64)
	}
	f.ended(err, refused)
	w.ended(err)
	_ = f.c.Close(ctx, conn.StatusNormalClosure, "")
}

// take takes a message. There is no gap before it.
func (f *follower) take(t conn.MessageType, p []byte) {
	id, number, ok := numberOf(p)
	if !ok || id != feedID || f.last != 0 && number != f.last+1 {
		f.w.ledger.wrongf("feed: after message %d comes %.40q", f.last, p)
	}
	kind, want := message(f.buf[:0], feedID, number)
	f.buf = want
	if t != kind || !bytes.Equal(p, want) {
		f.w.ledger.wrongf("feed: message %d is not what was sent: %v with %d bytes, want %v with %d", number, t, len(p), kind, len(want))
	}
	f.last = number
	f.w.tally.add("feed", "received", 1)
}

// stall waits until Post has refused something, or for feedStall.
func (f *follower) stall(ctx context.Context) {
	for begun := time.Now(); time.Since(begun) < feedStall && ctx.Err() == nil; pause(ctx, feedEvery) {
		if _, ok := f.w.refused.Load(f.way()); ok {
			return
		}
	}
}

// way is that of its connection.
func (f *follower) way() string { return way(f.c.LocalAddr(), f.c.RemoteAddr()) }

// ended looks at how the feed has ended. Who was too slow, since then Post has refused him a
// message, was told so, and that message has not come, nor has any after it.
func (f *follower) ended(err error, refused uint64) {
	ce, ok := errors.AsType[*conn.CloseError](err)
	switch told := ok && ce.Code == conn.StatusTryAgainLater; {
	case told && strings.HasPrefix(ce.Reason, "last "):
		f.w.tally.add("feed", toldByUs, 1)
		var want uint64
		if _, err := fmt.Sscanf(ce.Reason, "last %d", &want); err != nil || ce.Reason != fmt.Sprintf("last %d", want) || f.last > want {
			f.w.ledger.wrongf("feed: closed after message %d with %q", f.last, ce.Reason)
		}
		if f.last < want {
			f.w.tally.add("feed", "closed before all had left", 1)
		}
	case told:
		f.w.tally.add("feed", toldByPost, 1)
		if ce.Reason != slowReason || refused != 0 && f.last >= refused {
			f.w.ledger.wrongf("feed: closed after message %d, where %d was refused, with %q", f.last, refused, ce.Reason)
		}
	case refused == 0 || !errors.Is(err, net.ErrClosed) || f.s.begun.Load() != f.drains:
		// He was not too slow, or has not come to the end, or the server was drained.
	case !f.w.stuttered(time.Since(f.begun)):
		f.w.ledger.wrongf("feed: message %d was refused, and the connection has ended without a word: %v", refused, err)
	}
}

// TestFollower shows what a follower finds wrong.
func TestFollower(t *testing.T) {
	takes := func(numbers ...uint64) func(*follower) {
		return func(f *follower) {
			for _, n := range numbers {
				f.take(message(nil, feedID, n))
			}
		}
	}
	ends := func(refused uint64, err error) func(*follower) {
		return func(f *follower) { f.ended(err, refused) }
	}
	told := func(reason string) error {
		return &conn.CloseError{Code: conn.StatusTryAgainLater, Reason: reason}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name  string
		steps []func(*follower)
		want  string
	}{
		{"nothing", []func(*follower){takes(7, 8, 9), ends(0, net.ErrClosed)}, ""},
		{"told by Post", []func(*follower){takes(7, 8), ends(9, told(slowReason))}, ""},
		{"told by the application", []func(*follower){takes(7, 8), ends(10, told("last 9"))}, ""},
		{"not at the end", []func(*follower){takes(7, 8), ends(10, context.DeadlineExceeded)}, ""},
		{"drained", []func(*follower){func(f *follower) { f.s.begun.Add(1) }, ends(10, net.ErrClosed)}, ""},
		{"gap", []func(*follower){takes(7, 9)}, "after message 7 comes"},
		{"twice", []func(*follower){takes(7, 7)}, "after message 7 comes"},
		{"changed", []func(*follower){func(f *follower) {
			kind, p := message(nil, feedID, 7)
			p[len(p)-1] ^= 1
			f.take(kind, p)
		}}, "not what was sent"},
		{"cut short", []func(*follower){func(f *follower) {
			kind, p := message(nil, feedID, 7)
			f.take(kind, p[:len(p)-1])
		}}, "not what was sent"},
		{"of the other type", []func(*follower){func(f *follower) {
			kind, p := message(nil, feedID, 7)
			f.take(conn.Text+conn.Binary-kind, p)
		}}, "not what was sent"},
		{"of a session", []func(*follower){func(f *follower) { f.take(message(nil, feedID+uint64(classes), 7)) }}, "after message 0 comes"},
		{"refused, but it has come", []func(*follower){takes(7, 8), ends(8, told(slowReason))}, "where 8 was refused"},
		{"after the last", []func(*follower){takes(7, 8), ends(8, told("last 7"))}, "closed after message 8"},
		{"another reason", []func(*follower){takes(7), ends(8, told("last 7."))}, "closed after message 7"},
		{"another reason of Post", []func(*follower){takes(7), ends(8, told("too slow"))}, "closed after message 7"},
		{"without a word", []func(*follower){takes(7), ends(8, net.ErrClosed)}, "without a word"},
		{"another code", []func(*follower){takes(7), ends(8, errors.Join(net.ErrClosed, &conn.CloseError{Code: conn.StatusInternalError}))}, "without a word"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &world{hard: ended}
			f := &follower{w: w, s: new(server), begun: time.Now()}
			for _, step := range test.steps {
				step(f)
			}
			got := strings.Join(w.ledger.first, "\n")
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
