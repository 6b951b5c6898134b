package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
)

// echoing is a function for Serve.
func echoing(r *Replier, m Message) error { return r.Write(m.Type, m.Data) }

// serveTest runs f for a server over TCP and, in memory, over a pipe, with Serve running
// h on it. serving gives what Serve returns.
func serveTest(t *testing.T, o *Options, h func(c *Conn) func(*Replier, Message) error, f func(t *testing.T, c *Conn, p *rawPeer, serving <-chan error)) {
	run := func(t *testing.T, c *Conn, p *rawPeer) {
		handler := h(c)
		serving := async(func() error { return c.Serve(t.Context(), handler) })
		f(t, c, p, serving)
		_ = c.CloseNow()
		mustEnd(t, c)
	}
	t.Run("TCP", func(t *testing.T) {
		a, b := tcpPair(t)
		run(t, New(a, Start{Role: Server}, o), newRawPeer(t, Client, b))
	})
	t.Run("pipe", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p := newRaw(t, Server, o)
			defer p.nc.Close()
			run(t, c, p)
		})
	})
}

// mustEnd waits for the end of the connection.
func mustEnd(t *testing.T, c *Conn) {
	t.Helper()
	select {
	case <-c.ended():
	case <-time.After(20 * time.Second):
		t.Fatal("the connection does not end")
	}
}

// TestServeStreams runs the golden streams over TCP, whole and in pieces, in the loop
// that reads the socket itself.
func TestServeStreams(t *testing.T) {
	for i, s := range goldenStreams(t) {
		if i%sample != 0 || s.Violation != 0 {
			continue // a failure is answered, and the rest of the stream may be lost
		}
		want := want(s)
		for _, size := range []int{len(s.Wire), 1 + len(s.Wire)/3} {
			a, b := tcpPair(t)
			c := New(a, Start{Role: s.From.Peer()}, &Options{ReadLimit: s.Limit})
			p := newRawPeer(t, s.From, b)
			sent := async(func() error {
				defer p.closeWrite()
				for _, piece := range wstest.Pieces(s.Wire, size) {
					if _, err := b.Write(piece); err != nil {
						return err
					}
				}
				return nil
			})
			var got outcome
			var err error
			got.Messages, err = messageReaders[len(messageReaders)-1].read(t.Context(), c)
			must(t, <-sent)
			got.ended(t, c, err)
			got.Sent = p.rest()
			if d := diff(want, got); d != "" {
				t.Errorf("%s, pieces of %d bytes (-want +got):\n%s", s.Name, size, d)
			}
			_ = c.CloseNow()
			b.Close()
		}
	}
}

// Every message is answered, whatever its size, however many come at once.
func TestServeEcho(t *testing.T) {
	serveTest(t, nil, func(*Conn) func(*Replier, Message) error { return echoing }, func(t *testing.T, c *Conn, p *rawPeer, _ <-chan error) {
		for _, n := range []int{0, 1, 125, 126, 4000, 4096, 5000, 16 << 10, 16<<10 + 1, 70_000, 1 << 20, 3} {
			for _, deep := range []int{1, 2, 17} {
				if n*deep > 1<<20 {
					continue
				}
				var frames []wireFrame
				for i := range deep {
					frames = append(frames, binaryFrame(strings.Repeat(string(rune('a'+i)), n)))
				}
				go p.send(frames...)
				p.expect(frames...)
			}
		}
		// In fragments, with a Ping between them.
		p.send(part(frame.Text, false, "one "), pingFrame("ping"), part(frame.Continuation, false, ""), part(frame.Continuation, true, "two"))
		p.expect(pongFrame("ping"), textFrame("one two"))
	})
}

// writeCounter counts writes.
type writeCounter struct {
	net.Conn
	writes atomic.Int32
}

func (w *writeCounter) Write(p []byte) (int, error) {
	w.writes.Add(1)
	return w.Conn.Write(p)
}

