package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
)

// waysToEnd read until the connection ends, and return the error.
var waysToEnd = map[string]func(c *Conn, ctx context.Context) error{
	"Read": func(c *Conn, ctx context.Context) error {
		for {
			if _, _, err := c.Read(ctx); err != nil {
				return err
			}
		}
	},
	"Reader": func(c *Conn, ctx context.Context) error {
		for {
			_, r, err := c.Reader(ctx)
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if err != nil {
				return err
			}
		}
	},
	"Serve": func(c *Conn, ctx context.Context) error {
		return c.Serve(ctx, func(*Replier, Message) error { return nil })
	},
	"Discard": func(c *Conn, ctx context.Context) error { return c.Discard(ctx) },
}

// An hour without a message ends the connection, whoever reads; what keepalive, or both
// sides, do with Pings changes nothing. By default nothing ends it.
func TestIdleTimeout(t *testing.T) {
	pinging := func(c *Conn, p *rawPeer) {
		for c.terminal() == nil {
			if _, err := c.Ping(background); err != nil {
				return
			}
			_, _ = p.nc.Write(wire(p.role, pingFrame("x"), pongFrame("y")))
			time.Sleep(7 * time.Second)
		}
	}
	for _, tc := range []struct {
		name string
		o    Options
		busy func(c *Conn, p *rawPeer)
		want bool
	}{
		{"silence", Options{IdleTimeout: time.Hour, KeepAlive: -1}, nil, true},
		{"keepalive", Options{IdleTimeout: time.Hour}, nil, true},
		{"frequent keepalive", Options{IdleTimeout: time.Hour, KeepAlive: time.Second}, nil, true},
		{"Pings of both sides", Options{IdleTimeout: time.Hour}, pinging, true},
		{"default", Options{}, pinging, false},
		{"off", Options{IdleTimeout: -1, KeepAlive: -1}, nil, false},
	} {
		for name, read := range waysToEnd {
			t.Run(tc.name+"/"+name, func(t *testing.T) {
				rawTest(t, &tc.o, func(t *testing.T, c *Conn, p *rawPeer) {
					start := time.Now()
					done := async(func() error { return read(c, background) })
					if tc.busy != nil {
						var busy sync.WaitGroup
						busy.Go(func() { tc.busy(c, p) })
						defer busy.Wait()
						defer c.CloseNow()
					}
					if !tc.want {
						go answerPings(p)
						time.Sleep(24 * time.Hour)
						mustWait(t, done)
						_ = c.CloseNow()
						<-done
						return
					}
					last, at := answerPings(p)
					if diff := cmp.Diff(closeFrame(StatusGoingAway, "idle timeout"), last); diff != "" {
						t.Errorf("the last frame (-want +got):\n%s", diff)
					}
					if took := at.Sub(start); took != time.Hour {
						t.Errorf("it came after %v", took)
					}
					p.expectEnd()
					_ = p.nc.Close()
					err := <-done
					mustBe(t, err, ErrIdleTimeout, net.ErrClosed)
					if !isTimeout(err) {
						t.Errorf("%v is not a timeout", err)
					}
					mustBe(t, context.Cause(c.Context()), ErrIdleTimeout)
					mustBe(t, c.Write(background, Text, nil), ErrIdleTimeout, net.ErrClosed)
				})
			})
		}
	}
}

// noFrame stands for the end of the stream.
const noFrame frame.Opcode = 15

// answerPings answers Pings, and returns the first other frame and when it came.
func answerPings(p *rawPeer) (wireFrame, time.Time) {
	for {
		f, err := p.next()
		switch {
		case err != nil:
			return wireFrame{Op: noFrame}, time.Now()
		case f.Op == frame.Ping:
			_, _ = p.nc.Write(wire(p.role, pongFrame(f.Body)))
		case f.Op != frame.Pong:
			return f, time.Now()
		}
	}
}

