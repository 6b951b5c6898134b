package soak

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/conn/drain"
	"github.com/duplexws/duplex/handshake"
)

// How servers and clients are set. The times are short, so that everything happens often,
// and long enough for a busy machine.
const (
	keepAlive        = 2 * time.Second
	handshakeTimeout = 4 * time.Second
	writeTimeout     = 5 * time.Second
	postLimit        = 512 << 10
	drainTime        = 3 * time.Second
)

// A server is one that is drained and started anew from time to time, at another address:
// the port of one that is gone may be taken by anybody.
type server struct {
	name   string
	http   bool // behind net/http, or else with conn.Listen
	config *tls.Config
	w      *world
	seed   uint64

	now    atomic.Pointer[running]
	begun  atomic.Int64 // drains that have begun
	ended  atomic.Int64 // and ended
	routes map[string]application
}

// An application serves connections; errors of the connection are returned.
type application func(ctx context.Context, c *conn.Conn) error

// running is a server from its start to its end.
type running struct {
	s     *server
	addr  string
	ctx   context.Context // of everything that belongs to it
	stop  context.CancelFunc
	group drain.Group
	hs    *http.Server
	all   sync.WaitGroup // applications and what else runs
	ended chan struct{}  // the listener is closed
	feed  feed

	mu    sync.Mutex
	conns map[*conn.Conn]standing // those that are served
	going bool                    // it is being drained
}

// options are those of a path.
func (r *running) options() conn.Options {
	o := conn.Options{
		ReadLimit: readLimit, KeepAlive: keepAlive, HandshakeTimeout: handshakeTimeout,
		WriteTimeout: writeTimeout, PostLimit: postLimit, Admit: r.admit,
	}
	if r.s.config == nil == r.s.http { // one of each kind
		o.PostOverflow = conn.OverflowClose
	}
	switch r.s.name {
	case "http":
		o.Compression = &conn.Compression{}
	case "https":
		o.Compression = &conn.Compression{ServerNoContextTakeover: true, ClientNoContextTakeover: true, MinSize: -1}
	case "listen":
		o.Compression = &conn.Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15, Level: 6}
	}
	return o
}

// admit counts the applications, together with the connections of the group: when a drain
// has ended, it is known which are still on their way back.
func (r *running) admit(ctx context.Context, q *handshake.Request) (func(*conn.Conn), error) {
	opened, err := r.group.Admit(ctx, q)
	if err != nil {
		return nil, err
	}
	return func(c *conn.Conn) {
		if c != nil {
			r.all.Add(1)
		}
		opened(c)
	}, nil
}

// start starts the server.
func (s *server) start() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r := &running{s: s, addr: ln.Addr().String(), ended: make(chan struct{}), conns: map[*conn.Conn]standing{}}
	r.ctx, r.stop = context.WithCancel(context.Background())
	if s.config != nil {
		ln = tls.NewListener(ln, s.config)
	}
	logger := log.New(s.w, "", 0)
	o := r.options()
	if s.http {
		mux := http.NewServeMux()
		for path, app := range s.routes {
			mux.Handle(path, conn.Handler(r.serve(app), &o))
		}
		r.hs = &http.Server{Handler: mux, ErrorLog: logger, ReadHeaderTimeout: handshakeTimeout}
		go func() {
			defer close(r.ended)
			if err := r.hs.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				s.w.ledger.wrongf("%s: Serve: %v", s.name, err)
			}
		}()
	} else {
		route := func(_ context.Context, q *handshake.Request) (func(context.Context, *conn.Conn) error, error) {
			path, _, _ := strings.Cut(q.Target, "?")
			app := s.routes[path]
			if app == nil {
				return nil, nil
			}
			return r.serve(app), nil
		}
		go func() {
			defer close(r.ended)
			err := conn.Listen(r.ctx, ln, nil, &conn.ListenOptions{Options: o, Route: route, ErrorLog: logger})
			if !errors.Is(err, context.Canceled) {
				s.w.ledger.wrongf("%s: Listen: %v", s.name, err)
			}
		}()
	}
	r.all.Go(r.broadcast)
	s.now.Store(r)
	return nil
}

// addr is where the server is now.
func (s *server) addr() string { return s.now.Load().addr }

