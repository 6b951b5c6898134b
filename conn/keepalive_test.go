package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
)

// readError waits for a message and returns only the error.
func readError(c *Conn, ctx context.Context) func() error {
	return func() error { _, _, err := c.Read(ctx); return err }
}

// expectPing waits for a Ping of the connection and returns its body. It must come at
// the given time.
func expectPing(t *testing.T, p *rawPeer, at time.Time) string {
	t.Helper()
	f, err := p.next()
	must(t, err)
	if f.Op != frame.Ping {
		t.Fatalf("frame %+v, want a Ping", f)
	}
	if !time.Now().Equal(at) {
		t.Fatalf("the Ping came %v late", time.Since(at))
	}
	return f.Body
}

// 30 s of silence: a Ping; 30 s more: the connection fails.
func TestKeepAlive(t *testing.T) {
	for _, tc := range []struct {
		name   string
		option time.Duration
		every  time.Duration
	}{
		{"default", 0, 30 * time.Second},
		{"one second", time.Second, time.Second},
		{"an hour", time.Hour, time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, &Options{KeepAlive: tc.option}, func(t *testing.T, c *Conn, p *rawPeer) {
				start := time.Now()
				read := async(readError(c, background))
				expectPing(t, p, start.Add(tc.every))
				p.expect(closeFrame(StatusInternalError, "keepalive: no sign of life"))
				if took := time.Since(start); took != 2*tc.every {
					t.Errorf("the Close frame came after %v, want %v", took, 2*tc.every)
				}
				p.expectEnd()
				p.nc.Close()
				err := <-read
				mustBe(t, err, ErrKeepAlive, net.ErrClosed)
				if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() {
					t.Errorf("%v is not a timeout", err)
				}
				mustBe(t, context.Cause(c.Context()), ErrKeepAlive)
			})
		})
	}
}

// A peer that takes and gives nothing at all, not even the end of the stream, holds
// the connection no longer than one that does.
func TestKeepAliveFailsSilently(t *testing.T) {
	rawTestSize(t, nil, 3, func(t *testing.T, c *Conn, p *rawPeer) {
		start := time.Now()
		mustBe(t, readError(c, background)(), ErrKeepAlive)
		if took := time.Since(start); took < time.Minute || took > time.Minute+2*failTime {
			t.Errorf("took %v", took)
		}
	})
}

// A Ping of keepalive that leaves late is no sign of life either.
func TestKeepAlivePingLeavesLate(t *testing.T) {
	rawTestSize(t, nil, 5, func(t *testing.T, c *Conn, p *rawPeer) {
		start := time.Now()
		read := async(readError(c, background))
		<-time.After(defaultKeepAlive + 10*time.Second)
		expectPing(t, p, time.Now())
		p.expect(closeFrame(StatusInternalError, "keepalive: no sign of life"))
		if took := time.Since(start); took != 2*defaultKeepAlive {
			t.Errorf("the Close frame came after %v", took)
		}
		p.nc.Close()
		mustBe(t, <-read, ErrKeepAlive)
	})
}

// timeline notes when which frames come, until the stream ends.
func timeline(p *rawPeer) <-chan []string {
	start := time.Now()
	return async(func() []string {
		var list []string
		for {
			f, err := p.next()
			if err != nil {
				return list
			}
			list = append(list, fmt.Sprintf("%v %v", time.Since(start), f.Op))
		}
	})
}

