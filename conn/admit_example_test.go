package conn_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// A limiter bounds how many connections there are.
type limiter struct {
	all, each int // in all, and from one address

	mu   sync.Mutex
	n    int
	from map[netip.Prefix]int
}

// admit is for conn.Options.Admit.
func (l *limiter) admit(_ context.Context, r *handshake.Request) (func(*conn.Conn), error) {
	from, err := source(r.RemoteAddr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.n >= l.all:
		return nil, &handshake.Error{
			Status: http.StatusServiceUnavailable,
			Header: http.Header{"Retry-After": {"10"}},
			Reason: "the server is full",
		}
	case l.from[from] >= l.each:
		return nil, &handshake.Error{Status: http.StatusTooManyRequests, Reason: "too many connections from your address"}
	}
	l.n++
	l.from[from]++
	return func(c *conn.Conn) {
		if c == nil { // the handshake has failed after all
			l.gone(from)
			return
		}
		context.AfterFunc(c.Context(), func() { l.gone(from) })
	}, nil
}

func (l *limiter) gone(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n--
	if l.from[from]--; l.from[from] == 0 {
		delete(l.from, from)
	}
}

// source returns whom a connection is counted for. With IPv6 whoever has one address has a
// whole /64 of them.
//
// Behind a proxy all come from the address of the proxy. Then take the address from the
// field that it sets, for example X-Forwarded-For, in r.Header(): from its last element,
// which the proxy has added. Everything before that, and all of the field if there is no
// proxy that sets it, the client may have written.
func source(remoteAddr string) (netip.Prefix, error) {
	a, err := netip.ParseAddrPort(remoteAddr)
	if err != nil {
		return netip.Prefix{}, err
	}
	bits := 64
	addr := a.Addr().Unmap()
	if addr.Is4() {
		bits = 32
	}
	return addr.WithZone("").Prefix(bits)
}

// At most 10,000 connections, and two from one address.
func ExampleOptions_admit() {
	l := &limiter{all: 10_000, each: 2, from: map[netip.Prefix]int{}}
	handler := conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		return c.Discard(ctx)
	}, &conn.Options{Admit: l.admit})
	server := httptest.NewServer(handler)
	defer server.Close()

	for range 3 {
		c, err := conn.Dial(context.Background(), server.URL, nil)
		if refused, ok := errors.AsType[*handshake.Error](err); ok {
			fmt.Println(refused.Status, http.StatusText(refused.Status))
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		defer c.CloseNow()
		fmt.Println("connected")
	}
	// Output:
	// connected
	// connected
	// 429 Too Many Requests
}
