package drain

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/internal/pipe"
)

// A server is one that runs in memory. Its connections are those of a Group.
type server struct {
	t      *testing.T
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	serve  func() // returns when the server has stopped
	stop   func(context.Context) error
	over   chan struct{} // closed then

	// switching, if not nil, is called when a 101 is about to be written, which its
	// error prevents.
	switching func() error
}

// A frontDoor makes a server that calls f for its connections.
type frontDoor func(s *server, f func(context.Context, *conn.Conn) error, o *conn.Options)

var frontDoors = map[string]frontDoor{
	"Listen": func(s *server, f func(context.Context, *conn.Conn) error, o *conn.Options) {
		ctx, cancel := context.WithCancel(context.Background())
		s.serve = func() { _ = conn.Listen(ctx, s, f, &conn.ListenOptions{Options: *o}) }
		s.stop = func(context.Context) error { cancel(); <-s.over; return nil }
	},
	"Handler": func(s *server, f func(context.Context, *conn.Conn) error, o *conn.Options) {
		s.http(conn.Handler(f, o))
	},
	"Accept": func(s *server, f func(context.Context, *conn.Conn) error, o *conn.Options) {
		s.http(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := conn.Accept(w, r, o)
			if err != nil {
				return
			}
			_ = f(c.Context(), c)
			_ = c.Close(context.Background(), conn.StatusNormalClosure, "")
		}))
	},
}

func (s *server) http(h http.Handler) {
	hs := &http.Server{Handler: h}
	s.serve = func() { _ = hs.Serve(s) }
	s.stop = hs.Shutdown
}

// start starts a server for a group. It is stopped when the test is over.
func start(t *testing.T, g *Group, door frontDoor, f func(context.Context, *conn.Conn) error) *server {
	s := &server{t: t, conns: make(chan net.Conn), closed: make(chan struct{}), over: make(chan struct{})}
	door(s, f, &conn.Options{Admit: g.Admit})
	go func() { s.serve(); close(s.over) }()
	t.Cleanup(func() {
		_ = s.stop(context.Background())
		<-s.over
	})
	return s
}

// Accept implements net.Listener.
func (s *server) Accept() (net.Conn, error) {
	select {
	case nc := <-s.conns:
		return &switchingConn{nc, s}, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (s *server) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

// Addr implements net.Listener.
func (s *server) Addr() net.Addr { return &net.TCPAddr{} }

// dial makes a client.
func (s *server) dial() (*conn.Conn, error) {
	return conn.Dial(s.t.Context(), "ws://h", &conn.DialOptions{
		Proxy: func(*url.URL) (*url.URL, error) { return nil, nil },
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			client, server := pipe.New(0)
			select {
			case s.conns <- server:
				return client, nil
			case <-s.closed:
				return nil, errors.New("connection refused")
			}
		},
	})
}

// mustDial makes a client, which is cut when the test is over.
func (s *server) mustDial() *conn.Conn {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// switchingConn tells its server when it switches protocols.
type switchingConn struct {
	net.Conn
	s *server
}

func (c *switchingConn) Write(b []byte) (int, error) {
	if c.s.switching != nil && strings.HasPrefix(string(b), "HTTP/1.1 101") {
		if err := c.s.switching(); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(b)
}

// CloseWrite ends one direction of the stream.
func (c *switchingConn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// discard reads until the connection ends.
func discard(ctx context.Context, c *conn.Conn) error { return c.Discard(ctx) }

// closedWith returns the code with which the peer closes a connection.
func closedWith(t *testing.T, c *conn.Conn) conn.StatusCode {
	ce, ok := errors.AsType[*conn.CloseError](c.Discard(t.Context()))
	if !ok {
		return 0
	}
	return ce.Code
}

// A result is what Drain has returned, and after how much time.
type result struct {
	report Report
	err    error
	took   time.Duration
}

// drain begins to drain a group. Its context ends after the given time; zero: never.
func drain(g *Group, d time.Duration, o *Options) <-chan result {
	done := make(chan result, 1)
	begun := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	if d > 0 {
		ctx, cancel = context.WithTimeoutCause(context.Background(), d, errTime)
	}
	go func() {
		defer cancel()
		report, err := g.Drain(ctx, o)
		done <- result{report, err, time.Since(begun)}
	}()
	return done
}

var errTime = errors.New("the time is over")

// refused reports whether err says that a server is going away.
func refused(err error) bool {
	e, ok := errors.AsType[*handshake.Error](err)
	return ok && e.Status == http.StatusServiceUnavailable
}
