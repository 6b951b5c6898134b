package hostile

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// A client dials and runs an application. outcome is the error of the dial, or, if there
// is none, that of the application.
type client struct {
	outcome chan error
	session chan *conn.Conn
}

// visit has a client of ours come to a server of the test, and returns the server's end,
// which is closed with the test, with the request that came.
func visit(t *testing.T, e echo, o conn.Options) (*client, *net.TCPConn, *http.Request) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	c := &client{outcome: make(chan error, 1), session: make(chan *conn.Conn, 1)}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		ws, err := conn.Dial(ctx, "ws://"+ln.Addr().String()+"/echo", &conn.DialOptions{Options: o})
		if err == nil {
			c.session <- ws
			err = e(ctx, ws)
		}
		c.outcome <- err
	}()
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	tcp := prepare(nc)
	// The client sends nothing before it was answered, so nothing is read ahead.
	r, err := http.ReadRequest(bufio.NewReader(nc))
	if err != nil {
		t.Fatal(err)
	}
	return c, tcp, r
}

// accepted is the response that accepts a request.
func accepted(r *http.Request, answer string) string {
	accept := handshake.AcceptKey(r.Header.Get("Sec-WebSocket-Key"))
	return strings.Replace(response(answer), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept, 1)
}

// TestClients runs every row of the common tables, and those that are about masking,
// against clients.
func TestClients(t *testing.T) {
	for _, table := range append(tables(), clientRows) {
		t.Run(table.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range table.rows {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					for _, e := range []echo{byRead, byServe} {
						for _, d := range ways(len(encode(r.send, false))) {
							if table.trailing == nil || d != bytewise {
								runClient(t, e, &table, &r, d)
							}
						}
					}
				})
			}
		})
	}
}

// runClient runs a row against a client.
func runClient(t *testing.T, e echo, table *table, r *row, d delivery) {
	t.Helper()
	c, nc, req := visit(t, e, table.options)
	bytes := encode(r.send, false)
	if table.trailing != nil {
		bytes += table.trailing(false)
	}
	response := accepted(req, table.extension.response)
	if d == coalesced {
		bytes = response + bytes
	} else {
		deliver(nc, response, d)
	}
	sent := make(chan struct{})
	go func() {
		deliver(nc, bytes, d)
		close(sent)
	}()

	want, why := asClient(r.want), r.end.err
	var got strings.Builder
	expect := func(frames string) {
		want += frames
		_, _ = io.CopyN(&got, nc, int64(maskedLen(want)-got.Len()))
	}
	switch r.end.kind {
	case isOpen:
		expect("")
		<-sent
		deliver(nc, encode(ping, false), d)
		expect(pong)
		deliver(nc, encode(goodbye, false), d)
		expect(goodbyeAnswer)
		why = epilogueError
		closeFirst(t, nc)
	case isClosed:
		expect(r.end.bytes)
		<-sent
		closeFirst(t, nc)
	case isFailure:
		want += r.end.bytes // it is the client who ends the stream
	case isLost:
		expect("")
		<-sent
		_ = nc.CloseWrite()
	}
	_, err := io.Copy(&got, nc)
	_ = nc.Close()
	<-sent
	unmasked, wrong := unmask(got.String())
	if diff := cmp.Diff(want, unmasked); diff != "" || err != nil || wrong != nil {
		t.Errorf("%s: bytes (-want +got), %v, %v:\n%s", deliveryNames[d], err, wrong, diff)
	}
	if diff := cmp.Diff(why, fmt.Sprint(await(t, c.outcome))); diff != "" {
		t.Fatalf("%s: error of the application (-want +got):\n%s", deliveryNames[d], diff)
	}
	if ws := await(t, c.session); ws != nil {
		<-ws.Context().Done()
	}
}

// closeFirst ends the stream as the server has to, after it has sent some more. A client
// that did not wait would answer that with a reset.
//
// RFC 6455, section 7.1.1.
func closeFirst(t *testing.T, nc *net.TCPConn) {
	t.Helper()
	for range 2 {
		if _, err := io.WriteString(nc, encode(send(f(0x89, "late")), false)); err != nil {
			t.Errorf("the client has closed the stream first: %v", err)
		}
	}
	_ = nc.CloseWrite()
}