// Any byte, in or out, moves the clock: it starts again, and what silence there was
// counts for nothing.
func TestKeepAliveSignsOfLife(t *testing.T) {
	for _, tc := range []struct {
		name string
		own  string // the frame of ours that it is, if so
		life func(c *Conn, p *rawPeer, n int)
	}{
		{"message", "", func(_ *Conn, p *rawPeer, _ int) { p.send(textFrame("x")) }},
		{"Pong", "", func(_ *Conn, p *rawPeer, _ int) { p.send(pongFrame("")) }},
		{"bytes of a header", "", func(_ *Conn, p *rawPeer, n int) { p.sendBytes(wire(p.role, binaryFrame(large))[n : n+1]) }},
		{"bytes of a payload", "", func(_ *Conn, p *rawPeer, n int) { p.sendBytes(wire(p.role, binaryFrame(large))[n*1000 : (n+1)*1000]) }},
		{"fragments", "", func(_ *Conn, p *rawPeer, n int) {
			p.send(part([]frame.Opcode{frame.Text, frame.Continuation}[n], false, "x"))
		}},
		{"own message", "text", func(c *Conn, _ *rawPeer, _ int) { _ = c.Write(background, Text, nil) }},
		{"own Ping", "ping", func(c *Conn, _ *rawPeer, _ int) {
			go c.Ping(background)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				frames := timeline(p)
				discard := async(func() error { return c.Discard(background) })
				<-time.After(20 * time.Second)
				tc.life(c, p, 0)
				<-time.After(50 * time.Second) // a Ping has gone out after 30
				tc.life(c, p, 1)
				mustBe(t, <-discard, ErrKeepAlive)
				want := []string{"50s ping", "1m40s ping", "2m10s close"}
				if tc.own != "" {
					want = []string{"20s " + tc.own, want[0], "1m10s " + tc.own, want[1], want[2]}
				}
				if diff := cmp.Diff(want, <-frames); diff != "" {
					t.Errorf("frames (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A Ping that comes is answered, and both are life.
func TestKeepAliveBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := Pipe(&Options{KeepAlive: time.Second}, nil)
		ctx, cancel := context.WithTimeout(background, time.Hour)
		defer cancel()
		both := []<-chan error{async(readError(c, ctx)), async(readError(s, ctx))}
		for _, read := range both {
			mustBe(t, <-read, context.DeadlineExceeded)
		}
		closed := async(func() error { return s.Close(background, 1000, "") })
		must(t, c.Close(background, 1000, ""))
		must(t, <-closed)
	})
}

// The clock runs while a read waits, and only then. A program that reads with short
// timeouts has it run all the same.
func TestKeepAliveRunsWhileReadsWait(t *testing.T) {
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
		want []string
	}{
		{"no read", func(t *testing.T, c *Conn, p *rawPeer) {
			<-time.After(24 * time.Hour)
		}, nil},
		{"polls of 20 s", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 10, 20*time.Second), ErrKeepAlive)
		}, []string{"30s ping", "1m0s close"}},
		{"polls of 1 s", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 100, time.Second), ErrKeepAlive)
		}, []string{"30s ping", "1m0s close"}},
		{"polls of 0.4 s", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 1000, 400*time.Millisecond), ErrKeepAlive)
		}, []string{"30s ping", "1m0s close"}},
		{"a pause between reads", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 1, 20*time.Second), context.DeadlineExceeded)
			<-time.After(time.Hour)
			mustBe(t, poll(c, 1, 20*time.Second), context.DeadlineExceeded)
			<-time.After(time.Hour)
			mustBe(t, readError(c, background)(), ErrKeepAlive)
		}, []string{"1h0m30s ping", "2h1m0s close"}},
		{"a message in the pause", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 1, 29*time.Second), context.DeadlineExceeded)
			p.send(textFrame("x"))
			<-time.After(time.Hour)
			must(t, poll(c, 1, 29*time.Second))
			mustBe(t, readError(c, background)(), ErrKeepAlive)
		}, []string{"1h0m59s ping", "1h1m29s close"}},
		{"own message in the pause", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 1, 45*time.Second), context.DeadlineExceeded)
			<-time.After(15 * time.Second)
			must(t, c.Write(background, Text, nil))
			<-time.After(time.Hour)
			mustBe(t, readError(c, background)(), ErrKeepAlive)
		}, []string{"30s ping", "1m0s text", "1h1m30s ping", "1h2m0s close"}},
		{"a Pong that waits", func(t *testing.T, c *Conn, p *rawPeer) {
			mustBe(t, poll(c, 1, time.Minute-time.Nanosecond), context.DeadlineExceeded)
			p.send(pongFrame(""))
			<-time.After(time.Hour)
			mustBe(t, poll(c, 1, 29*time.Second), context.DeadlineExceeded)
		}, []string{"30s ping"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				frames := timeline(p)
				tc.do(t, c, p)
				must(t, c.CloseNow())
				if diff := cmp.Diff(tc.want, <-frames); diff != "" {
					t.Errorf("frames (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestKeepAliveOff(t *testing.T) {
	rawTest(t, &Options{KeepAlive: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
		frames := timeline(p)
		ctx, cancel := context.WithTimeout(background, 1000*time.Hour)
		defer cancel()
		mustBe(t, readError(c, ctx)(), context.DeadlineExceeded)
		must(t, c.CloseNow())
		if got := <-frames; len(got) > 0 {
			t.Errorf("frames %v", got)
		}
	})
}

// While the connection is closing there is no Ping, and Close has a clock of its own.
func TestKeepAliveWhileClosing(t *testing.T) {
	rawTest(t, &Options{KeepAlive: time.Second}, func(t *testing.T, c *Conn, p *rawPeer) {
		frames := timeline(p)
		read := async(readError(c, background))
		mustBe(t, c.Close(background, StatusGoingAway, ""), errCloseTime)
		mustBe(t, <-read, errCloseTime)
		if diff := cmp.Diff([]string{"0s close"}, <-frames); diff != "" {
			t.Errorf("frames (-want +got):\n%s", diff)
		}
	})
}

// A large message that the peer takes slowly is life, although it is one call to Write.
func TestKeepAliveSlowWrite(t *testing.T) {
	rawTestSize(t, nil, 4096, func(t *testing.T, c *Conn, p *rawPeer) {
		message := strings.Repeat(large, 200)
		p.nc = &slowConn{Conn: p.nc, most: 4096, pause: time.Second}
		go c.Discard(background)
		start := time.Now()
		written := async(func() error { return c.Write(background, Text, []byte(message)) })
		if p.nextMessage().Body != message {
			t.Error("the message is not the one that was written")
		}
		must(t, <-written)
		if took := time.Since(start); took < 2*defaultKeepAlive {
			t.Errorf("took %v, too little for a test", took)
		}
	})
}

// countingConn counts the read deadlines that are set.
type countingConn struct {
	net.Conn
	deadlines atomic.Int32
}

func (c *countingConn) SetReadDeadline(t time.Time) error {
	c.deadlines.Add(1)
	return c.Conn.SetReadDeadline(t)
}

// A deadline costs as much as a small message, so a busy connection leaves it be.
func TestKeepAliveSetsFewDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(0)
		defer b.Close()
		nc := &countingConn{Conn: a}
		c := New(nc, Start{Role: Server}, nil)
		defer c.CloseNow()
		p := newRawPeer(t, Client, b)
		for range 1000 {
			<-time.After(100 * time.Millisecond)
			p.send(textFrame("x"))
			must(t, readError(c, background)())
		}
		if n := nc.deadlines.Load(); n < 1 || n > 5 {
			t.Errorf("%d deadlines in 100 s, want one every 30 s", n)
		}
		mustBe(t, readError(c, background)(), ErrKeepAlive)
	})
}
