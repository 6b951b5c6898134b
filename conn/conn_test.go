package conn

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/internal/pipe"
)

// background is the context of calls that only the connection ends.
var background = context.Background()

// rawTestSize is rawTest over a pipe that holds at most size bytes each way, so that
// writes get stuck.
func rawTestSize(t *testing.T, o *Options, size int, f func(t *testing.T, c *Conn, p *rawPeer)) {
	for _, role := range []Role{Client, Server} {
		t.Run(role.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(size)
				c := New(a, Start{Role: role}, o)
				defer b.Close()
				defer c.CloseNow()
				f(t, c, newRawPeer(t, role.Peer(), b))
			})
		})
	}
}

// async makes a call on a goroutine of its own. What it returns can be received once.
func async[T any](call func() T) <-chan T {
	result := make(chan T, 1)
	go func() { result <- call() }()
	return result
}

// mustWait fails the test if one of the calls has returned already, all goroutines of
// the bubble being idle.
func mustWait[T any](t *testing.T, results ...<-chan T) {
	t.Helper()
	synctest.Wait()
	for i, result := range results {
		select {
		case got := <-result:
			t.Fatalf("call %d of %d does not wait: it has returned %v", i+1, len(results), got)
		default:
		}
	}
}

// mustBe fails the test unless err matches all of targets.
func mustBe(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("error %v (%T), want one that matches %v", err, err, target)
		}
	}
}

// must fails the test if err is not nil.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The end is what calls report that wait for a turn, also if their context has ended
// as well.
func TestTheEndComesFirst(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, _ *rawPeer) {
		_, err := c.Writer(background, Text) // holds the message turn
		must(t, err)
		ctx, cancel := context.WithCancel(background)
		cancel()
		must(t, c.CloseNow())
		for range 100 {
			if err := c.Write(ctx, Text, nil); err != c.terminal() {
				t.Fatalf("Write returned %v, want %v", err, c.terminal())
			}
		}
	})
}

// A connection with an extension that nobody here understands ends at once.
func TestNewWithUnknownExtension(t *testing.T) {
	nc := newScript(wire(Client, textFrame("hello")))
	c := New(nc, Start{Role: Server, Extensions: []handshake.Extension{{Name: "x-unheard-of"}}}, nil)
	_, _, err := c.Read(background)
	mustBe(t, err, net.ErrClosed)
	if !strings.Contains(err.Error(), "x-unheard-of") || !nc.closed {
		t.Errorf("Read returned %v; the stream is closed: %v", err, nc.closed)
	}
}

// endings are ways for a connection to end, from either side.
var endings = map[string]func(c *Conn, p *rawPeer){
	"our Close": func(c *Conn, p *rawPeer) {
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		c.Close(background, StatusNormalClosure, "")
	},
	"the peer's Close": func(c *Conn, p *rawPeer) {
		p.send(closeFrame(StatusGoingAway, "later"))
		p.closeWrite()
		c.Discard(background)
	},
	"CloseNow":           func(c *Conn, _ *rawPeer) { c.CloseNow() },
	"the stream is lost": func(c *Conn, p *rawPeer) { p.nc.Close(); c.Discard(background) },
	"the stream is closed by the application": func(c *Conn, p *rawPeer) {
		c.NetConn().Close()
		c.Discard(background)
	},
	"a violation": func(c *Conn, p *rawPeer) {
		p.sendBytes([]byte{0xFF, 0xFF})
		p.closeWrite()
		c.Discard(background)
	},
	"keepalive":     func(c *Conn, _ *rawPeer) { c.Discard(background) },
	"a Close alone": func(c *Conn, _ *rawPeer) { c.Close(background, StatusNormalClosure, "") },
	"a cancelled Write": func(c *Conn, _ *rawPeer) {
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		c.Write(ctx, Binary, make([]byte, 10_000))
	},
}

// calls are all methods that report an error of the connection.
func calls(c *Conn, ctx context.Context) map[string]func() error {
	m, _ := Prepare(Text, []byte("x"))
	return map[string]func() error{
		"Read":          func() error { _, _, err := c.Read(ctx); return err },
		"ReadAppend":    func() error { _, _, err := c.ReadAppend(ctx, []byte("x")); return err },
		"Reader":        func() error { _, _, err := c.Reader(ctx); return err },
		"Discard":       func() error { return c.Discard(ctx) },
		"Write":         func() error { return c.Write(ctx, Text, []byte("x")) },
		"WritePrepared": func() error { return c.WritePrepared(ctx, m) },
		"Writer":        func() error { _, err := c.Writer(ctx, Text); return err },
		"Ping":          func() error { _, err := c.Ping(ctx); return err },
		"Messages": func() (err error) {
			for _, err = range c.Messages(ctx) {
				break
			}
			return err
		},
	}
}