// url is the URL for a path. The host has no meaning: the client dials addr.
func (s *server) url(path string) string {
	if s.config != nil {
		return "wss://example.com" + path
	}
	return "ws://example.com" + path
}

// standing is what the server thinks of a connection.
type standing uint8

const (
	unknown standing = iota // may misbehave, and is to end by that
	known                   // takes part in something, and may be killed
	spared                  // takes part in something that being killed would spoil
	killed
)

type runningKey struct{}

// runningOf is for the ctx of an application.
func runningOf(ctx context.Context) *running { return ctx.Value(runningKey{}).(*running) }

// serve has an application serve a connection, which is known as long as that takes.
func (r *running) serve(app application) application {
	return func(ctx context.Context, c *conn.Conn) error {
		defer r.all.Done()
		r.s.w.tally.add("accepted", r.s.name, 1)
		r.mu.Lock()
		r.conns[c] = unknown
		r.mu.Unlock()
		defer func() {
			r.mu.Lock()
			delete(r.conns, c)
			r.mu.Unlock()
		}()
		err := app(context.WithValue(ctx, runningKey{}, r), c)
		if errors.Is(err, conn.ErrKeepAlive) {
			r.s.w.tally.add("ended by the server", "keepalive", 1)
		}
		if errors.Is(err, conn.ErrWriteTimeout) {
			r.s.w.tally.add("ended by the server", "write timeout", 1)
		}
		return err
	}
}

// closedHere reports whether the server itself has closed a connection that it serves, or
// is about to.
func (r *running) closedHere(c *conn.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.going || r.conns[c] != known
}

// move changes the standing of a connection, if it has the given one.
func (r *running) move(c *conn.Conn, from, to standing) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.conns[c]; !ok || at != from {
		return false
	}
	r.conns[c] = to
	return true
}

// kill ends one of the connections, in one way or another.
func (r *running) kill(random *rand.Rand) {
	r.mu.Lock()
	var all []*conn.Conn
	for c, standing := range r.conns {
		if standing == known {
			all = append(all, c)
		}
	}
	r.mu.Unlock()
	if len(all) == 0 {
		return
	}
	c := all[random.IntN(len(all))]
	if !r.move(c, known, killed) {
		return
	}
	if random.IntN(2) == 0 {
		r.s.w.tally.add("killed by the server", "CloseNow", 1)
		_ = c.CloseNow()
		return
	}
	r.s.w.tally.add("killed by the server", "Close", 1)
	r.all.Go(func() { _ = c.Close(r.ctx, conn.StatusServiceRestart, "") })
}

// restart drains the server and starts it anew; that is left out at the end.
func (s *server) restart(again bool) {
	r := s.now.Load()
	r.mu.Lock()
	r.going = true
	r.mu.Unlock()
	s.begun.Add(1)
	defer s.ended.Add(1)
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	report, err := r.group.Drain(ctx, &drain.Options{Rate: 500, RetryAfter: -1, Shutdown: func(ctx context.Context) error {
		if r.hs != nil {
			return r.hs.Shutdown(ctx)
		}
		r.stop()
		<-r.ended
		return nil
	}})
	t := &s.w.tally
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.w.ledger.wrongf("%s: Drain: %v", s.name, err)
	}
	t.add("drains", "in all", 1)
	t.add("drained", "closed", int64(report.Closed))
	t.add("drained", "left", int64(report.Left))
	t.add("drained", "failed", int64(report.Failed))
	t.add("drained", "cut", int64(report.Cut))
	r.mu.Lock()
	for c := range r.conns {
		if c.Context().Err() == nil {
			s.w.ledger.wrongf("%s: a connection from %v has outlived Drain", s.name, c.RemoteAddr())
		}
	}
	r.mu.Unlock()
	if r.hs != nil {
		_ = r.hs.Close() // whose request has not arrived
	}
	if again {
		if err := s.start(); err != nil {
			s.w.ledger.wrongf("%s: %v", s.name, err)
		}
	}
	r.stop()
	<-r.ended
	s.w.await(fmt.Sprintf("%s: applications still run after a drain", s.name), r.all.Wait)
}

// certificates are for a TLS server and its clients.
func certificates() (server, client *tls.Config) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	defer pair.Close()
	client = pair.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.ServerName = "example.com"
	server = pair.TLS.Clone()
	server.NextProtos = nil
	return server, client
}
