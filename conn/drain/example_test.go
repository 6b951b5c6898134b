package drain_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/conn/drain"
)

// chat is what a server does with a connection.
func chat(ctx context.Context, c *conn.Conn) error { return c.Discard(ctx) }

// A server that stops: whoever is connected is told so.
func ExampleGroup_Drain() {
	var group drain.Group
	server := &http.Server{Handler: conn.Handler(chat, &conn.Options{Admit: group.Admit})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go server.Serve(ln)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := conn.Dial(ctx, "ws://"+ln.Addr().String(), nil)
	if err != nil {
		log.Fatal(err)
	}
	client := make(chan error)
	go func() { client <- c.Discard(ctx) }()

	report, err := group.Drain(ctx, &drain.Options{Shutdown: server.Shutdown})
	fmt.Printf("%+v %v\n", report, err)
	fmt.Println(<-client)
	// Output:
	// {Closed:1 Left:0 Failed:0 Cut:0} <nil>
	// duplex: closed by the peer: 1001 (going away)
}

// Where something else shuts the server down, the drain begins with it. Shutdown does not
// wait for it.
func ExampleGroup_Drain_registerOnShutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var group drain.Group
	drained := make(chan drain.Report, 1)
	server := &http.Server{Handler: conn.Handler(chat, &conn.Options{Admit: group.Admit})}
	server.RegisterOnShutdown(func() {
		report, err := group.Drain(ctx, nil)
		if err != nil {
			log.Print(err)
		}
		drained <- report
	})

	if err := server.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%+v\n", <-drained)
	// Output: {Closed:0 Left:0 Failed:0 Cut:0}
}

// Listen stops when its context ends.
func ExampleGroup_Admit_listen() {
	var group drain.Group
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	listening, stop := context.WithCancel(context.Background())
	listened := make(chan error, 1)
	go func() {
		listened <- conn.Listen(listening, ln, chat, &conn.ListenOptions{Options: conn.Options{Admit: group.Admit}})
	}()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	report, err := group.Drain(ctx, &drain.Options{Shutdown: func(context.Context) error {
		stop()
		if err := <-listened; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}})
	fmt.Printf("%+v %v\n", report, err)
	// Output: {Closed:0 Left:0 Failed:0 Cut:0} <nil>
}