// After the end every method returns the error that has ended the connection, however
// often it is called, and whether its context lives or not. Nothing panics.
func TestEveryMethodAfterTheEnd(t *testing.T) {
	ended, cancel := context.WithCancel(background)
	cancel()
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
				during, alive := c.Context(), c.Context().Err()
				must(t, alive)
				end(c, p)
				want := c.terminal()
				mustBe(t, want, net.ErrClosed)
				ce, _ := errors.AsType[*CloseError](want)
				for range 2 {
					for _, ctx := range []context.Context{background, ended} {
						for method, call := range calls(c, ctx) {
							err := call()
							if method == "Messages" && ce != nil && (ce.Code == 1000 || ce.Code == 1001) {
								must(t, err)
							} else if err != want {
								t.Errorf("%s returned %v, want %v", method, err, want)
							}
						}
					}
					err := c.Close(background, StatusNormalClosure, "")
					if clean := strings.HasSuffix(name, "Close"); clean && err != nil || !clean && err != want {
						t.Errorf("Close returned %v", err)
					}
					must(t, c.CloseNow())
					for _, ctx := range []context.Context{during, c.Context()} {
						if ctx.Err() == nil || context.Cause(ctx) != want {
							t.Errorf("the context: %v, %v; want %v", ctx.Err(), context.Cause(ctx), want)
						}
					}
					c.SetReadLimit(1)
					if c.LocalAddr() == nil || c.RemoteAddr() == nil || c.NetConn() == nil || c.Subprotocol() != "" || c.ResponseHeader() != nil {
						t.Error("what a connection knows has changed")
					}
				}
			})
		})
	}
}

// The first context that is asked for after the end tells the same.
func TestContextAfterTheEnd(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		must(t, c.CloseNow())
		<-c.Context().Done()
		mustBe(t, context.Cause(c.Context()), errCloseNow, net.ErrClosed)
		child, cancel := context.WithTimeout(c.Context(), time.Hour)
		defer cancel()
		mustBe(t, context.Cause(child), errCloseNow)
	})
}

// The context ends when the connection has, not before.
func TestContextLivesAsLong(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		ctx := c.Context()
		if c.Context() != ctx {
			t.Error("the context has changed")
		}
		closed := goClose(c, background)
		p.expect(closeFrame(StatusNormalClosure, ""))
		mustWait(t, closed)
		must(t, ctx.Err())
		p.send(closeFrame(StatusNormalClosure, ""))
		if c.role == Client {
			mustWait(t, closed)
			must(t, ctx.Err())
		}
		p.closeWrite()
		<-ctx.Done()
		must(t, <-closed)
	})
}

func TestAddresses(t *testing.T) {
	a, b := tcpPair(t)
	c := New(a, Start{Role: Client, Subprotocol: "chat"}, nil)
	defer c.CloseNow()
	if c.LocalAddr() != a.LocalAddr() || c.RemoteAddr().String() != b.LocalAddr().String() {
		t.Errorf("addresses %v and %v, want those of the socket", c.LocalAddr(), c.RemoteAddr())
	}
	n := AsNetConn(c, Binary)
	if n.LocalAddr() != a.LocalAddr() || n.RemoteAddr() != a.RemoteAddr() {
		t.Errorf("addresses %v and %v of the net.Conn", n.LocalAddr(), n.RemoteAddr())
	}
	if c.NetConn() != a || c.Subprotocol() != "chat" {
		t.Errorf("stream %v, subprotocol %q", c.NetConn(), c.Subprotocol())
	}
}

// No argument makes a method panic.
func TestOddArguments(t *testing.T) {
	rawTest(t, &Options{ReadLimit: math.MinInt64, KeepAlive: math.MaxInt64}, func(t *testing.T, c *Conn, p *rawPeer) {
		for _, n := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64} {
			c.SetReadLimit(n)
		}
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		_, b, err := c.ReadAppend(ctx, nil)
		mustBe(t, err, context.DeadlineExceeded)
		if b != nil {
			t.Errorf("ReadAppend returned %v", b)
		}
		for range c.Messages(ctx) {
		}
		for m := range MessageType(255) {
			_ = m.String()
			n := AsNetConn(c, m)
			if o := m &^ plain; o != Text && o != Binary {
				_, err := n.Write(nil)
				mustBe(t, err, ErrMessageType)
			}
			_ = n.SetDeadline(time.Time{}.Add(-time.Hour))
			_ = n.SetDeadline(time.Unix(math.MaxInt64, 0))
		}
		go c.Close(background, 65535, strings.Repeat("\xff\u20ac", 1000))
		f, err := p.next()
		must(t, err)
		code, reason, err := frame.ParseClose([]byte(f.Body))
		if code != StatusInternalError || len(reason) < frame.MaxReasonLen-2 || err != nil {
			t.Errorf("Close frame with %v, %q, %v", code, reason, err)
		}
	})
}

// CloseNow ends everything that is under way, from as many goroutines as like.
func TestCloseNow(t *testing.T) {
	rawTestSize(t, nil, 100, func(t *testing.T, c *Conn, p *rawPeer) {
		waiting := []<-chan error{goWrite(c, make([]byte, 10_000))}
		mustWait(t, waiting...)
		for range 5 {
			waiting = append(waiting, goWrite(c, nil), async(readError(c, background)),
				async(func() error { _, err := c.Ping(background); return err }),
				async(func() error { _, err := c.Writer(background, Text); return err }))
		}
		mustWait(t, waiting...)
		start := time.Now()
		var closes []<-chan error
		for range 20 {
			closes = append(closes, async(c.CloseNow))
		}
		for _, closed := range closes {
			must(t, <-closed)
		}
		for _, result := range waiting {
			mustBe(t, <-result, errCloseNow)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		if b, err := io.ReadAll(p.nc); err != nil {
			t.Errorf("the peer has read %d bytes, %v", len(b), err)
		}
	})
}
