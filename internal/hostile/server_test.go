package hostile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
)

// patience bounds every wait on a socket. No test waits as long unless it fails.
const patience = 30 * time.Second

// extension is what a handshake says about extensions, "" for nothing.
type extension struct {
	offer, answer string // of a client of ours, and of the server that is tested
	response      string // of a server of ours
}

// request is the opening handshake of a client, which makes the given offer.
func request(offer string) string {
	if offer != "" {
		offer = "Sec-WebSocket-Extensions: " + offer + "\r\n"
	}
	return "GET /echo HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" + offer + "\r\n"
}

// response is the answer to request.
func response(answer string) string {
	if answer != "" {
		answer = "Sec-WebSocket-Extensions: " + answer + "\r\n"
	}
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" + answer + "\r\n"
}

// An echo is an application: it sends back what comes, never compressed.
type echo func(ctx context.Context, c *conn.Conn) error

func byRead(ctx context.Context, c *conn.Conn) error {
	for {
		t, p, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if err := c.Write(ctx, t.Plain(), p); err != nil {
			return err
		}
	}
}

func byServe(ctx context.Context, c *conn.Conn) error {
	return c.Serve(ctx, func(r *conn.Replier, m conn.Message) error { return r.Write(m.Type.Plain(), m.Data) })
}

// A server is one that is tested.
type server struct {
	name  string
	addr  string
	mu    sync.Mutex
	ended map[string]chan string // by the client's address: the error of the application
	log   bytes.Buffer
	group sync.WaitGroup // applications that run
}

// Write takes what is logged.
func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

// end returns the channel for the error of the application that serves a client.
func (s *server) end(client string) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended[client] == nil {
		s.ended[client] = make(chan string, 1)
	}
	return s.ended[client]
}

// serve is an application that reports its error.
func (s *server) serve(e echo) echo {
	return func(ctx context.Context, c *conn.Conn) error {
		s.group.Add(1)
		defer s.group.Done()
		err := e(ctx, c)
		s.end(c.RemoteAddr().String()) <- fmt.Sprint(err)
		return err
	}
}

// start starts a server; over says with what: "net/http" or "Listen". It ends with the test,
// and must have logged nothing then.
func start(t *testing.T, over string, e echo, o conn.Options) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{name: over, addr: ln.Addr().String(), ended: map[string]chan string{}}
	logger := log.New(s, "", 0)
	var stop func()
	stopped := make(chan struct{})
	if over == "net/http" {
		h := &http.Server{Handler: conn.Handler(s.serve(e), &o), ErrorLog: logger}
		stop = func() { _ = h.Close() }
		go func() {
			_ = h.Serve(ln)
			close(stopped)
		}()
	} else {
		ctx, cancel := context.WithCancel(context.Background())
		stop = cancel
		go func() {
			_ = conn.Listen(ctx, ln, s.serve(e), &conn.ListenOptions{Options: o, ErrorLog: logger})
			close(stopped)
		}()
	}
	t.Cleanup(func() {
		stop()
		<-stopped
		s.group.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.log.Len() > 0 {
			t.Errorf("%s: logged:\n%s", s.name, s.log.String())
		}
	})
	return s
}

// startAll starts a server of each kind.
func startAll(t *testing.T, o conn.Options) []*server {
	t.Helper()
	var all []*server
	for _, over := range []string{"net/http", "Listen"} {
		all = append(all, start(t, over, byRead, o), start(t, over, byServe, o))
		all[len(all)-1].name += ", Serve"
	}
	return all
}

// await waits for something that has to happen.
func await[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Error("it does not happen")
	}
	return v
}

// dial connects to a server. The connection is closed with the test.
func (s *server) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	return prepare(nc)
}

// prepare bounds what is waited for on an end of the test. Closing it resets the stream:
// by then the test has seen all, and no port is to be kept for a minute after it.
func prepare(nc net.Conn) *net.TCPConn {
	tcp := nc.(*net.TCPConn)
	_ = tcp.SetDeadline(time.Now().Add(patience))
	_ = tcp.SetLinger(0)
	return tcp
}

// deliver writes b in the given way. The peer may have ended the connection before it has
// all, which shows in what comes back.
func deliver(nc net.Conn, b string, d delivery) {
	if d != bytewise {
		_, _ = io.WriteString(nc, b)
		return
	}
	for i := range len(b) {
		if _, err := io.WriteString(nc, b[i:i+1]); err != nil {
			return
		}
	}
}

// TestServers runs every row of the common tables, and those that are about masking,
// against servers.
func TestServers(t *testing.T) {
	for _, table := range append(tables(), serverRows) {
		t.Run(table.name, func(t *testing.T) {
			t.Parallel()
			servers := startAll(t, table.options)
			for _, r := range table.rows {
				t.Run(r.name, func(t *testing.T) {
					t.Parallel()
					for _, s := range servers {
						for _, d := range ways(len(encode(r.send, true))) {
							if table.trailing == nil || d != bytewise {
								s.run(t, &table, &r, d)
							}
						}
					}
				})
			}
		})
	}
}

// run runs a row against a server.
func (s *server) run(t *testing.T, table *table, r *row, d delivery) {
	t.Helper()
	nc := s.dial(t)
	ended := s.end(nc.LocalAddr().String())
	bytes := encode(r.send, true)
	if table.trailing != nil {
		bytes += table.trailing(true)
	}
	want := response(table.extension.answer)
	var got strings.Builder
	sent := make(chan struct{})
	if d == coalesced {
		bytes = request(table.extension.offer) + bytes
	} else {
		deliver(nc, request(table.extension.offer), d)
		_, _ = io.CopyN(&got, nc, int64(len(want)))
	}
	go func() {
		deliver(nc, bytes, d)
		close(sent)
	}()
	want += r.want
	why := r.end.err
	switch r.end.kind {
	case isOpen:
		_, _ = io.CopyN(&got, nc, int64(len(want)-got.Len()))
		<-sent
		deliver(nc, encode(ping, true), d)
		want += pong
		_, _ = io.CopyN(&got, nc, int64(len(want)-got.Len()))
		deliver(nc, encode(goodbye, true), d)
		want += goodbyeAnswer
		why = epilogueError
	case isLost:
		<-sent
		_ = nc.CloseWrite()
	}
	want += r.end.bytes
	// RFC 6455, section 7.1.1: the server closes first. This end is still open.
	_, err := io.Copy(&got, nc)
	_ = nc.Close()
	<-sent
	if diff := cmp.Diff(want, got.String()); diff != "" || err != nil {
		t.Errorf("%s, %s: bytes (-want +got), %v:\n%s", s.name, deliveryNames[d], err, diff)
	}
	if diff := cmp.Diff(why, await(t, ended)); diff != "" {
		t.Errorf("%s, %s: error of the application (-want +got):\n%s", s.name, deliveryNames[d], diff)
	}
}

// What open stands for: a Ping and a Close are answered, and the application is told.
var (
	ping          = send(f(0x89, "still there?"))
	pong          = got(0x8A, "still there?")
	goodbye       = send(f(0x88, closing(1000, "done")))
	goodbyeAnswer = got(0x88, closing(1000, "done"))
	epilogueError = `duplex: closed by the peer: 1000 (normal closure): "done"`
)
