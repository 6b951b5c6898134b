package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/duplexws/duplex/frame"
)

// streams are the kinds of stream that Serve works on. prepare is called before Serve.
var streams = []struct {
	name    string
	pair    func(t *testing.T) (a, b net.Conn)
	prepare func(c *Conn)
}{
	{"TCP", func(t *testing.T) (a, b net.Conn) { return tcpPair(t) }, nil},
	{"TCP that does not tell what is left", func(t *testing.T) (a, b net.Conn) { return tcpPair(t) }, untold},
	{"TCP made blocking", func(t *testing.T) (a, b net.Conn) {
		a, b = tcpPair(t)
		f, err := a.(*net.TCPConn).File()
		must(t, err)
		f.Fd()
		must(t, f.Close())
		return a, b
	}, nil},
	{"Multipath TCP, where the system has it", func(t *testing.T) (a, b net.Conn) {
		var lc net.ListenConfig
		lc.SetMultipathTCP(true)
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		defer l.Close()
		var d net.Dialer
		d.SetMultipathTCP(true)
		b, err = d.DialContext(t.Context(), "tcp", l.Addr().String())
		must(t, err)
		a, err = l.Accept()
		must(t, err)
		return a, b
	}, nil},
	{"wrapped", func(t *testing.T) (a, b net.Conn) {
		a, b = tcpPair(t)
		return &writeCounter{Conn: a}, b
	}, nil},
	{"unix", func(t *testing.T) (a, b net.Conn) {
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
		must(t, err)
		defer l.Close()
		b, err = net.Dial("unix", l.Addr().String())
		must(t, err)
		a, err = l.Accept()
		must(t, err)
		return a, b
	}, nil},
	{"TLS", func(t *testing.T) (a, b net.Conn) {
		a, b = tcpPair(t)
		return tls.Server(a, tlsConfig()), tls.Client(b, tlsConfig())
	}, nil},
}

// Serve does the same on every stream, for both roles.
func TestServeWays(t *testing.T) {
	for _, stream := range streams {
		for _, role := range []Role{Client, Server} {
			t.Run(stream.name+"/"+role.String(), func(t *testing.T) {
				a, b := stream.pair(t)
				c, p := New(a, Start{Role: role}, nil), newRawPeer(t, role.Peer(), b)
				defer b.Close()
				if stream.prepare != nil {
					stream.prepare(c)
				}
				serving := async(func() error { return c.Serve(t.Context(), echoing) })
				for _, n := range []int{0, 1, 125, 4096, 5000, 30_000} {
					frames := []wireFrame{textFrame(strings.Repeat("x", n)), binaryFrame("and"), textFrame(strings.Repeat("y", n))}
					sent := async(func() bool { p.send(frames...); return true })
					p.expect(frames...)
					<-sent
				}
				for _, b := range wire(p.role, part(frame.Text, false, "byte"), pingFrame("ping"), part(frame.Continuation, true, " by byte")) {
					p.sendBytes([]byte{b})
				}
				p.expect(pongFrame("ping"), textFrame("byte by byte"))
				p.send(textFrame("last"), closeFrame(StatusGoingAway, "bye"))
				p.expect(textFrame("last"), closeFrame(StatusGoingAway, "bye"))
				_ = p.nc.Close()
				err := mustReturn(t, "Serve", serving)
				if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != StatusGoingAway {
					t.Error(err)
				}
				mustEnd(t, c)
			})
		}
	}
}

// A function that ends its goroutine, as a failing test does, leaves nothing behind.
func TestServeGoexit(t *testing.T) {
	for _, stream := range streams {
		t.Run(stream.name, func(t *testing.T) {
			a, b := stream.pair(t)
			c, p := New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b)
			defer b.Close()
			left := make(chan bool)
			go func() {
				defer close(left)
				_ = c.Serve(context.Background(), func(r *Replier, m Message) error {
					if err := echoing(r, m); err != nil {
						return err
					}
					runtime.Goexit()
					return nil
				})
			}()
			p.send(textFrame("exit"), textFrame("go on"))
			p.expect(textFrame("exit"))
			mustReturn(t, "Serve", left)
			expectMessage(t, c, t.Context(), Text, "go on")
			must(t, c.CloseNow())
			if err := a.SetDeadline(time.Time{}); err == nil {
				t.Error("the stream is not closed")
			}
		})
	}
}

// Connections that wait hold no buffers, whoever waits.
func TestIdleConnectionsHoldNothing(t *testing.T) {
	const conns = 200
	for _, way := range []struct {
		name string
		wait func(c *Conn) error
	}{
		{"Read", func(c *Conn) error { _, _, err := c.Read(background); return err }},
		{"Reader", func(c *Conn) error { _, _, err := c.Reader(background); return err }},
		{"Discard", func(c *Conn) error { return c.Discard(background) }},
		{"Serve", func(c *Conn) error { return c.Serve(background, echoing) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			cs, ps := make([]*Conn, conns), make([]*rawPeer, conns)
			for i := range cs {
				a, b := tcpPair(t)
				cs[i], ps[i] = New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b)
				ps[i].buf = make([]byte, 64)
			}
			before := heap()
			waiting := make([]<-chan error, conns)
			for i, c := range cs {
				waiting[i] = async(func() error { return way.wait(c) })
			}
			for _, p := range ps { // the Pong shows that it reads
				p.send(pingFrame("ping"))
				p.expect(pongFrame("ping"))
				p.in = nil
			}
			if each := (heap() - before) / conns; each > 2500 {
				t.Errorf("%d bytes each", each)
			}
			for i, c := range cs {
				_ = c.CloseNow()
				<-waiting[i]
			}
		})
	}
}

// An echo allocates nothing, on whatever stream that does not itself.
func TestServeWaysAllocate(t *testing.T) {
	for _, stream := range streams {
		if stream.name == "TLS" {
			continue // allocates for each record
		}
		t.Run(stream.name, func(t *testing.T) {
			a, b := stream.pair(t)
			defer b.Close()
			c := New(a, Start{Role: Server}, nil)
			if stream.prepare != nil {
				stream.prepare(c)
			}
			serving := async(func() error { return c.Serve(t.Context(), echoing) })
			out := binaryFrame(strings.Repeat("x", 1000)).append(nil, Client)
			in := make([]byte, len(out)-4)
			got := allocs(t, func() {
				_, err := b.Write(out)
				must(t, err)
				_, err = io.ReadFull(b, in)
				must(t, err)
			})
			if got != 0 {
				t.Errorf("%v allocations", got)
			}
			must(t, c.CloseNow())
			mustBe(t, mustReturn(t, "Serve", serving), errCloseNow)
		})
	}
}
