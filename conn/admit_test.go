package conn_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// An admitter is a hook that notes what it is told.
type admitter struct {
	err    error
	log    chan string
	opened chan *conn.Conn
}

func newAdmitter(err error) *admitter {
	return &admitter{err, make(chan string, 9), make(chan *conn.Conn, 9)}
}

func (a *admitter) admit(_ context.Context, r *handshake.Request) (func(*conn.Conn), error) {
	a.log <- "asked for " + r.Target + " from " + r.RemoteAddr
	if a.err != nil {
		return nil, a.err
	}
	return func(c *conn.Conn) {
		if c == nil {
			a.log <- "failed"
			return
		}
		a.log <- "opened"
		a.opened <- c
	}, nil
}

// told returns what the hook was told.
func (a *admitter) told() []string {
	close(a.log)
	var told []string
	for s := range a.log {
		told = append(told, s)
	}
	return told
}

// A frontDoor serves a function on a listener, until what it returns is called.
type frontDoor func(ln net.Listener, f func(context.Context, *conn.Conn) error, o *conn.Options) (stop func())

var frontDoors = map[string]frontDoor{
	"Listen": func(ln net.Listener, f func(context.Context, *conn.Conn) error, o *conn.Options) func() {
		return listenUntil(ln, f, &conn.ListenOptions{Options: *o})
	},
	"Listen with Route": func(ln net.Listener, f func(context.Context, *conn.Conn) error, o *conn.Options) func() {
		return listenUntil(ln, nil, &conn.ListenOptions{
			Options: *o,
			Route: func(context.Context, *handshake.Request) (func(context.Context, *conn.Conn) error, error) {
				return f, nil
			},
		})
	},
	"Handler": func(ln net.Listener, f func(context.Context, *conn.Conn) error, o *conn.Options) func() {
		return serveUntil(ln, conn.Handler(f, o))
	},
	"Accept": func(ln net.Listener, f func(context.Context, *conn.Conn) error, o *conn.Options) func() {
		return serveUntil(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := conn.Accept(w, r, o)
			if err != nil {
				return
			}
			_ = f(c.Context(), c)
			_ = c.Close(context.Background(), conn.StatusNormalClosure, "")
		}))
	},
}

func listenUntil(ln net.Listener, f func(context.Context, *conn.Conn) error, o *conn.ListenOptions) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = conn.Listen(ctx, ln, f, o); close(done) }()
	return func() { cancel(); <-done }
}

func serveUntil(ln net.Listener, h http.Handler) func() {
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { _ = s.Serve(ln); close(done) }()
	return func() { _ = s.Shutdown(context.Background()); <-done }
}

// Admit is asked before a request is accepted, and told what has come of it before
// anybody else has the connection.
func TestAdmit(t *testing.T) {
	full := &handshake.Error{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"7"}}, Reason: "full"}
	broken := errors.New("the response cannot be written")
	for _, tc := range []struct {
		name   string
		err    error // of the hook
		write  error // of the stream, when the 101 is written
		status int   // that the client sees
		want   []string
	}{
		{"accepted", nil, nil, 0, []string{"asked for /x?y from pipe", "opened"}},
		{"refused", full, nil, http.StatusServiceUnavailable, []string{"asked for /x?y from pipe"}},
		{"failed after all", nil, broken, 0, []string{"asked for /x?y from pipe", "failed"}},
	} {
		for name, serve := range frontDoors {
			t.Run(tc.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := newAdmitter(tc.err)
					mine := make(chan *conn.Conn, 1)
					ln := newMemoryListener()
					stop := serve(&breakingListener{ln, tc.write}, func(ctx context.Context, c *conn.Conn) error {
						select {
						case opened := <-a.opened:
							mine <- c
							a.opened <- opened
						default:
							t.Error("the function was called first")
						}
						return reply(ctx, c)
					}, &conn.Options{Admit: a.admit})
					c, err := conn.Dial(t.Context(), "ws://h/x?y", ln.dial())
					synctest.Wait()
					switch {
					case err == nil:
						if <-mine != <-a.opened {
							t.Error("the hook was given another connection")
						}
						tryReply(t, c)
					case tc.status != 0:
						e, ok := errors.AsType[*handshake.Error](err)
						if !ok || e.Status != tc.status || e.Header.Get("Retry-After") != "7" {
							t.Errorf("Dial: %v", err)
						}
					}
					if accepted := tc.err == nil && tc.write == nil; accepted != (err == nil) {
						t.Errorf("Dial: %v", err)
					}
					stop()
					if diff := cmp.Diff(tc.want, a.told()); diff != "" {
						t.Errorf("the hook was told (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// A hook that needs not know what comes of a request returns no function.
func TestAdmitAlone(t *testing.T) {
	for name, serve := range frontDoors {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := newMemoryListener()
				stop := serve(ln, reply, &conn.Options{
					Admit: func(context.Context, *handshake.Request) (func(*conn.Conn), error) { return nil, nil },
				})
				defer stop()
				c, err := conn.Dial(t.Context(), "ws://h", ln.dial())
				if err != nil {
					t.Fatal(err)
				}
				tryReply(t, c)
			})
		})
	}
}

// A hook that panics when it is told costs its own connection, not the process.
func TestAdmitPanics(t *testing.T) {
	for name, serve := range frontDoors {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer log.SetOutput(log.Writer())
				log.SetOutput(io.Discard)
				ln := newMemoryListener()
				var panics atomic.Bool
				panics.Store(true)
				broken := &breakingListener{Listener: ln}
				stop := serve(broken, reply, &conn.Options{
					Admit: func(context.Context, *handshake.Request) (func(*conn.Conn), error) {
						return func(*conn.Conn) {
							if panics.Load() {
								panic("oh no")
							}
						}, nil
					},
				})
				defer stop()
				if c, err := conn.Dial(t.Context(), "ws://h", ln.dial()); err == nil {
					_, _, err = c.Read(t.Context())
					if ce, ok := errors.AsType[*conn.CloseError](err); !ok || ce.Code != conn.StatusAbnormalClosure {
						t.Errorf("the connection ended with %v", err)
					}
				}
				broken.err = errors.New("the client is gone")
				if c, err := conn.Dial(t.Context(), "ws://h", ln.dial()); err == nil {
					t.Error("a client got a response that could not be written")
					_ = c.CloseNow()
				}
				broken.err = nil
				panics.Store(false)
				c, err := conn.Dial(t.Context(), "ws://h", ln.dial())
				if err != nil {
					t.Fatal(err)
				}
				tryReply(t, c)
			})
		})
	}
}

