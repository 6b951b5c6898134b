package redial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/internal/pipe"
)

// events notes what a client goes through.
func events(ctx context.Context, dial func(context.Context) (*conn.Conn, error)) []string {
	var log []string
	for c, err := range Conns(ctx, dial, nil) {
		if err != nil {
			log = append(log, err.Error())
			continue
		}
		log = append(log, "connected")
		err := c.Discard(ctx)
		if ce, ok := errors.AsType[*conn.CloseError](err); ok {
			log = append(log, fmt.Sprint(ce.Code))
		}
	}
	return log
}

// A client goes from connection to connection, whatever their end, over all that fails on
// the way, until there is no use in it.
//
// RFC 6455, section 7.2.3.
func TestConns(t *testing.T) {
	closing := func(code conn.StatusCode) func(context.Context) (*conn.Conn, error) {
		return func(ctx context.Context) (*conn.Conn, error) {
			c, peer := conn.Pipe(nil, nil)
			go peer.Close(ctx, code, "")
			return c, nil
		}
	}
	failing := func(err error) func(context.Context) (*conn.Conn, error) {
		return func(context.Context) (*conn.Conn, error) { return nil, err }
	}
	gone := answer(http.StatusGone)
	steps := []func(context.Context) (*conn.Conn, error){
		failing(errDown),
		closing(conn.StatusNormalClosure),
		closing(conn.StatusGoingAway),
		failing(nil),
		closing(conn.StatusPolicyViolation),
		failing(gone),
		closing(conn.StatusNormalClosure), // too late
	}
	synctest.Test(t, func(t *testing.T) {
		n := 0
		got := events(t.Context(), func(ctx context.Context) (*conn.Conn, error) {
			n++
			return steps[n-1](ctx)
		})
		want := []string{
			errDown.Error(),
			"connected", "1000 (normal closure)",
			"connected", "1001 (going away)",
			errNothing.Error(),
			"connected", "1008 (policy violation)",
			gone.Error(),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// An iterator begins anew each time.
func TestConnsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		conns := Conns(t.Context(), func(context.Context) (*conn.Conn, error) {
			dials++
			return nil, errDown
		}, nil)
		for n := range 3 {
			begun := time.Now()
			for _, err := range conns {
				if err != errDown || dials != n+1 || time.Since(begun) > 0 {
					t.Errorf("%v, %d dials, after %v", err, dials, time.Since(begun))
				}
				break
			}
		}
	})
}

// The iteration ends with its context wherever it is, and says nothing of it.
func TestConnsEnd(t *testing.T) {
	const limit = 3 * time.Hour
	wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, tc := range []struct {
		name  string
		limit time.Duration
		dial  func(ctx context.Context) (*conn.Conn, error)
		want  int // pairs
		dials int
	}{
		{"before it begins", -1, nil, 0, 0},
		{"while dialling", limit, func(ctx context.Context) (*conn.Conn, error) { return nil, wait(ctx) }, 0, 1},
		{
			"while pausing", time.Hour / 2, func(context.Context) (*conn.Conn, error) {
				return nil, answer(503, "Retry-After", "3600")
			}, 1, 1,
		},
		{"while connected", limit, nil, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tc.limit)
				defer cancel()
				if tc.dial == nil {
					tc.dial = func(context.Context) (*conn.Conn, error) { return connected(t), nil }
				}
				begun, pairs, dials := time.Now(), 0, 0
				dial := func(ctx context.Context) (*conn.Conn, error) { dials++; return tc.dial(ctx) }
				conns := Conns(ctx, dial, nil)
				for range 3 { // and twice more after the end
					for c, err := range conns {
						pairs++
						if err == nil {
							_ = c.Discard(ctx)
						}
					}
					if pairs != tc.want || dials != tc.dials || time.Since(begun) != max(tc.limit, 0) {
						t.Errorf("%d pairs, %d dials, after %v", pairs, dials, time.Since(begun))
					}
				}
			})
		})
	}
}

// A connection does not outlive the body of the loop, however that ends.
func TestConnsCut(t *testing.T) {
	for _, how := range []string{"continue", "break", "panic"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var last *conn.Conn
				dial := func(context.Context) (*conn.Conn, error) {
					if last != nil {
						cancel()
						return nil, ctx.Err()
					}
					return connected(t), nil
				}
				func() {
					defer func() { _ = recover() }()
					for c := range Conns(ctx, dial, nil) {
						last = c
						if how == "break" {
							break
						}
						if how == "panic" {
							panic(how)
						}
					}
				}()
				if last == nil || last.Context().Err() == nil {
					t.Error("the connection lives")
				}
				cancel()
			})
		})
	}
}

// What is tried again and what is not, by the errors that conn.Dial returns.
func TestFinal(t *testing.T) {
	const u = "ws://h/"
	type test struct {
		name   string
		url    string
		answer string // of the server; "": it hangs up
		want   bool
	}
	tests := []test{
		{"no URL", "", "", true},
		{"another scheme", "ftp://h/", "", true},
		{"a fragment", u + "#f", "", true},
		{"a bad escape", "ws://h/%zz", "", true},
		{"no answer", u, "", false},
		{"no HTTP", u, "hello\r\n\r\n", false},
		{"no valid handshake", u, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", true},
		{"redirect without end", u, "HTTP/1.1 302 Found\r\nLocation: /\r\nConnection: close\r\n\r\n", true},
		{"redirect to nowhere", u, "HTTP/1.1 302 Found\r\nConnection: close\r\n\r\n", true},
		{"no TLS", "wss://h/", "HTTP/1.1 400 Bad Request\r\n\r\n", false},
	}
	for status, want := range map[int]bool{
		200: true, 204: true, 304: true, 400: true, 401: true, 403: true, 404: true, 405: true, 407: true,
		408: false, 410: true, 425: false, 426: true, 429: false, 451: true, 499: true, 500: false,
		501: true, 502: false, 503: false, 504: false, 505: true, 507: false, 511: false, 599: false,
	} {
		head := fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status)
		tests = append(tests, test{fmt.Sprint(status), u, head, want})
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := conn.Dial(t.Context(), tc.url, &conn.DialOptions{
					Proxy:       func(*url.URL) (*url.URL, error) { return nil, nil },
					DialContext: func(context.Context, string, string) (net.Conn, error) { return answering(tc.answer), nil },
				})
				if err == nil {
					_ = c.CloseNow()
					t.Fatal("connected")
				}
				if got := final(err); got != tc.want {
					t.Errorf("final: %t, of %v", got, err)
				}
			})
		})
	}
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"something else", errDown, false},
		{"a wrapped answer", fmt.Errorf("dial: %w", answer(404)), true},
		{"no network", &handshake.Error{Section: "4.1", Err: errDown}, false},
		{"none", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := final(tc.err); got != tc.want {
				t.Errorf("final: %t", got)
			}
		})
	}
}

// answering returns a stream to a server that says something and hangs up.
func answering(what string) net.Conn {
	client, server := pipe.New(0)
	go func() {
		_, _ = server.Read(make([]byte, 4096))
		_, _ = server.Write([]byte(what))
		_ = server.Close()
	}()
	return client
}