// Control frames that come in pieces, byte for byte, are no sign of a message.
func TestIdleTimeoutOfPieces(t *testing.T) {
	for name, read := range waysToEnd {
		t.Run(name, func(t *testing.T) {
			rawTest(t, &Options{IdleTimeout: time.Minute, KeepAlive: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
				start := time.Now()
				done := async(func() error { return read(c, background) })
				go answerPings(p)
				sent := async(func() error {
					b := wire(p.role, pongFrame("in pieces"), pingFrame(""))
					for i := 0; c.terminal() == nil && time.Since(start) < time.Hour; i++ {
						if _, err := p.nc.Write(b[i%len(b):][:1]); err != nil {
							return err
						}
						time.Sleep(time.Second)
					}
					return nil
				})
				mustBe(t, <-done, ErrIdleTimeout)
				if took := time.Since(start); took > time.Minute+time.Second {
					t.Errorf("the connection was closed after %v", took)
				}
				must(t, <-sent)
				_ = p.nc.Close()
			})
		})
	}
}

// What comes or goes of a message has the clock begin anew, at that moment.
func TestIdleTimeoutSignsOfLife(t *testing.T) {
	var w io.WriteCloser
	for _, tc := range []struct {
		name string
		life func(t *testing.T, c *Conn, p *rawPeer, n int)
	}{
		{"message", func(_ *testing.T, _ *Conn, p *rawPeer, _ int) { p.send(textFrame("x")) }},
		{"message and Pong", func(_ *testing.T, _ *Conn, p *rawPeer, _ int) { p.send(textFrame(""), pongFrame("x")) }},
		{"Pong and message", func(_ *testing.T, _ *Conn, p *rawPeer, _ int) { p.send(pongFrame("x"), textFrame("")) }},
		{"bytes of a payload", func(_ *testing.T, _ *Conn, p *rawPeer, n int) {
			p.sendBytes(wire(p.role, binaryFrame(large))[n*1000 : (n+1)*1000])
		}},
		{"fragments", func(_ *testing.T, _ *Conn, p *rawPeer, n int) {
			p.send(part([]frame.Opcode{frame.Text, frame.Continuation}[n], false, "x"))
		}},
		{"own message", func(t *testing.T, c *Conn, _ *rawPeer, _ int) { must(t, c.Write(background, Text, nil)) }},
		{"own large message", func(t *testing.T, c *Conn, _ *rawPeer, _ int) {
			must(t, c.Write(background, Text, []byte(strings.Repeat(large, 10))))
		}},
		{"own message and Ping", func(t *testing.T, c *Conn, _ *rawPeer, _ int) {
			must(t, c.Write(background, Text, nil))
			go c.Ping(background)
		}},
		{"posted message", func(t *testing.T, c *Conn, _ *rawPeer, _ int) { must(t, c.Post(prepared(t, "x"))) }},
		{"own fragments", func(t *testing.T, c *Conn, _ *rawPeer, n int) {
			var err error
			if n == 0 {
				w, err = c.Writer(background, Binary)
				must(t, err)
			}
			_, err = w.Write(make([]byte, 5000))
			must(t, err)
		}},
	} {
		for name, read := range waysToEnd {
			t.Run(tc.name+"/"+name, func(t *testing.T) {
				rawTest(t, &Options{IdleTimeout: time.Minute, KeepAlive: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
					start := time.Now()
					done := async(func() error { return read(c, background) })
					ended := async(func() time.Time {
						for {
							if f, at := answerPings(p); f.Op == frame.Close || f.Op == noFrame {
								return at
							}
						}
					})
					time.Sleep(50 * time.Second)
					tc.life(t, c, p, 0)
					time.Sleep(59 * time.Second)
					tc.life(t, c, p, 1)
					if took := (<-ended).Sub(start); took != 50*time.Second+59*time.Second+time.Minute {
						t.Errorf("the connection was closed after %v", took)
					}
					_ = p.nc.Close()
					mustBe(t, <-done, ErrIdleTimeout)
				})
			})
		}
	}
}

