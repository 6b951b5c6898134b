package conn

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// sockets returns the sockets that the process has open, by what identifies them for ever.
func sockets(t *testing.T) map[string]bool {
	t.Helper()
	const dir = "/proc/self/fd"
	list, err := os.ReadDir(dir)
	must(t, err)
	open := map[string]bool{}
	for _, f := range list {
		if to, err := os.Readlink(dir + "/" + f.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			open[to] = true
		}
	}
	return open
}

// mustCloseSockets fails the test if it has opened sockets that f leaves open. What f has
// ended may take a moment to close them. The garbage collector, which closes sockets that
// were lost, is off meanwhile.
func mustCloseSockets(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	before := sockets(t)
	f(t)
	var left []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(time.Millisecond) {
		left = left[:0]
		for s := range sockets(t) {
			if !before[s] {
				left = append(left, s)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("%d sockets are left open", len(left))
}

// However a connection ends, its descriptor is closed, and nobody else closes it.
func TestDescriptors(t *testing.T) {
	stuck := make([]byte, 8<<20)
	for name, end := range map[string]func(t *testing.T, c *Conn, p *rawPeer, tcp *net.TCPConn){
		"Close": func(t *testing.T, c *Conn, p *rawPeer, _ *net.TCPConn) {
			closed := goClose(c, background)
			p.expect(closeFrame(StatusNormalClosure, ""))
			p.send(closeFrame(StatusNormalClosure, ""))
			p.closeWrite()
			p.expectEnd()
			must(t, <-closed)
		},
		"Close, unanswered": func(t *testing.T, c *Conn, _ *rawPeer, _ *net.TCPConn) {
			ctx, cancel := context.WithTimeout(background, 10*time.Millisecond)
			defer cancel()
			mustBe(t, c.Close(ctx, StatusNormalClosure, ""), context.DeadlineExceeded)
		},
		"CloseNow": func(t *testing.T, c *Conn, _ *rawPeer, _ *net.TCPConn) { must(t, c.CloseNow()) },
		"CloseNow while calls wait": func(t *testing.T, c *Conn, _ *rawPeer, _ *net.TCPConn) {
			calls := []<-chan error{goRead(c), goWrite(c, stuck), goRoundTrip(c)}
			must(t, c.CloseNow())
			for _, call := range calls {
				mustBe(t, mustReturn(t, "a call", call), errCloseNow)
			}
		},
		"the peer resets": func(t *testing.T, c *Conn, _ *rawPeer, tcp *net.TCPConn) {
			read := goRead(c)
			must(t, tcp.SetLinger(0))
			must(t, tcp.Close())
			mustBe(t, mustReturn(t, "Read", read), net.ErrClosed)
		},
		"the peer hangs up": func(t *testing.T, c *Conn, _ *rawPeer, tcp *net.TCPConn) {
			read := goRead(c)
			must(t, tcp.Close())
			mustBe(t, mustReturn(t, "Read", read), net.ErrClosed)
		},
		"the peer hangs up on Serve": func(t *testing.T, c *Conn, p *rawPeer, tcp *net.TCPConn) {
			serving := goServe(c)
			p.send(textFrame("x"))
			must(t, tcp.Close())
			mustBe(t, mustReturn(t, "Serve", serving), net.ErrClosed)
		},
		"the peer closes, to Serve": func(t *testing.T, c *Conn, p *rawPeer, tcp *net.TCPConn) {
			serving := goServe(c)
			p.send(closeFrame(StatusGoingAway, ""))
			p.expect(closeFrame(StatusGoingAway, ""))
			must(t, tcp.Close())
			mustBe(t, mustReturn(t, "Serve", serving), net.ErrClosed)
		},
		"violation": func(t *testing.T, c *Conn, p *rawPeer, tcp *net.TCPConn) {
			read := goRead(c)
			p.sendBytes([]byte{0xFF, 0xFF})
			mustBe(t, mustReturn(t, "Read", read), net.ErrClosed)
		},
		"violation, to Serve": func(t *testing.T, c *Conn, p *rawPeer, _ *net.TCPConn) {
			serving := goServe(c)
			p.sendBytes([]byte{0xFF, 0xFF})
			mustBe(t, mustReturn(t, "Serve", serving), net.ErrClosed)
		},
		"a write is cancelled": func(t *testing.T, c *Conn, p *rawPeer, _ *net.TCPConn) {
			ctx, cancel := context.WithCancel(background)
			write := async(func() error { return c.Write(ctx, Binary, stuck) })
			_, err := p.nc.Read(make([]byte, 1)) // it has begun
			must(t, err)
			cancel()
			mustBe(t, mustReturn(t, "Write", write), context.Canceled)
		},
		"our own message breaks": func(t *testing.T, c *Conn, _ *rawPeer, _ *net.TCPConn) {
			mustBe(t, breakOwn(c), net.ErrClosed)
		},
		"Serve, CloseNow elsewhere": func(t *testing.T, c *Conn, p *rawPeer, _ *net.TCPConn) {
			called := make(chan struct{})
			serving := async(func() error {
				return c.Serve(background, func(*Replier, Message) error { close(called); return nil })
			})
			p.send(textFrame("x"))
			<-called
			must(t, c.CloseNow())
			mustBe(t, mustReturn(t, "Serve", serving), errCloseNow)
		},
		"Serve, CloseNow inside": func(t *testing.T, c *Conn, p *rawPeer, _ *net.TCPConn) {
			serving := async(func() error {
				return c.Serve(background, func(*Replier, Message) error { return c.CloseNow() })
			})
			p.send(textFrame("x"))
			mustBe(t, mustReturn(t, "Serve", serving), errCloseNow)
		},
		"Serve panics": func(t *testing.T, c *Conn, p *rawPeer, _ *net.TCPConn) {
			panicked := async(func() (v any) {
				defer func() { v = recover(); _ = c.CloseNow() }()
				return c.Serve(background, func(*Replier, Message) error { panic("on purpose") })
			})
			p.send(textFrame("x"))
			if v := mustReturn(t, "Serve", panicked); v != "on purpose" {
				t.Errorf("%v", v)
			}
		},
	} {
		for _, role := range []Role{Client, Server} {
			for _, over := range []string{"TCP", "TLS"} {
				t.Run(name+", "+over+", "+role.String(), func(t *testing.T) {
					mustCloseSockets(t, func(t *testing.T) {
						var own, other net.Conn = dialSelf(t)
						tcp := other.(*net.TCPConn)
						if over == "TLS" {
							own, other = secure(t, own, other)
						}
						c := New(own, Start{Role: role}, nil)
						end(t, c, newRawPeer(t, role.Peer(), other), tcp)
						mustEnd(t, c)
						_ = other.Close()
						_ = tcp.Close()
					})
				})
			}
		}
	}
}

// dialSelf is tcpPair, but that the test has to close both ends.
func dialSelf(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	a, err = net.Dial("tcp", l.Addr().String())
	must(t, err)
	b, err = l.Accept()
	must(t, err)
	return a, b
}

// The same for connections that servers make, and for those that are not made.
func TestDescriptorsOfServers(t *testing.T) {
	quiet := log.New(io.Discard, "", 0)
	stop := errors.New("stop")
	f := func(_ context.Context, c *Conn) error {
		_, p, err := c.Read(background)
		switch string(p) {
		case "panic":
			panic("on purpose")
		case "error":
			return stop
		}
		return err
	}
	handler := func(t *testing.T) (url string, end func()) {
		s := httptest.NewUnstartedServer(Handler(f, nil))
		s.Config.ErrorLog = quiet
		s.Start()
		return "ws" + strings.TrimPrefix(s.URL, "http"), s.Close
	}
	listen := func(t *testing.T) (url string, end func()) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		ctx, cancel := context.WithCancelCause(background)
		listening := async(func() error { return Listen(ctx, l, f, &ListenOptions{ErrorLog: quiet}) })
		return "ws://" + l.Addr().String(), func() {
			cancel(stop)
			mustBe(t, mustReturn(t, "Listen", listening), stop)
		}
	}
	for name, serve := range map[string]func(t *testing.T) (string, func()){"Handler": handler, "Listen": listen} {
		for _, how := range []string{"panic", "error", "nil", "CloseNow", "refused", "cancelled", "half open"} {
			t.Run(name+", "+how, func(t *testing.T) {
				mustCloseSockets(t, func(t *testing.T) {
					url, end := serve(t)
					defer end()
					ctx, cancel := context.WithCancel(background)
					defer cancel()
					o := &DialOptions{}
					switch how {
					case "refused":
						o.Header = http.Header{"Origin": {"http://elsewhere.example"}}
					case "cancelled":
						cancel()
					case "half open":
						nc, err := net.Dial("tcp", strings.TrimPrefix(url, "ws://"))
						must(t, err)
						_, err = io.WriteString(nc, "GET / HTTP/1.1\r\n")
						must(t, err)
						must(t, nc.Close())
						return
					}
					c, err := Dial(ctx, url, o)
					if how == "refused" || how == "cancelled" {
						if err == nil {
							t.Fatal("Dial has succeeded")
						}
						return
					}
					must(t, err)
					if how == "CloseNow" {
						must(t, c.CloseNow())
						return
					}
					must(t, c.Write(ctx, Text, []byte(how)))
					_, _, err = c.Read(ctx)
					mustBe(t, err, net.ErrClosed)
				})
			})
		}
	}
}
