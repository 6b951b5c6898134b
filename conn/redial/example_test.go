package redial_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/conn/redial"
)

// A client that stays connected, whatever its server does.
func ExampleConns() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	server := unreliable()
	defer server.Close()

	dial := func(ctx context.Context) (*conn.Conn, error) { return conn.Dial(ctx, server.URL, nil) }
	for c, err := range redial.Conns(ctx, dial, &redial.Options{First: time.Millisecond}) {
		if err != nil {
			fmt.Println(err)
			continue // with another attempt; the loop ends by itself if there is no use in it
		}
		for m, err := range c.Messages(ctx) {
			if err != nil {
				fmt.Println(err)
				break
			}
			fmt.Printf("%s\n", m.Data)
		}
	}
	// Output:
	// handshake: 500 Internal Server Error: the server did not switch to WebSocket
	// hello 2
	// hello 3
	// handshake: 410 Gone: the server did not switch to WebSocket
}

// unreliable starts a server that fails at first, closes each connection soon, and is gone
// at last.
func unreliable() *httptest.Server {
	var n atomic.Int32
	greet := conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		return c.Write(ctx, conn.Text, fmt.Appendf(nil, "hello %d", n.Load()))
	}, nil)
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2, 3:
			greet.ServeHTTP(w, r)
		default:
			w.WriteHeader(http.StatusGone)
		}
	}))
}
