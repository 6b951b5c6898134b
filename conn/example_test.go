package conn_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
)

// A server that sends back every message.
func ExampleHandler() {
	http.Handle("/echo", conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		for m, err := range c.Messages(ctx) {
			if err != nil {
				return err
			}
			if err := c.Write(ctx, m.Type, m.Data); err != nil {
				return err
			}
		}
		return nil
	}, nil))
	log.Print(http.ListenAndServe("127.0.0.1:8080", nil))
}

// A client that sends one message and waits for the answer.
func ExampleDial() {
	server := httptest.NewServer(conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		t, p, err := c.Read(ctx)
		if err != nil {
			return err
		}
		return c.Write(ctx, t, append([]byte("you said "), p...))
	}, nil))
	defer server.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	c, err := conn.Dial(ctx, server.URL, nil) // ws://, wss://, http:// or https://
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()

	if err := c.Write(ctx, conn.Text, []byte("hello")); err != nil {
		log.Fatal(err)
	}
	_, p, err := c.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", p)
	fmt.Println(c.Close(ctx, conn.StatusNormalClosure, ""))
	// Output:
	// you said hello
	// <nil>
}

// Accept fits where a handler has more to do than to hold a connection.
func ExampleAccept() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r, &conn.Options{Subprotocols: []string{"greeting.example"}})
		if err != nil {
			return // the client has got an HTTP response that says why
		}
		defer c.CloseNow()
		ctx := c.Context()
		if err := c.Write(ctx, conn.Text, []byte("welcome to "+c.Subprotocol())); err != nil {
			return
		}
		_ = c.Close(ctx, conn.StatusNormalClosure, "that was all")
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	defer server.Close()

	ctx := context.Background()
	c, err := conn.Dial(ctx, server.URL, &conn.DialOptions{
		Options: conn.Options{Subprotocols: []string{"greeting.example"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	for m, err := range c.Messages(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v: %s\n", m.Type, m.Data)
	}
	// Output: text: welcome to greeting.example
}

// New takes over a stream whose opening handshake was done elsewhere, here by package
// handshake on a listener of one's own, without net/http.
func ExampleNew() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		res, err := handshake.Accept(nc, nil)
		if err != nil {
			return // the client has got an HTTP response that says why
		}
		c := conn.New(nc, conn.Start{Role: conn.Server, Buffered: res.Buffered}, nil)
		defer c.CloseNow()
		_ = c.Write(context.Background(), conn.Text, []byte("no net/http here"))
		_ = c.Close(context.Background(), conn.StatusGoingAway, "")
	}()

	ctx := context.Background()
	c, err := conn.Dial(ctx, "ws://"+l.Addr().String(), nil)
	if err != nil {
		log.Fatal(err)
	}
	_, p, err := c.Read(ctx)
	fmt.Printf("%s %v\n", p, err)
	_, _, err = c.Read(ctx)
	fmt.Println(err)
	// Output:
	// no net/http here <nil>
	// duplex: closed by the peer: 1001 (going away)
}

// Hooks tell a log or a metric what happens on all connections of a server.
func ExampleHooks() {
	var received, onTheWire int64 // of one connection here; of many they are atomic
	hooks := &conn.Hooks{
		Received: func(_ *conn.Conn, m conn.Traffic) {
			received += m.Size
			onTheWire += m.Wire
		},
		Closed: func(_ *conn.Conn, err error) {
			fmt.Println("compressed:", onTheWire < received)
			if ce, ok := errors.AsType[*conn.CloseError](err); ok && !ce.Answer {
				fmt.Println("the peer closed with", ce.Code)
			}
		},
	}
	z := &conn.Compression{}
	client, server := conn.Pipe(&conn.Options{Compression: z}, &conn.Options{Compression: z, Hooks: hooks})
	ended := make(chan error)
	go func() { ended <- server.Discard(context.Background()) }()

	_ = client.Write(context.Background(), conn.Text, []byte(strings.Repeat("again and ", 100)))
	_ = client.Close(context.Background(), conn.StatusGoingAway, "")
	<-ended
	// Output:
	// compressed: true
	// the peer closed with 1001 (going away)
}

// Errors tell who ended the connection and why, without a look at their text.
func ExampleCloseError() {
	client, server := conn.Pipe(nil, nil)
	go server.Discard(context.Background()) // somebody has to read
	_ = client.Close(context.Background(), 4000, "goodbye")

	_, _, err := server.Read(context.Background())
	if ce, ok := errors.AsType[*conn.CloseError](err); ok {
		fmt.Println(ce.Code, ce.Reason)
	}
	fmt.Println(errors.Is(err, net.ErrClosed))
	// Output:
	// 4000 goodbye
	// true
}

// A FailError names the rule that the peer has broken.
func ExampleFailError() {
	client, server := conn.Pipe(nil, &conn.Options{ReadLimit: 5})
	defer client.CloseNow()
	go client.Discard(context.Background())
	_ = client.Write(context.Background(), conn.Text, []byte("too long"))

	_, _, err := server.Read(context.Background())
	if fail, ok := errors.AsType[*conn.FailError](err); ok {
		fmt.Println(fail.Violation == frame.MessageTooBig, fail.Violation.Code())
	}
	// Output: true 1009 (message too big)
}

// A read that was cancelled has lost nothing.
func ExampleConn_Read() {
	client, server := conn.Pipe(nil, nil)
	defer client.CloseNow()

	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	_, _, err := server.Read(ctx)
	cancel()
	fmt.Println(errors.Is(err, context.DeadlineExceeded))

	_ = client.Write(context.Background(), conn.Text, []byte("still here"))
	_, p, err := server.Read(context.Background())
	fmt.Printf("%s %v\n", p, err)
	// Output:
	// true
	// still here <nil>
}

// A loop that reads into the same memory again does not allocate.
func ExampleConn_ReadAppend() {
	client, server := conn.Pipe(nil, nil)
	defer client.CloseNow()
	ctx := context.Background()
	go func() {
		_ = client.Write(ctx, conn.Text, []byte("one"))
		_ = client.Write(ctx, conn.Text, []byte("two"))
	}()
	buf := make([]byte, 0, 1024)
	for range 2 {
		t, p, err := server.ReadAppend(ctx, buf[:0])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v: %s\n", t, p)
		buf = p
	}
	// Output:
	// text: one
	// text: two
}

// A Writer sends a message piece by piece, a Reader receives it that way.
func ExampleConn_Writer() {
	client, server := conn.Pipe(nil, nil)
	defer client.CloseNow()
	ctx := context.Background()

	w, err := client.Writer(ctx, conn.Text)
	if err != nil {
		log.Fatal(err)
	}
	for i := range 3 {
		fmt.Fprintf(w, "line %d\n", i)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	_, r, err := server.Reader(ctx)
	if err != nil {
		log.Fatal(err)
	}
	p, err := io.ReadAll(r)
	fmt.Printf("%s%v\n", p, err)
	// Output:
	// line 0
	// line 1
	// line 2
	// <nil>
}

// A program that only writes lets Discard answer the peer.
func ExampleConn_Discard() {
	client, server := conn.Pipe(nil, nil)
	ctx := context.Background()
	go server.Discard(ctx)
	go func() {
		for i := range 3 {
			if server.Write(ctx, conn.Text, fmt.Appendf(nil, "update %d", i)) != nil {
				return // the client has gone
			}
		}
		_ = server.Close(ctx, conn.StatusNormalClosure, "")
	}()
	for m, err := range client.Messages(ctx) {
		fmt.Printf("%s %v\n", m.Data, err)
	}
	// Output:
	// update 0 <nil>
	// update 1 <nil>
	// update 2 <nil>
}

// A message for many connections is encoded once.
func ExamplePrepare() {
	m, err := conn.Prepare(conn.Text, []byte("to all"))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for range 2 {
		client, server := conn.Pipe(nil, nil)
		_ = server.WritePrepared(ctx, m)
		_, p, err := client.Read(ctx)
		fmt.Printf("%s %v\n", p, err)
		_ = client.CloseNow()
		_ = server.CloseNow()
	}
	// Output:
	// to all <nil>
	// to all <nil>
}

// A feed of which a receiver that does not keep up misses what is old.
func ExampleOverflow() {
	client, server := conn.Pipe(nil, &conn.Options{PostLimit: 40, PostOverflow: conn.OverflowDropOldest})
	defer client.CloseNow()
	defer server.CloseNow()
	ctx := context.Background()
	busy, err := server.Writer(ctx, conn.Text) // as if the client were slow
	if err != nil {
		log.Fatal(err)
	}
	for i := range 10 {
		m, err := conn.Prepare(conn.Text, fmt.Appendf(nil, "%d.00 euros", i))
		if err == nil {
			err = server.Post(m)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	waiting, dropped := server.Backlog()
	fmt.Printf("%d bytes are waiting, %d messages were dropped\n", waiting, dropped)
	_ = busy.Close()
	for range 1 + 4 {
		_, p, err := client.Read(ctx)
		fmt.Printf("%q %v\n", p, err)
	}
	// Output:
	// 40 bytes are waiting, 6 messages were dropped
	// "" <nil>
	// "6.00 euros" <nil>
	// "7.00 euros" <nil>
	// "8.00 euros" <nil>
	// "9.00 euros" <nil>
}

// Messages are compressed if both sides have switched that on.
func ExampleCompression() {
	o := &conn.Options{Compression: &conn.Compression{Level: 6}}
	server := httptest.NewServer(conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		for m, err := range c.Messages(ctx) {
			if err != nil {
				return err
			}
			if err := c.Write(ctx, m.Type, m.Data); err != nil {
				return err
			}
		}
		return nil
	}, o))
	defer server.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := conn.Dial(ctx, server.URL, &conn.DialOptions{Options: *o})
	if err != nil {
		log.Fatal(err)
	}
	defer c.CloseNow()
	fmt.Println(c.ResponseHeader().Get("Sec-WebSocket-Extensions"))

	if err := c.Write(ctx, conn.Text, []byte(strings.Repeat("compressible ", 100))); err != nil {
		log.Fatal(err)
	}
	_, p, err := c.Read(ctx)
	fmt.Println(len(p), err)
	// Output:
	// permessage-deflate; server_max_window_bits=12; client_max_window_bits=12
	// 1300 <nil>
}

// A message for many connections is compressed once, whether they compress or not and
// whatever was sent on them before. A secret goes out plain, so that its size does not
// tell what it has in common with other messages.
func ExampleMessageType_Plain() {
	update, err := conn.Prepare(conn.Text, []byte(`{"prices":[`+strings.Repeat(`{"id":1,"price":100},`, 50)+`{}]}`))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for _, o := range []*conn.Options{nil, {Compression: &conn.Compression{}}} {
		client, server := conn.Pipe(o, o)
		_ = server.WritePrepared(ctx, update)
		_ = server.Write(ctx, conn.Text.Plain(), []byte("token=12345"))
		for range 2 {
			_, p, err := client.Read(ctx)
			fmt.Println(len(p), err)
		}
		_ = client.CloseNow()
		_ = server.CloseNow()
	}
	// Output:
	// 1065 <nil>
	// 11 <nil>
	// 1065 <nil>
	// 11 <nil>
}

// AsNetConn carries any protocol that wants a stream.
func ExampleAsNetConn() {
	client, server := conn.Pipe(nil, nil)
	a, b := conn.AsNetConn(client, conn.Binary), conn.AsNetConn(server, conn.Binary)
	go func() {
		fmt.Fprint(a, "a stream, ")
		fmt.Fprint(a, "not messages")
		a.Close()
	}()
	p, err := io.ReadAll(b)
	fmt.Printf("%s %v\n", p, err)
	// Output: a stream, not messages <nil>
}