// A connection that is busy receiving one large message, byte for byte, is neither silent nor
// idle, and nor is one that is sending it to a peer who takes his time.
func TestLargeMessageIsLife(t *testing.T) {
	for option, o := range map[string]*Options{
		"KeepAlive":   {KeepAlive: 5 * time.Second},
		"IdleTimeout": {KeepAlive: -1, IdleTimeout: 5 * time.Second},
		"both":        {KeepAlive: 5 * time.Second, IdleTimeout: 5 * time.Second},
	} {
		for name, read := range waysToEnd {
			t.Run(option+"/receiving/"+name, func(t *testing.T) {
				rawTest(t, o, func(t *testing.T, c *Conn, p *rawPeer) {
					done := async(func() error { return read(c, background) })
					go answerPings(p)
					b := wire(p.role, binaryFrame(strings.Repeat("x", 20_000)))
					for len(b) > 0 {
						n := min(len(b), 200)
						p.sendBytes(b[:n])
						b = b[n:]
						time.Sleep(4900 * time.Millisecond)
						mustWait(t, done)
					}
					_ = c.CloseNow()
					<-done
				})
			})
		}
		t.Run(option+"/sending", func(t *testing.T) {
			rawTestSize(t, o, 4096, func(t *testing.T, c *Conn, p *rawPeer) {
				const size = 5 * maxPut
				read := async(func() error { return c.Discard(background) })
				slow := &slowConn{Conn: p.nc, most: 8192, pause: time.Second}
				if o.KeepAlive > 0 {
					slow.pause = time.Second / 5 // keepalive sees pieces
				}
				p.nc = slow
				written := async(func() error { return c.Write(background, Binary, make([]byte, size)) })
				n := 0
				for n < size {
					f, err := p.next()
					must(t, err)
					if f.Op == frame.Ping {
						p.send(pongFrame(f.Body))
						continue
					}
					n += len(f.Body)
				}
				must(t, <-written)
				mustWait(t, read)
				_ = c.CloseNow()
				<-read
			})
		})
	}
}

