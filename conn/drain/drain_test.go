package drain

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
)

// everywhere runs a test in a bubble for each way to serve.
func everywhere(t *testing.T, f func(t *testing.T, door frontDoor)) {
	for name, door := range frontDoors {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, door) })
		})
	}
}

// Every connection is told, and Drain waits for all of them and for the server.
//
// RFC 6455, section 7.4.1 (7.4.1-03).
func TestDrain(t *testing.T) {
	everywhere(t, func(t *testing.T, door frontDoor) {
		var g Group
		s := start(t, &g, door, discard)
		for range 3 {
			c := s.mustDial()
			go func() {
				if code := closedWith(t, c); code != conn.StatusGoingAway {
					t.Errorf("a client was closed with %v", code)
				}
			}()
		}
		got := <-drain(&g, 0, &Options{Rate: -1, Shutdown: s.stop})
		if diff := cmp.Diff(Report{Closed: 3}, got.report); diff != "" || got.err != nil || got.took > time.Second {
			t.Errorf("%v after %v (-want +got):\n%s", got.err, got.took, diff)
		}
		select {
		case <-s.over:
		default:
			t.Error("the server goes on")
		}
	})
}

// However clients take it, they are counted.
func TestDrainCounts(t *testing.T) {
	deaf := func(*testing.T, *conn.Conn) {}
	for _, tc := range []struct {
		name   string
		client func(t *testing.T, c *conn.Conn) // when the drain has begun
		limit  time.Duration
		want   result
	}{
		{
			"it answers",
			func(t *testing.T, c *conn.Conn) { _ = c.Discard(t.Context()) }, 0,
			result{report: Report{Closed: 1}},
		},
		{
			"it answers late",
			func(t *testing.T, c *conn.Conn) { <-time.After(4 * time.Second); _ = c.Discard(t.Context()) }, 0,
			result{report: Report{Closed: 1}, took: 4 * time.Second},
		},
		{
			"it has closed too",
			func(t *testing.T, c *conn.Conn) { _ = c.Close(t.Context(), conn.StatusNormalClosure, "") }, 0,
			result{report: Report{Closed: 1}},
		},
		{
			"it does not answer",
			deaf, 0,
			result{report: Report{Cut: 1}, took: 5 * time.Second},
		},
		{
			"it does not answer while there is time",
			deaf, 2 * time.Second,
			result{report: Report{Cut: 1}, err: errTime, took: 2 * time.Second},
		},
		{
			"it vanishes",
			func(_ *testing.T, c *conn.Conn) { <-time.After(time.Second); _ = c.CloseNow() }, 0,
			result{report: Report{Failed: 1}, took: time.Second},
		},
		{
			"it breaks a rule",
			func(_ *testing.T, c *conn.Conn) { _, _ = c.NetConn().Write([]byte{0xFF, 0xFF}) }, 0,
			result{report: Report{Failed: 1}, took: 250 * time.Millisecond},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, door frontDoor) {
				var g Group
				s := start(t, &g, door, discard)
				c := s.mustDial()
				synctest.Wait()
				done := drain(&g, tc.limit, &Options{Rate: -1})
				synctest.Wait() // it was told
				go tc.client(t, c)
				got := <-done
				if got.report != tc.want.report || got.err != tc.want.err || got.took != tc.want.took {
					t.Errorf("%+v, want %+v", got, tc.want)
				}
			})
		})
	}
}

