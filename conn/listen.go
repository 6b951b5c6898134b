package conn

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/duplexws/duplex/handshake"
)

// ListenOptions are the settings of [Listen]: those of every connection, and those of
// the listener. Nil and the zero value mean the defaults.
type ListenOptions struct {
	Options

	// Route, if not nil, is asked about each request that is right in every other
	// respect, before it is accepted. It returns the function to call for the connection;
	// nil stands for the one that was given to Listen, and is answered with 404 if there
	// is none. This is the place to look at path, query, cookies and tokens: what is found
	// there goes into the function that is returned. An error refuses the request: a
	// [*handshake.Error] says with which status and header, any other is logged and
	// answered with 500. ctx ends when HandshakeTimeout is over.
	//
	// Without Route, every request that is right is accepted, whatever its path.
	Route func(ctx context.Context, r *handshake.Request) (func(ctx context.Context, c *Conn) error, error)

	// ErrorLog takes what is logged; nil is the standard logger.
	ErrorLog *log.Logger
}

// Listen serves WebSocket connections straight from a listener, for programs that have
// no use for net/http on that port: it takes less time and memory than [Handler] behind
// an http.Server. f is called for each connection as Handler does it; its ctx carries the
// values of ctx, but not its end. Requests for something else than a WebSocket connection
// get a complete HTTP response that says so.
//
// Listen accepts connections until ctx ends or ln fails, and closes ln. It returns
// context.Cause(ctx) or the error of ln, which matches net.ErrClosed if ln was closed. By
// then the handshakes that were under way are cut off; connections live on.
//
// For wss, ln is one that tls.NewListener has made. HandshakeTimeout bounds each handshake
// with that of TLS, and so how long a client can hold a place without being accepted. How
// many do so at a time is for the listener to bound.
//
// RFC 6455, section 4.2.
func Listen(ctx context.Context, ln net.Listener, f func(ctx context.Context, c *Conn) error, o *ListenOptions) error {
	if ln == nil {
		return errNoListener
	}
	l := newReception(ctx, f, o)
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	err := l.open(ctx, ln)
	stop()
	_ = ln.Close()
	l.close()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// A reception is one call to Listen: the handshakes that are under way.
type reception struct {
	f         func(ctx context.Context, c *Conn) error
	o         ListenOptions
	opts      options // those of every connection, with their defaults
	handshake handshake.ServerOptions
	base      context.Context

	group  sync.WaitGroup // of greeters
	next   chan net.Conn  // for a greeter that is idle
	mu     sync.Mutex     // guards what follows
	inside map[*greeter]bool
	idle   int
	closed bool
}

func newReception(ctx context.Context, f func(ctx context.Context, c *Conn) error, o *ListenOptions) *reception {
	l := &reception{f: f, base: context.WithoutCancel(ctx), next: make(chan net.Conn), inside: map[*greeter]bool{}}
	if o != nil {
		l.o = *o
	}
	l.opts = l.o.withDefaults()
	l.handshake = l.opts.server()
	return l
}

// How long to wait before trying again when a connection cannot be accepted for want of
// file descriptors or memory.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// open accepts connections until it fails for good.
func (l *reception) open(ctx context.Context, ln net.Listener) error {
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			select {
			case l.next <- nc:
			default:
				l.group.Go(func() { l.greeter(nc) })
			}
			continue
		}
		if t, ok := errors.AsType[interface {
			error
			Temporary() bool
		}](err); !ok || !t.Temporary() || ctx.Err() != nil {
			return err
		}
		pause = min(max(2*pause, firstPause), lastPause)
		logf(l.o.ErrorLog, "duplex: error accepting a connection, trying again in %v: %v", pause, err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// close cuts off the handshakes that are under way and waits until they have ended.
func (l *reception) close() {
	l.mu.Lock()
	l.closed = true
	for g := range l.inside {
		if g.nc != nil {
			_ = cutTransport(g.nc)
		}
	}
	l.mu.Unlock()
	close(l.next)
	l.group.Wait()
}

// accept does the handshake. It returns the function to call for the connection.
func (l *reception) accept(nc net.Conn, a *admission) (c *Conn, f func(context.Context, *Conn) error, err error) {
	var res handshake.Result
	if l.o.Route == nil && a == nil {
		f = l.f
		res, err = handshake.Accept(nc, &l.handshake)
	} else {
		res, f, err = l.check(nc, a)
	}
	if err != nil {
		return nil, nil, err
	}
	c = newServer(l.base, nc, &res, &l.opts)
	c.settleDown(c.Context()) // here, where the stack has grown
	return c, f, nil
}

// check does the handshake and asks Route, which has to know of the path, and Admit.
func (l *reception) check(nc net.Conn, a *admission) (res handshake.Result, f func(context.Context, *Conn) error, err error) {
	o := l.handshake
	o.Check = func(ctx context.Context, r *handshake.Request) error {
		f = l.f
		if l.o.Route != nil {
			routed, err := l.o.Route(ctx, r)
			if err != nil {
				return err
			}
			if routed != nil {
				f = routed
			}
			if f == nil {
				return &handshake.Error{Status: http.StatusNotFound, Reason: "there is nothing at this path"}
			}
		}
		return a.ask(ctx, r)
	}
	res, err = handshake.Accept(nc, &o)
	return res, f, err
}
