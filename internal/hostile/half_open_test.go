package hostile

import (
	"context"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/duplexws/duplex/conn"
)

// Thousands of clients that begin a handshake and do not go on: each holds little, they
// keep nobody else out, and they hold nothing when Listen has ended.
func TestHalfOpen(t *testing.T) {
	const n = 2000
	warmUp(t, n)
	for _, begun := range []struct{ name, bytes string }{
		{"nothing", ""},
		{"half a request", get()[:100]},
		{"a field that goes on", strings.TrimSuffix(get("Cookie: "+x(1000)), "\r\n\r\n")},
	} {
		t.Run(begun.name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := &server{name: "Listen", addr: ln.Addr().String(), ended: map[string]chan string{}}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stopped := make(chan error, 1)
			before := measure()
			go func() {
				stopped <- conn.Listen(ctx, ln, s.serve(byRead), &conn.ListenOptions{Options: conn.Options{HandshakeTimeout: -1}})
			}()
			c := gather(t, s, n, begun.bytes, "")
			befriend(t, s) // who has come last is served, so all others were accepted before
			expectUsage(t, before, n, 14<<10, 1)
			cancel()
			await(t, stopped)
			s.group.Wait()
			for _, nc := range c.conns {
				_, _ = io.Copy(io.Discard, nc) // ends, in one way or another
				_ = nc.Close()
			}
			c.conns = nil // what is left is the server's
			expectCalm(t, before, n)
		})
	}
}

// requestTimeout is what a client gets that has begun a request and not finished it in
// time. Without a byte there is no answer.
var requestTimeout = regexp.MustCompile(`^HTTP/1\.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 85\r\n` +
	aDate.String() + `X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n408 Request Timeout\n\nthe request was not complete in time: context deadline exceeded\n$`)

// A handshake has a time, however it is spent.
func TestSlowHandshakes(t *testing.T) {
	s := start(t, "Listen", byRead, conn.Options{HandshakeTimeout: 300 * time.Millisecond})
	for _, slow := range []struct {
		name  string
		begin string
		drip  string // sent again and again
		said  *regexp.Regexp
	}{
		{"nothing", "", "", regexp.MustCompile(`^$`)},
		{"half a request", get()[:100], "", requestTimeout},
		{"a request without its end", strings.TrimSuffix(get(), "\r\n"), "", requestTimeout},
		{"a byte now and then", "GET /", "a", requestTimeout},
		{"a field now and then", strings.TrimSuffix(get(), "\r\n"), "A: b\r\n", requestTimeout},
	} {
		t.Run(slow.name, func(t *testing.T) {
			t.Parallel()
			nc := s.dial(t)
			_, _ = io.WriteString(nc, slow.begin)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for tick := time.NewTicker(20 * time.Millisecond); slow.drip != ""; <-tick.C {
					if _, err := io.WriteString(nc, slow.drip); err != nil {
						return
					}
				}
			}()
			answer, err := io.ReadAll(nc)
			if !slow.said.Match(answer) || err != nil {
				t.Errorf("got %q, %v, want %v", answer, err, slow.said)
			}
			_ = nc.Close()
			<-done
		})
	}
}