// Who leaves while others are told need not be told, and what has left before a drain
// began is not counted.
func TestDrainLeft(t *testing.T) {
	everywhere(t, func(t *testing.T, door frontDoor) {
		var g Group
		s := start(t, &g, door, discard)
		clients := make([]*conn.Conn, 4)
		for i := range clients {
			clients[i] = s.mustDial()
		}
		if err := clients[0].Close(t.Context(), conn.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		done := drain(&g, 0, &Options{Rate: 1})
		synctest.Wait() // nobody was told yet
		for _, c := range clients[1:] {
			if err := c.Close(t.Context(), conn.StatusNormalClosure, ""); err != nil {
				t.Error(err)
			}
		}
		// That nobody is left is found when the next one is due.
		if got := <-done; got.report != (Report{Left: 3}) || got.err != nil || got.took > 2*time.Second {
			t.Errorf("%+v", got)
		}
	})
}

// Messages that clients send before they answer arrive.
func TestDrainDelivers(t *testing.T) {
	everywhere(t, func(t *testing.T, door frontDoor) {
		var g Group
		var received []string
		over := make(chan struct{})
		s := start(t, &g, door, func(ctx context.Context, c *conn.Conn) error {
			defer close(over)
			for m, err := range c.Messages(ctx) {
				if err != nil {
					return err
				}
				received = append(received, string(m.Data))
			}
			return nil
		})
		c := s.mustDial()
		done := drain(&g, 0, &Options{Rate: -1})
		synctest.Wait()
		for _, m := range []string{"one", "two"} {
			<-time.After(time.Second)
			if err := c.Write(t.Context(), conn.Text, []byte(m)); err != nil {
				t.Error(err)
			}
		}
		if code := closedWith(t, c); code != conn.StatusGoingAway {
			t.Errorf("closed with %v", code)
		}
		<-over
		if got := <-done; got.report != (Report{Closed: 1}) || got.err != nil {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff([]string{"one", "two"}, received); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

// A function of Serve that is busy is waited for, as long as there is time.
func TestDrainServe(t *testing.T) {
	for _, tc := range []struct {
		name        string
		busy, limit time.Duration
		want        result
	}{
		{"it returns in time", 3 * time.Second, 0, result{report: Report{Closed: 1}, took: 3 * time.Second}},
		{"it has less time", 3 * time.Second, 2 * time.Second, result{report: Report{Cut: 1}, err: errTime, took: 2 * time.Second}},
		{"it does not return", 9 * time.Second, 0, result{report: Report{Cut: 1}, took: 5 * time.Second}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, door frontDoor) {
				var g Group
				s := start(t, &g, door, func(ctx context.Context, c *conn.Conn) error {
					return c.Serve(ctx, func(*conn.Replier, conn.Message) error {
						<-time.After(tc.busy)
						return nil
					})
				})
				c := s.mustDial()
				if err := c.Write(t.Context(), conn.Text, nil); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				done := drain(&g, tc.limit, &Options{Rate: -1})
				_ = c.Discard(t.Context())
				if got := <-done; got != tc.want {
					t.Errorf("%+v, want %+v", got, tc.want)
				}
				<-time.After(tc.busy)
			})
		})
	}
}

// The function that stops the server is called once, with the context of the drain, not
// before what was admitted has come, and its error is the drain's.
func TestDrainShutdown(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name    string
		pending time.Duration // until something comes of what was admitted
		limit   time.Duration
		err     error
		at      time.Duration // when Shutdown is called
		want    error
	}{
		{"at once", 0, 0, nil, 0, nil},
		{"its error", 0, 0, broken, 0, broken},
		{"what was admitted first", 3 * time.Second, 0, nil, 3 * time.Second, nil},
		{"the time is over", 3 * time.Second, time.Second, nil, time.Second, errTime},
		{"the time is over, and its error", 3 * time.Second, time.Second, broken, time.Second, broken},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g Group
				opened, err := g.Admit(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if tc.pending == 0 {
					opened(nil)
				} else {
					time.AfterFunc(tc.pending, func() { opened(nil) })
				}
				begun, calls := time.Now(), 0
				var at time.Duration
				got := <-drain(&g, tc.limit, &Options{Shutdown: func(context.Context) error {
					calls++
					at = time.Since(begun)
					return tc.err
				}})
				if calls != 1 || at != tc.at || got.err != tc.want {
					t.Errorf("%d calls, the last after %v; %+v", calls, at, got)
				}
				<-time.After(tc.pending)
			})
		})
	}
}

// A second call waits for the first and returns the same, or waits no longer than it may.
func TestDrainTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		_, peer := conn.Pipe(nil, nil)
		opened, _ := g.Admit(t.Context(), nil)
		opened(peer)
		go peer.Discard(t.Context())
		first := drain(&g, 0, nil)
		synctest.Wait()
		impatient := drain(&g, time.Second, nil)
		patient := drain(&g, 0, nil)
		if got, want := <-impatient, (result{err: errTime, took: time.Second}); got != want {
			t.Errorf("impatient: %+v", got)
		}
		one, other := <-first, <-patient
		if one.report != (Report{Cut: 1}) || one.report != other.report || one.err != nil || other.err != nil || one.took != other.took {
			t.Errorf("first: %+v, second: %+v", one, other)
		}
		for range 2 {
			if got := <-drain(&g, 0, nil); got.report != one.report || got.err != nil || got.took > 0 {
				t.Errorf("afterwards: %+v", got)
			}
			if opened, err := g.Admit(t.Context(), nil); opened != nil || !refused(err) {
				t.Errorf("afterwards admitted: %v", err)
			}
		}
	})
}

// Clients that come and go while a drain begins are either refused or counted.
func TestDrainStress(t *testing.T) {
	everywhere(t, func(t *testing.T, door frontDoor) {
		var g Group
		s := start(t, &g, door, discard)
		var clients sync.WaitGroup
		var mu sync.Mutex
		accepted, turnedAway := 0, 0
		for i := range 200 {
			clients.Go(func() {
				<-time.After(time.Duration(i%20) * time.Millisecond)
				c, err := s.dial()
				mu.Lock()
				if err == nil {
					accepted++
				} else {
					turnedAway++
				}
				mu.Unlock()
				if err != nil {
					if !refused(err) {
						t.Error(err)
					}
					return
				}
				if code := closedWith(t, c); code != conn.StatusGoingAway {
					t.Errorf("closed with %v", code)
				}
			})
		}
		<-time.After(10 * time.Millisecond)
		got := <-drain(&g, 0, nil)
		clients.Wait()
		if got.report != (Report{Closed: accepted}) || accepted == 0 || turnedAway == 0 {
			t.Errorf("%d accepted, %d refused: %+v", accepted, turnedAway, got)
		}
	})
}