// Replies leave when nothing is left to be answered, and before whatever else is written.
func TestServeGathers(t *testing.T) {
	for _, no := range []bool{false, true} {
		a, b := tcpPair(t)
		counted := &writeCounter{Conn: a}
		c := New(counted, Start{Role: Server}, &Options{NoGathering: no})
		p := newRawPeer(t, Client, b)
		serving := async(func() error {
			return c.Serve(t.Context(), func(r *Replier, m Message) error {
				if err := r.Write(m.Type, m.Data); err != nil {
					return err
				}
				switch string(m.Data) {
				case "write":
					return c.Write(t.Context(), Text, []byte("written"))
				case "flush":
					return r.Flush()
				}
				return nil
			})
		})
		p.send(textFrame("1"), textFrame("2"), textFrame("3"))
		p.expect(textFrame("1"), textFrame("2"), textFrame("3"))
		if got := counted.writes.Load(); !no && got != 1 || no && got != 3 {
			t.Errorf("no gathering %v: three replies left in %d writes", no, got)
		}
		p.send(textFrame("1"), textFrame("write"), textFrame("2"), textFrame("flush"), textFrame("3"))
		p.expect(textFrame("1"), textFrame("write"), textFrame("written"), textFrame("2"), textFrame("flush"), textFrame("3"))
		p.send(textFrame("1"), pingFrame("ping"), textFrame("2"), closeFrame(StatusNormalClosure, ""))
		p.expect(textFrame("1"), pongFrame("ping"), textFrame("2"), closeFrame(StatusNormalClosure, ""))
		p.nc.Close()
		mustBe(t, <-serving, net.ErrClosed)
	}
}

// The end of the stream is seen although it came together with the last message.
func TestServeSeesTheEnd(t *testing.T) {
	for range 50 {
		a, b := tcpPair(t)
		c := New(a, Start{Role: Server}, &Options{KeepAlive: -1})
		p := newRawPeer(t, Client, b)
		p.send(textFrame("last"))
		p.nc.Close()
		var got string
		serving := async(func() error {
			return c.Serve(t.Context(), func(_ *Replier, m Message) error {
				got = string(m.Data)
				return nil
			})
		})
		select {
		case err := <-serving:
			if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != StatusAbnormalClosure || got != "last" {
				t.Fatalf("%q, %v", got, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the end of the stream is not seen")
		}
	}
}

// Serve ends with the error of its function, and can be called again.
func TestServeStops(t *testing.T) {
	stop := errors.New("stop")
	serveTest(t, nil, func(*Conn) func(*Replier, Message) error {
		return func(r *Replier, m Message) error {
			if err := r.Write(m.Type, m.Data); err != nil {
				return err
			}
			return stop
		}
	}, func(t *testing.T, c *Conn, p *rawPeer, serving <-chan error) {
		p.send(textFrame("one"), textFrame("two"))
		p.expect(textFrame("one"))
		mustBe(t, <-serving, stop)
		expectMessage(t, c, t.Context(), Text, "two")
		ctx, cancel := context.WithCancel(t.Context())
		serving = async(func() error { return c.Serve(ctx, echoing) })
		p.send(textFrame("three"))
		p.expect(textFrame("three"))
		half := textFrame("a message that is cut").append(nil, Client)
		p.sendBytes(half[:10])
		cancel()
		mustBe(t, <-serving, context.Canceled)
		p.sendBytes(half[10:])
		expectMessage(t, c, t.Context(), Text, "a message that is cut")
	})
}

// Closing works from inside the function and from outside while it is blocked, and the
// descriptor is closed when the function has returned.
func TestServeIsClosed(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, c *Conn) error{
		"Close":    func(ctx context.Context, c *Conn) error { return c.Close(ctx, StatusGoingAway, "") },
		"CloseNow": func(_ context.Context, c *Conn) error { return c.CloseNow() },
	} {
		t.Run(name+" inside", func(t *testing.T) {
			serveTest(t, nil, func(c *Conn) func(*Replier, Message) error {
				return func(*Replier, Message) error {
					begun := time.Now()
					err := end(t.Context(), c)
					if took := time.Since(begun); took > 3*time.Second || err != nil {
						t.Errorf("%v, after %v", err, took)
					}
					return nil
				}
			}, func(t *testing.T, c *Conn, p *rawPeer, serving <-chan error) {
				p.send(textFrame("close"))
				if name == "Close" {
					p.expect(closeFrame(StatusGoingAway, ""))
					p.send(textFrame("not answered"), closeFrame(StatusGoingAway, ""))
				}
				p.rest()
				p.closeWrite()
				mustBe(t, <-serving, net.ErrClosed)
				mustEnd(t, c)
			})
		})
		t.Run(name+" outside", func(t *testing.T) {
			in, out := make(chan bool, 1), make(chan bool)
			serveTest(t, nil, func(c *Conn) func(*Replier, Message) error {
				in, out = make(chan bool, 1), make(chan bool)
				return func(*Replier, Message) error {
					in <- true
					<-out
					return nil
				}
			}, func(t *testing.T, c *Conn, p *rawPeer, serving <-chan error) {
				p.send(textFrame("block"))
				<-in
				ended := async(func() error { return end(t.Context(), c) })
				if name == "Close" {
					p.expect(closeFrame(StatusGoingAway, ""))
					p.send(closeFrame(StatusGoingAway, ""))
				}
				must(t, <-ended)
				close(out)
				p.rest()
				p.closeWrite()
				mustBe(t, <-serving, net.ErrClosed)
				mustEnd(t, c)
			})
		})
	}
}

// A panic of the function leaves nothing behind.
func TestServePanics(t *testing.T) {
	a, b := tcpPair(t)
	c, p := New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b)
	p.send(textFrame("panic"))
	func() {
		defer func() { _ = recover() }()
		_ = c.Serve(t.Context(), func(*Replier, Message) error { panic("at the disco") })
	}()
	p.send(textFrame("go on"))
	expectMessage(t, c, t.Context(), Text, "go on")
	must(t, c.CloseNow())
	if _, err := a.Write(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the stream is not closed: %v", err)
	}
}

