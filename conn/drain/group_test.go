package drain

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// Once a drain has begun, who comes is refused and told when to come again.
func TestDrainRefuses(t *testing.T) {
	for _, tc := range []struct {
		name        string
		after       time.Duration
		least, most int // seconds; zero: the field is not there
	}{
		{"default", 0, 2, 4},
		{"rounded up", 100 * time.Millisecond, 1, 1},
		{"a minute", time.Minute, 60, 120},
		{"none", -1, 0, 0},
	} {
		for name, door := range frontDoors {
			t.Run(tc.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var g Group
					s := start(t, &g, door, discard)
					if got := <-drain(&g, 0, &Options{RetryAfter: tc.after}); got.report != (Report{}) || got.err != nil {
						t.Errorf("%+v", got)
					}
					seen := map[int]bool{}
					for range 100 {
						_, err := s.dial()
						if !refused(err) {
							t.Fatal(err)
						}
						e, _ := errors.AsType[*handshake.Error](err)
						after := e.Header.Get("Retry-After")
						seconds, err := strconv.Atoi(after)
						if tc.least == 0 && after != "" || tc.least > 0 && (err != nil || seconds < tc.least || seconds > tc.most) {
							t.Errorf("Retry-After: %q", after)
						}
						seen[seconds] = true
					}
					if tc.most > tc.least && len(seen) < 2 {
						t.Errorf("everybody is to come again after the same time: %v", seen)
					}
				})
			})
		}
	}
}

// A drain that begins when a connection was admitted and its client, the function and
// anybody else do not know of it yet does not miss it. One that fails at that point
// does not hold a drain up.
func TestDrainInTheGap(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name string
		err  error // of the 101
		want Report
	}{
		{"it comes into being", nil, Report{Closed: 1}},
		{"it fails", broken, Report{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, door frontDoor) {
				var g Group
				called := make(chan struct{}, 1)
				s := start(t, &g, door, func(ctx context.Context, c *conn.Conn) error {
					called <- struct{}{}
					return c.Discard(ctx)
				})
				var done <-chan result
				s.switching = func() error {
					done = drain(&g, 0, &Options{Shutdown: s.stop})
					<-time.After(time.Second) // of the bubble's clock: Drain has done all it can
					select {
					case got := <-done:
						t.Errorf("Drain returned %+v", got)
					default:
					}
					return tc.err
				}
				c, err := s.dial()
				if err == nil {
					<-called
					if code := closedWith(t, c); code != conn.StatusGoingAway {
						t.Errorf("closed with %v", code)
					}
				}
				if (err == nil) != (tc.err == nil) {
					t.Errorf("Dial: %v", err)
				}
				got := <-done
				if diff := cmp.Diff(tc.want, got.report); diff != "" || got.err != nil {
					t.Errorf("%v (-want +got):\n%s", got.err, diff)
				}
			})
		})
	}
}

// What is under way for longer than a drain has time is not waited for, and ended when it
// comes.
func TestDrainTooLateForTheGap(t *testing.T) {
	everywhere(t, func(t *testing.T, door frontDoor) {
		var g Group
		s := start(t, &g, door, discard)
		var done <-chan result
		s.switching = func() error {
			done = drain(&g, time.Second, nil)
			want := result{err: errTime, took: time.Second}
			if got := <-done; got != want {
				t.Errorf("Drain returned %+v", got)
			}
			return nil
		}
		if code := closedWith(t, s.mustDial()); code != conn.StatusGoingAway {
			t.Errorf("closed with %v", code)
		}
		if len(g.open) > 0 {
			t.Error("the group still holds it")
		}
	})
}

// A group forgets what has ended, soon, and knows all the others.
func TestGroupForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		var living []*conn.Conn
		for i := range 10_000 {
			c, peer := conn.Pipe(nil, nil)
			opened, err := g.Admit(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			opened(peer)
			if i%100 == 0 {
				living = append(living, c)
				go peer.Discard(t.Context())
				continue
			}
			_ = peer.CloseNow()
			_ = c.CloseNow()
		}
		if n := len(g.open); n < len(living) || n > 2*len(living)+fewMembers {
			t.Errorf("%d members, of which %d live", n, len(living))
		}
		for _, c := range living {
			go c.Discard(t.Context())
		}
		if got := <-drain(&g, 0, nil); got.report != (Report{Closed: len(living)}) || len(g.open) > 0 {
			t.Errorf("%+v, and %d members", got, len(g.open))
		}
	})
}

// A group does not keep connections in memory, and counts those that it has found lost in
// a drain.
func TestGroupKeepsNothing(t *testing.T) {
	var g Group
	opened, err := g.Admit(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		c, peer := conn.Pipe(nil, nil)
		opened(peer)
		_ = c.CloseNow()
		_ = peer.CloseNow()
	}()
	for m := range g.open {
		for m.Value() != nil {
			runtime.GC()
		}
	}
	if c := g.take(); c != nil || g.report.Left != 1 {
		t.Errorf("%v, %+v", c, g.report)
	}
}
