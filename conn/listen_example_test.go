package conn_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// A server without net/http. Route looks at the request, and the function that it
// returns knows what was found there.
func ExampleListen() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	greet := func(name string) func(context.Context, *conn.Conn) error {
		return func(ctx context.Context, c *conn.Conn) error {
			return c.Write(ctx, conn.Text, []byte("hello, "+name))
		}
	}
	o := &conn.ListenOptions{
		Route: func(_ context.Context, r *handshake.Request) (func(context.Context, *conn.Conn) error, error) {
			u, err := url.ParseRequestURI(r.Target)
			if err != nil || u.Path != "/greeting" {
				return nil, &handshake.Error{Status: http.StatusNotFound, Reason: "there is nothing at this path"}
			}
			return greet(u.Query().Get("name")), nil
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error)
	go func() { done <- conn.Listen(ctx, ln, nil, o) }()

	c, err := conn.Dial(ctx, "ws://"+ln.Addr().String()+"/greeting?name=Ada", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for m, err := range c.Messages(ctx) {
		fmt.Printf("%s %v\n", m.Data, err)
	}
	_, err = conn.Dial(ctx, "ws://"+ln.Addr().String()+"/other", nil)
	fmt.Println(err)
	cancel()
	fmt.Println(<-done)
	// Output:
	// hello, Ada <nil>
	// handshake: 404 Not Found: the server did not switch to WebSocket
	// context canceled
}