// The clock runs while a read waits, and only then; one that comes soon after another was
// cancelled goes on.
func TestIdleTimeoutRunsWhileReadsWait(t *testing.T) {
	poll := func(c *Conn, times int, each time.Duration) (err error) {
		for range times {
			ctx, cancel := context.WithTimeout(background, each)
			_, _, err = c.Read(ctx)
			cancel()
			if c.terminal() != nil {
				break
			}
		}
		return err
	}
	for _, tc := range []struct {
		name string
		do   func(t *testing.T, c *Conn, p *rawPeer)
		want time.Duration // when the connection ends; 0: it does not
	}{
		{"no read", func(_ *testing.T, _ *Conn, _ *rawPeer) { time.Sleep(24 * time.Hour) }, 0},
		{"polls of 20 s", func(t *testing.T, c *Conn, _ *rawPeer) {
			mustBe(t, poll(c, 10, 20*time.Second), ErrIdleTimeout)
		}, time.Minute},
		{"polls of 1 s", func(t *testing.T, c *Conn, _ *rawPeer) {
			mustBe(t, poll(c, 100, time.Second), ErrIdleTimeout)
		}, time.Minute},
		{"polls of 0.4 s", func(t *testing.T, c *Conn, _ *rawPeer) {
			mustBe(t, poll(c, 1000, 400*time.Millisecond), ErrIdleTimeout)
		}, time.Minute},
		{"pauses between reads", func(t *testing.T, c *Conn, _ *rawPeer) {
			mustBe(t, poll(c, 1, 20*time.Second), context.DeadlineExceeded)
			time.Sleep(time.Hour)
			mustBe(t, poll(c, 1, 20*time.Second), context.DeadlineExceeded)
			time.Sleep(time.Hour)
			mustBe(t, poll(c, 1, time.Hour), ErrIdleTimeout)
		}, 2*time.Hour + time.Minute},
		{"a message in the pause", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 1, 59*time.Second), context.DeadlineExceeded)
			p.send(textFrame("x"))
			time.Sleep(time.Hour)
			must(t, poll(c, 1, time.Second))
			mustBe(t, poll(c, 1, time.Hour), ErrIdleTimeout)
		}, time.Hour + 2*time.Minute - time.Second},
		{"a message in the pause, and hardly any time left", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 1, time.Minute-1), context.DeadlineExceeded)
			p.send(textFrame("x"))
			time.Sleep(time.Hour)
			must(t, poll(c, 1, time.Hour))
			time.Sleep(time.Hour)
			mustBe(t, poll(c, 1, time.Hour), ErrIdleTimeout)
		}, 2*time.Hour + 2*time.Minute - 1},
		{"own message in the pause", func(t *testing.T, c *Conn, _ *rawPeer) {
			mustBe(t, poll(c, 1, 59*time.Second), context.DeadlineExceeded)
			must(t, c.Write(background, Text, nil))
			time.Sleep(time.Hour)
			mustBe(t, poll(c, 1, time.Hour), ErrIdleTimeout)
		}, time.Hour + 2*time.Minute - time.Second},
		{"a long answer to a message", func(t *testing.T, c *Conn, p *rawPeer) {
			p.send(textFrame("x"))
			mustBe(t, c.Serve(background, func(r *Replier, _ Message) error {
				time.Sleep(time.Hour)
				return r.Write(Text, []byte("y"))
			}), ErrIdleTimeout)
		}, time.Hour + time.Minute},
		{"a Ping before the pause", func(t *testing.T, c *Conn, _ *rawPeer) {
			mustBe(t, poll(c, 1, 50*time.Second), context.DeadlineExceeded)
			if _, err := c.Ping(background); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour)
			mustBe(t, poll(c, 1, 9*time.Second), context.DeadlineExceeded)
			mustBe(t, poll(c, 1, time.Hour), ErrIdleTimeout)
		}, time.Hour + time.Minute},
		{"half a message in the pause", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 1, 50*time.Second), context.DeadlineExceeded)
			p.send(part(frame.Text, false, "x"))
			mustBe(t, poll(c, 1, 50*time.Second), context.DeadlineExceeded)
			time.Sleep(time.Hour)
			mustBe(t, poll(c, 1, time.Hour), ErrIdleTimeout)
		}, time.Hour + 110*time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, &Options{KeepAlive: -1, IdleTimeout: time.Minute}, func(t *testing.T, c *Conn, p *rawPeer) {
				start := time.Now()
				ended := async(func() time.Time {
					for {
						f, at := answerPings(p)
						if f.Op == frame.Close {
							_ = p.nc.Close()
						}
						if f.Op == frame.Close || f.Op == noFrame {
							return at
						}
					}
				})
				tc.do(t, c, p)
				if over := c.terminal() != nil; over != (tc.want != 0) {
					t.Errorf("the connection has ended: %v", over)
				}
				_ = c.CloseNow()
				if took := (<-ended).Sub(start); tc.want != 0 && took != tc.want {
					t.Errorf("it was closed after %v, want %v", took, tc.want)
				}
			})
		})
	}
}

// While the connection is closing, Close has a clock of its own.
func TestIdleTimeoutWhileClosing(t *testing.T) {
	rawTest(t, &Options{KeepAlive: -1, IdleTimeout: time.Second}, func(t *testing.T, c *Conn, p *rawPeer) {
		read := async(readError(c, background))
		mustBe(t, c.Close(background, StatusNormalClosure, ""), errCloseTime)
		mustBe(t, <-read, errCloseTime)
	})
}

// A peer that takes nothing, not even the Close frame, is not waited for.
func TestIdleTimeoutOfStuckPeer(t *testing.T) {
	rawTestSize(t, &Options{KeepAlive: -1, IdleTimeout: time.Minute}, 3, func(t *testing.T, c *Conn, _ *rawPeer) {
		start := time.Now()
		mustBe(t, readError(c, background)(), ErrIdleTimeout)
		if took := time.Since(start); took < time.Minute || took > time.Minute+2*failTime {
			t.Errorf("took %v", took)
		}
	})
}

