package conn

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/internal/pipe"
)

// whoAndWhy reads the error of Closed as its documentation says.
func whoAndWhy(err error) string {
	if _, ok := errors.AsType[*FailError](err); ok {
		return "we: a rule was broken"
	}
	ce, closed := errors.AsType[*CloseError](err)
	switch {
	case closed && ce.Answer:
		return "we: Close was answered"
	case closed && ce.Err != nil:
		return "nobody: lost"
	case closed:
		return "the peer: closed"
	case errors.Is(err, ErrKeepAlive):
		return "we: no life"
	case errors.Is(err, ErrIdleTimeout):
		return "we: no message"
	case errors.Is(err, ErrWriteTimeout):
		return "we: takes nothing"
	case errors.Is(err, ErrPostLimit):
		return "we: does not keep up"
	case errors.Is(err, context.Canceled):
		return "we: cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "we: too late"
	}
	return "we: another reason"
}

// ends are the ways in which a connection can end: one for each line in the documentation
// of Closed, and more.
var ends = []struct {
	name, want string
	end        func(t *testing.T, c *Conn, p *rawPeer)
}{
	{"violation", "we: a rule was broken", func(_ *testing.T, c *Conn, p *rawPeer) {
		p.send(wireFrame{Op: frame.Text, Fin: true, RSV: frame.RSV3, Body: "x"})
		_ = readError(c, background)()
	}},
	{"violation after our Close", "we: a rule was broken", func(_ *testing.T, c *Conn, p *rawPeer) {
		closed := goClose(c, background)
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.send(textFrame("\xff"))
		<-closed
	}},
	{"our Close", "we: Close was answered", func(_ *testing.T, c *Conn, p *rawPeer) {
		closed := goClose(c, background)
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		<-closed
	}},
	{"lost", "nobody: lost", func(_ *testing.T, c *Conn, p *rawPeer) {
		_ = p.nc.Close()
		_ = readError(c, background)()
	}},
	{"lost after our Close", "nobody: lost", func(_ *testing.T, c *Conn, p *rawPeer) {
		closed := goClose(c, background)
		p.expect(closeFrame(StatusNormalClosure, ""))
		_ = p.nc.Close()
		<-closed
	}},
	{"the peer's Close", "the peer: closed", func(_ *testing.T, c *Conn, p *rawPeer) {
		p.send(closeFrame(StatusGoingAway, "bye"))
		p.closeWrite()
		_ = readError(c, background)()
	}},
	{"the peer's Close, and ours after it", "the peer: closed", func(_ *testing.T, c *Conn, p *rawPeer) {
		p.send(closeFrame(StatusGoingAway, "bye"))
		p.closeWrite()
		_ = readError(c, background)()
		_ = c.Close(background, StatusNormalClosure, "")
	}},
	{"no life", "we: no life", func(_ *testing.T, c *Conn, _ *rawPeer) { _ = readError(c, background)() }},
	{"no message", "we: no message", func(_ *testing.T, c *Conn, p *rawPeer) {
		read := async(readError(c, background))
		answerPings(p)
		_ = p.nc.Close()
		<-read
	}},
	{"takes nothing", "we: takes nothing", func(_ *testing.T, c *Conn, _ *rawPeer) {
		_ = c.Write(background, Binary, make([]byte, 10*maxPut))
	}},
	{"does not keep up", "we: does not keep up", func(t *testing.T, c *Conn, _ *rawPeer) {
		for m := prepared(t, strings.Repeat("x", 100_000)); c.Post(m) == nil; {
		}
	}},
	{"context in a Write", "we: cancelled", func(_ *testing.T, c *Conn, _ *rawPeer) {
		ctx, cancel := context.WithCancel(background)
		written := async(func() error { return c.Write(ctx, Binary, make([]byte, 10*maxPut)) })
		synctest.Wait()
		cancel()
		<-written
	}},
	{"context in a Close", "we: cancelled", func(_ *testing.T, c *Conn, _ *rawPeer) {
		ctx, cancel := context.WithCancel(background)
		closed := goClose(c, ctx)
		synctest.Wait()
		cancel()
		<-closed
	}},
	{"Close that is not answered", "we: too late", func(_ *testing.T, c *Conn, _ *rawPeer) {
		_ = c.Close(background, StatusNormalClosure, "")
	}},
	{"CloseNow", "we: another reason", func(_ *testing.T, c *Conn, _ *rawPeer) { _ = c.CloseNow() }},
	{"a message that cannot be completed", "we: another reason", func(t *testing.T, c *Conn, _ *rawPeer) {
		w := mustWriter(t, c, background, Text)
		mustWriteString(t, w, strings.Repeat("x", 10_000))
		_, _ = io.WriteString(w, "\xff")
	}},
}