// What Route refuses is not asked for, and what Listen cuts off has failed.
func TestAdmitAfterRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAdmitter(nil)
		ln := newMemoryListener()
		var stop func()
		stop = listenUntil(ln, nil, &conn.ListenOptions{
			Options: conn.Options{Admit: a.admit},
			Route: func(_ context.Context, r *handshake.Request) (func(context.Context, *conn.Conn) error, error) {
				if r.Target == "/late" {
					go stop()
					synctest.Wait()
					return reply, nil
				}
				return nil, nil
			},
		})
		for _, path := range []string{"/none", "/late"} {
			if c, err := conn.Dial(t.Context(), "ws://h"+path, ln.dial()); err == nil {
				t.Errorf("%s was accepted", path)
				_ = c.CloseNow()
			}
		}
		stop()
		if diff := cmp.Diff([]string{"asked for /late from pipe", "failed"}, a.told()); diff != "" {
			t.Errorf("the hook was told (-want +got):\n%s", diff)
		}
	})
}

// A breakingListener accepts connections on which a 101 cannot be written.
type breakingListener struct {
	net.Listener
	err error
}

func (l *breakingListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil || l.err == nil {
		return nc, err
	}
	return &breakingConn{nc, l.err}, nil
}

type breakingConn struct {
	net.Conn
	err error
}

func (c *breakingConn) Write(b []byte) (int, error) {
	if strings.HasPrefix(string(b), "HTTP/1.1 101") {
		return 0, c.err
	}
	return c.Conn.Write(b)
}

// The limiter of the example counts those who are there, whatever has come of the others.
func TestAdmitLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limiter{all: 4, each: 2, from: map[netip.Prefix]int{}}
		admit := func(addr string, want int) func(*conn.Conn) {
			t.Helper()
			opened, err := l.admit(t.Context(), &handshake.Request{RemoteAddr: addr})
			got := 0
			if e, ok := errors.AsType[*handshake.Error](err); ok {
				got = e.Status
			}
			if got != want {
				t.Errorf("%s: status %d, want %d", addr, got, want)
			}
			return opened
		}
		first := admit("192.0.2.1:1", 0)
		admit("[::ffff:192.0.2.1]:2", 0)
		admit("192.0.2.1:3", http.StatusTooManyRequests)
		admit("[2001:db8::1]:1", 0)(nil)
		admit("[2001:db8::1]:2", 0)
		second := admit("[2001:db8::ffff:1%eth0]:3", 0)
		admit("[2001:db8:0:1::]:4", http.StatusServiceUnavailable)
		for _, opened := range []func(*conn.Conn){first, second} {
			client, server := conn.Pipe(nil, nil)
			opened(server)
			_ = client.CloseNow()
			_ = server.CloseNow()
		}
		synctest.Wait()
		admit("192.0.2.1:4", 0)
		admit("[2001:db8:0:1::]:5", 0)
		if _, err := l.admit(t.Context(), &handshake.Request{RemoteAddr: "pipe"}); err == nil {
			t.Error("a request from nowhere is admitted")
		}
	})
}