// A socket that was closed while Serve used it is closed for good.
func TestServeClosesTheDescriptor(t *testing.T) {
	a, b := tcpPair(t)
	c, p := New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b)
	serving := async(func() error {
		return c.Serve(t.Context(), func(*Replier, Message) error { return c.CloseNow() })
	})
	p.send(textFrame("close"))
	mustBe(t, <-serving, errCloseNow)
	if err := a.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the descriptor is open: %v", err)
	}
}

// A rule that is broken is answered like anywhere else.
func TestServeFails(t *testing.T) {
	serveTest(t, nil, func(*Conn) func(*Replier, Message) error { return echoing }, func(t *testing.T, c *Conn, p *rawPeer, serving <-chan error) {
		p.send(textFrame("fine"), textFrame("\xff"))
		p.expect(textFrame("fine"))
		f, err := p.next()
		if err != nil || f.Op != frame.Close || !strings.HasPrefix(f.Body, "\x03\xef") {
			t.Errorf("%+v, %v", f, err)
		}
		p.closeWrite()
		p.rest()
		mustBe(t, <-serving, frame.TextNotUTF8, net.ErrClosed)
	})
}

// Serve allocates nothing for a message that it answers.
func TestServeAllocates(t *testing.T) {
	for _, size := range []int{1, 125, 1 << 10, 16 << 10, 100_000} {
		for _, z := range []*Compression{nil, {}, {ServerNoContextTakeover: true, ClientNoContextTakeover: true}} {
			a, b := tcpPair(t)
			start := Start{Role: Server}
			if z != nil {
				start.Extensions = z.choose(z.offers())
			}
			c := New(a, start, &Options{Compression: z})
			serving := async(func() error { return c.Serve(t.Context(), echoing) })
			message := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
			raw := binaryFrame(string(message)).append(nil, Client)
			answer := make([]byte, 1<<20)
			n := allocs(t, func() {
				if _, err := b.Write(raw); err != nil {
					t.Error(err)
				}
				for got, pos := 0, 0; ; {
					h, n, err := frame.Parse(answer[pos:got])
					if err != nil || uint64(got-pos-n) < h.Length {
						m, err := b.Read(answer[got:])
						if err != nil {
							t.Fatal(err)
						}
						got += m
						continue
					}
					if pos += n + int(h.Length); h.Fin {
						return
					}
				}
			})
			// The race detector apart, pools may lose a buffer to the collector.
			if n >= 1 {
				t.Errorf("%d bytes, compression %+v: %v allocations", size, z, n)
			}
			_ = c.CloseNow()
			<-serving
		}
	}
}

// Many connections with a peer that answers at once never wait for an edge that is gone.
func TestServeManyRounds(t *testing.T) {
	const conns, rounds = 64, 200
	var all sync.WaitGroup
	for i := range conns {
		a, b := tcpPair(t)
		c, p := New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b)
		all.Go(func() { _ = c.Serve(t.Context(), echoing) })
		all.Go(func() {
			defer p.nc.Close()
			for j := range rounds {
				f := textFrame(fmt.Sprint(i, j))
				p.send(f)
				if got, err := p.next(); err != nil || got.Body != f.Body {
					t.Errorf("%d, %d: %+v, %v", i, j, got, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// Text is checked as it arrives, not when all of it is there (8.1-01).
func TestServeFailsFast(t *testing.T) {
	serveTest(t, nil, func(*Conn) func(*Replier, Message) error { return echoing }, func(t *testing.T, c *Conn, p *rawPeer, serving <-chan error) {
		b := textFrame("begins well, \xff and goes on").append(nil, Client)
		p.sendBytes(b[:10])
		p.sendBytes(b[10:25])
		f, err := p.next()
		if err != nil || f.Op != frame.Close || !strings.HasPrefix(f.Body, "\x03\xef") {
			t.Errorf("%+v, %v", f, err)
		}
		p.closeWrite()
		p.rest()
		mustBe(t, <-serving, frame.TextNotUTF8, net.ErrClosed)
	})
}