// Closed says who has ended the connection and why, once and at last; Failed comes before
// it, with the same error.
func TestHooksClosed(t *testing.T) {
	for _, tc := range ends {
		t.Run(tc.name, func(t *testing.T) {
			var l hookLog
			rawTest(t, &Options{Hooks: l.hooks(), PostOverflow: OverflowClose, IdleTimeout: time.Hour}, func(t *testing.T, c *Conn, p *rawPeer) {
				l.events = nil // of the other role; Opened is seen elsewhere
				tc.end(t, c, p)
				_ = p.nc.Close()
				<-c.ended()
				synctest.Wait()
				_ = c.CloseNow()
				if got := whoAndWhy(l.closed); got != tc.want {
					t.Errorf("%v: %s, want %s", l.closed, got, tc.want)
				}
				if want := context.Cause(c.Context()); l.closed != want {
					t.Errorf("error %v, want that of the connection, %v", l.closed, want)
				}
				want := []string{"closed"}
				if fe, ok := errors.AsType[*FailError](l.closed); ok {
					want = []string{"failed", "closed"}
					if l.failed != fe {
						t.Errorf("failed: %v, closed: %v", l.failed, fe)
					}
				}
				got := slices.DeleteFunc(l.events, func(s string) bool { return s == "pong" })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// slowToClose is a stream that takes its time to close.
type slowToClose struct {
	net.Conn
	closed atomic.Bool
}

func (s *slowToClose) Close() error {
	<-time.After(time.Second)
	s.closed.Store(true)
	return s.Conn.Close()
}

// Closed comes when the stream was closed and Context has ended, also if another function
// has returned in between.
func TestHooksClosedAfterTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(0)
		defer b.Close()
		nc, closed := &slowToClose{Conn: a}, 0
		c := New(nc, Start{Role: Server}, &Options{Hooks: &Hooks{
			Received: func(*Conn, Traffic) { <-time.After(time.Minute) },
			Closed: func(c *Conn, _ error) {
				if closed++; !nc.closed.Load() || c.Context().Err() == nil {
					t.Errorf("the stream was closed: %v, Context: %v", nc.closed.Load(), c.Context().Err())
				}
			},
		}})
		newRawPeer(t, Client, b).send(textFrame("x"))
		read := async(readError(c, background))
		<-time.After(time.Minute - time.Second/2)
		_ = c.CloseNow()
		must(t, <-read)
		synctest.Wait()
		if closed != 1 {
			t.Errorf("Closed was called %d times", closed)
		}
	})
}

// Failed comes when the failure is known, while the stream still waits for the peer.
func TestHooksFailedAtOnce(t *testing.T) {
	var failed, closed time.Time
	rawTest(t, &Options{Hooks: &Hooks{
		Failed: func(*Conn, *FailError) { failed = time.Now() },
		Closed: func(*Conn, error) { closed = time.Now() },
	}}, func(t *testing.T, c *Conn, p *rawPeer) {
		start := time.Now()
		p.send(textFrame("\xff"))
		_ = readError(c, background)()
		if failed != start || closed != start.Add(failTime) {
			t.Errorf("failed after %v, closed after %v, want 0 and %v", failed.Sub(start), closed.Sub(start), failTime)
		}
	})
}

// A connection that New ends at once was opened before.
func TestHooksOfNew(t *testing.T) {
	var l hookLog
	c := New(newScript(), Start{Extensions: []handshake.Extension{{Name: "x-unheard-of"}}}, &Options{Hooks: l.hooks()})
	if diff := cmp.Diff([]string{"opened", "closed"}, l.events); diff != "" {
		t.Error(diff)
	}
	if l.closed == nil || l.closed != c.terminal() {
		t.Errorf("error %v", l.closed)
	}
}

// Pong tells of every Ping that was answered, keepalive's too. Several that one Pong answers
// have times of their own.
func TestHooksPong(t *testing.T) {
	var l hookLog
	rawTest(t, &Options{Hooks: l.hooks(), KeepAlive: time.Minute}, func(t *testing.T, c *Conn, p *rawPeer) {
		l.rtts = nil
		read := async(readError(c, background))
		first := goPing(c, background)
		nextPing(t, p)
		<-time.After(time.Second)
		second := goPing(c, background)
		pong := nextPing(t, p)
		<-time.After(time.Second)
		p.send(pongFrame("unasked"), pong, pong)
		mustPing(t, first, 2*time.Second)
		mustPing(t, second, time.Second)
		for range 2 { // keepalive
			pong = nextPing(t, p)
			<-time.After(3 * time.Second)
			p.send(pong, pong)
		}
		synctest.Wait()
		if diff := cmp.Diff([]time.Duration{2 * time.Second, time.Second, 3 * time.Second, 3 * time.Second}, l.rtts); diff != "" {
			t.Error(diff)
		}
		_ = c.CloseNow()
		<-read
	})
}

// From every function Post and CloseNow may be called. What was posted leaves, and Closed is
// the last, also if another function ends the connection.
func TestHooksMayCall(t *testing.T) {
	hello := prepared(t, "hello")
	for _, at := range []string{"opened", "received", "sent", "pong", "failed", "closed"} {
		for name, call := range map[string]func(c *Conn){
			"Post":     func(c *Conn) { _ = c.Post(hello) },
			"CloseNow": func(c *Conn) { _ = c.CloseNow() },
		} {
			t.Run(at+"/"+name, func(t *testing.T) {
				var events []string
				var mu sync.Mutex
				note := func(c *Conn, event string) {
					mu.Lock()
					first := len(events) == 0 || events[len(events)-1] != event
					events = append(events, event)
					mu.Unlock()
					if event == at && first {
						call(c)
					}
				}
				rawTest(t, &Options{Hooks: &Hooks{
					Opened:   func(c *Conn) { note(c, "opened") },
					Closed:   func(c *Conn, _ error) { note(c, "closed") },
					Received: func(c *Conn, _ Traffic) { note(c, "received") },
					Sent:     func(c *Conn, _ Traffic) { note(c, "sent") },
					Pong:     func(c *Conn, _ time.Duration) { note(c, "pong") },
					Failed:   func(c *Conn, _ *FailError) { note(c, "failed") },
				}}, func(t *testing.T, c *Conn, p *rawPeer) {
					peer := async(func() (hellos int) {
						for {
							switch f, err := p.next(); {
							case err != nil:
								_ = p.nc.Close()
								return hellos
							case f.Op == frame.Ping:
								for _, f := range []wireFrame{pongFrame(f.Body), textFrame("a"), textFrame("\xff")} {
									_, _ = p.nc.Write(wire(p.role, f))
									<-time.After(time.Second)
								}
							case f.Body == "hello":
								hellos++
							}
						}
					})
					_ = c.Write(background, Text, []byte("a"))
					read := async(func() error { _ = readError(c, background)(); return readError(c, background)() })
					_, _ = c.Ping(background)
					<-read
					<-c.ended()
					synctest.Wait()
					if n := <-peer; name == "Post" && at != "failed" && at != "closed" && n == 0 {
						t.Error("what was posted has not left")
					}
					mu.Lock()
					defer mu.Unlock()
					if events[0] != "opened" || events[len(events)-1] != "closed" {
						t.Errorf("order: %v", events)
					}
					events = nil
				})
			})
		}
	}
}

// A function that panics ends the connection, whatever its goroutine holds, and the panic
// goes on to the caller.
func TestHooksPanic(t *testing.T) {
	boom := func() { panic("boom") }
	for name, tc := range map[string]struct {
		h  Hooks
		do func(c *Conn, p *rawPeer)
	}{
		"Received": {Hooks{Received: func(*Conn, Traffic) { boom() }}, func(c *Conn, p *rawPeer) {
			p.send(textFrame("x"))
			_ = readError(c, background)()
		}},
		"Received, fragmented": {Hooks{Received: func(*Conn, Traffic) { boom() }}, func(c *Conn, p *rawPeer) {
			p.send(part(frame.Text, false, "x"), part(frame.Continuation, true, "y"))
			_ = c.Serve(background, echoing)
		}},
		"Sent": {Hooks{Sent: func(*Conn, Traffic) { boom() }}, func(c *Conn, _ *rawPeer) {
			_ = c.Write(background, Text, nil)
		}},
		"Sent, of a reply": {Hooks{Sent: func(*Conn, Traffic) { boom() }}, func(c *Conn, p *rawPeer) {
			p.send(textFrame("x"))
			_ = c.Serve(background, echoing)
		}},
		"Failed": {Hooks{Failed: func(*Conn, *FailError) { boom() }}, func(c *Conn, p *rawPeer) {
			p.send(textFrame("\xff"))
			_ = readError(c, background)()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var closed atomic.Int32
			tc.h.Closed = func(*Conn, error) { closed.Add(1) }
			rawTest(t, &Options{Hooks: &tc.h}, func(t *testing.T, c *Conn, p *rawPeer) {
				closed.Store(0)
				func() {
					defer func() {
						if v := recover(); v != "boom" {
							t.Errorf("panic: %v, want boom", v)
						}
					}()
					tc.do(c, p)
				}()
				for range 2 {
					if tc.h.Failed == nil {
						mustBe(t, c.Write(background, Text, nil), errHook, net.ErrClosed)
						mustBe(t, readError(c, background)(), errHook)
					}
					if c.Close(background, StatusNormalClosure, "") == nil || closed.Load() != 1 {
						t.Errorf("closed %d times", closed.Load())
					}
				}
			})
		})
	}
}

// With Hooks nothing is allocated for a message either.
func TestHooksAllocateNothing(t *testing.T) {
	var traffic atomic.Int64
	count := func(_ *Conn, m Traffic) { traffic.Add(m.Wire) }
	o := &Options{Hooks: &Hooks{Received: count, Sent: count, Closed: func(*Conn, error) {}}}
	for _, stream := range streams {
		if stream.name == "TLS" {
			continue // allocates for each record
		}
		t.Run(stream.name, func(t *testing.T) {
			a, b := stream.pair(t)
			c, p := New(a, Start{Role: Server}, o), New(b, Start{Role: Client}, o)
			if stream.prepare != nil {
				stream.prepare(c)
			}
			serving := async(func() error { return c.Serve(t.Context(), echoing) })
			message, buf := []byte(strings.Repeat("x", 1000)), make([]byte, 0, 1000)
			if n := allocs(t, func() {
				must(t, p.Write(background, Binary, message))
				_, _, err := p.ReadAppend(background, buf)
				must(t, err)
			}); n != 0 {
				t.Errorf("%v allocations", n)
			}
			must(t, c.CloseNow())
			mustReturn(t, "Serve", serving)
			must(t, p.CloseNow())
		})
	}
}

// Whatever several goroutines do, and whenever the connection ends: Opened is first, Closed
// is last and comes once, and of each kind one function runs at a time.
func TestHooksOrder(t *testing.T) {
	for i := range 30 {
		var opened, receiving, sending, closed, left atomic.Int32
		left.Store(1 + rand.Int32N(50)) // until the connection is cut
		cutNow, over := make(chan struct{}), make(chan struct{})
		one := func(n *atomic.Int32) {
			if n.Add(1) != 1 || opened.Load() != 1 || closed.Load() != 0 {
				t.Errorf("%d at a time, after Opened %d, after Closed %d", n.Load(), opened.Load(), closed.Load())
			}
			if left.Add(-1) == 0 {
				close(cutNow)
			}
			runtime.Gosched()
			n.Add(-1)
		}
		o := Options{Hooks: &Hooks{
			Opened:   func(*Conn) { opened.Add(1) },
			Closed:   func(*Conn, error) { one(&receiving); one(&sending); closed.Add(1); close(over) },
			Received: func(*Conn, Traffic) { one(&receiving) },
			Sent:     func(*Conn, Traffic) { one(&sending) },
			Pong:     func(*Conn, time.Duration) { one(&receiving) },
		}}
		nc, np := tcpPair(t)
		c, p := New(nc, Start{Role: Server}, &o), New(np, Start{Role: Client}, nil)
		hello := prepared(t, "hello")
		var group sync.WaitGroup
		for _, f := range []func() error{
			func() error { return c.Serve(background, echoing) },
			func() error { return p.Discard(background) },
			func() error { return errors.Join(c.Post(hello), c.Post(hello), c.Write(background, Text, nil)) },
			func() error { return p.Write(background, Text, []byte("y")) },
			func() error { _, err := c.Ping(background); return err },
		} {
			group.Go(func() {
				for f() == nil {
				}
			})
		}
		mustReturn(t, "the traffic", cutNow)
		if i%8 == 0 {
			must(t, p.CloseNow())
		} else {
			must(t, c.CloseNow())
		}
		group.Wait()
		_ = p.CloseNow()
		mustReturn(t, "Closed", over)
	}
}