// A busy connection leaves its deadline be, and allocates nothing for it.
func TestIdleTimeoutSetsFewDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(0)
		defer b.Close()
		nc := &countingConn{Conn: a}
		c := New(nc, Start{Role: Server}, &Options{IdleTimeout: 30 * time.Second})
		defer c.CloseNow()
		p := newRawPeer(t, Client, b)
		for range 1000 {
			time.Sleep(100 * time.Millisecond)
			p.send(textFrame("x"))
			must(t, readError(c, background)())
		}
		if n := nc.deadlines.Load(); n < 1 || n > 5 {
			t.Errorf("%d deadlines in 100 s, want one every 30 s", n)
		}
		mustBe(t, readError(c, background)(), ErrIdleTimeout)
	})
}

// Over TCP the clock is the same, inside the loop of Serve, in a lull and outside.
func TestIdleTimeoutOverTCP(t *testing.T) {
	const timeout = 1100 * time.Millisecond // more than minLook
	for name, read := range waysToEnd {
		for i := range 4 {
			messages, keepAlive := i%2*3, []time.Duration{-1, timeout / 2}[i/2] // only the first has a lull
			t.Run(fmt.Sprintf("%s, %d messages, KeepAlive %v", name, messages, keepAlive), func(t *testing.T) {
				t.Parallel()
				a, b := tcpPair(t)
				c := New(a, Start{Role: Server}, &Options{IdleTimeout: timeout, KeepAlive: keepAlive})
				peer := New(b, Start{Role: Client}, nil)
				defer c.CloseNow()
				defer peer.CloseNow()
				start := time.Now()
				done := async(func() error { return read(c, background) })
				seen := async(func() error { return peer.Discard(background) })
				tick := time.NewTicker(timeout / 4)
				defer tick.Stop()
				for range messages {
					<-tick.C
					start = time.Now()
					must(t, peer.Write(background, Text, []byte("x")))
				}
				mustBe(t, <-done, ErrIdleTimeout)
				if took := time.Since(start); took < timeout {
					t.Errorf("took %v", took)
				}
				ce, ok := errors.AsType[*CloseError](<-seen)
				if !ok || ce.Code != StatusGoingAway || ce.Reason != "idle timeout" {
					t.Errorf("the peer sees %v", ce)
				}
			})
		}
	}
}

// It costs no allocation.
func TestIdleTimeoutAllocatesNothing(t *testing.T) {
	a, b := tcpPair(t)
	c, peer := New(a, Start{Role: Server}, &Options{IdleTimeout: time.Hour}), New(b, Start{Role: Client}, nil)
	t.Cleanup(func() { _, _ = c.CloseNow(), peer.CloseNow() })
	buf, m := make([]byte, 0, 100), []byte("message")
	echo := func() {
		must(t, peer.Write(background, Text, m))
		typ, p, err := c.ReadAppend(background, buf)
		must(t, err)
		must(t, c.Write(background, typ, p))
		_, _, err = peer.ReadAppend(background, buf)
		must(t, err)
	}
	echo()
	if n := allocs(t, echo); n != 0 {
		t.Errorf("an echo allocates %v times", n)
	}
}

// The connections of one server have the same settings, but each a clock of its own.
func TestIdleTimeoutOfOneServer(t *testing.T) {
	opts := (&Options{IdleTimeout: time.Hour}).withDefaults()
	seen := map[*idleness]bool{}
	for range 3 {
		c := newConn(background, newScript(), &Start{Role: Server}, nil, &opts)
		seen[c.settings.idle] = true
		_ = c.CloseNow()
	}
	if len(seen) != 3 || seen[nil] {
		t.Errorf("three connections have %d clocks", len(seen))
	}
}
