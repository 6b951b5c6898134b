package handshake

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipeDial makes the options dial to a server on the other end of a pipe.
func pipeDial(o DialOptions, server func(nc net.Conn)) *DialOptions {
	o.Proxy = direct
	o.DialContext = func(context.Context, string, string) (net.Conn, error) {
		c, s := net.Pipe()
		go func() {
			defer s.Close()
			server(s)
		}()
		return c, nil
	}
	return &o
}

// The dial is bounded in time, 10 seconds by default, wherever it hangs.
func TestDialTimeout(t *testing.T) {
	servers := map[string]func(nc net.Conn){
		"never reads":   nil,
		"never answers": func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) },
		"drips": func(nc net.Conn) {
			go func() { _, _ = io.Copy(io.Discard, nc) }()
			for {
				if _, err := io.WriteString(nc, "x"); err != nil {
					return
				}
				time.Sleep(time.Second) // of the bubble's clock
			}
		},
	}
	for _, scheme := range []string{"ws", "wss"} {
		for name, server := range servers {
			for timeout, want := range map[time.Duration]time.Duration{0: 10 * time.Second, 3 * time.Second: 3 * time.Second} {
				t.Run(scheme+"/"+name, func(t *testing.T) {
					if scheme == "wss" && name == "drips" {
						return // no TLS record: an error at once
					}
					synctest.Test(t, func(t *testing.T) {
						over := make(chan struct{})
						defer close(over)
						begin := time.Now()
						_, _, err := Dial(t.Context(), scheme+"://h", pipeDial(DialOptions{Timeout: timeout}, func(nc net.Conn) {
							if server == nil {
								<-over
								return
							}
							server(nc)
						}))
						if got := time.Since(begin); got != want {
							t.Errorf("took %v, want %v", got, want)
						}
						var ne net.Error
						if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
							t.Errorf("error %v", err)
						}
						time.Sleep(2 * time.Second) // until the server has noticed
					})
				})
			}
		}
	}
}

// A negative timeout is none; the context interrupts at once, and its cause is told.
func TestDialCancel(t *testing.T) {
	cause := errors.New("no longer needed")
	for _, scheme := range []string{"ws", "wss"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() {
				time.Sleep(24 * time.Hour)
				cancel(cause)
			}()
			begin := time.Now()
			_, _, err := Dial(ctx, scheme+"://h", pipeDial(DialOptions{Timeout: -1}, func(nc net.Conn) {
				_, _ = io.Copy(io.Discard, nc)
			}))
			if !errors.Is(err, cause) || time.Since(begin) != 24*time.Hour {
				t.Errorf("error %v after %v", err, time.Since(begin))
			}
		})
	}
	// A dial function that heeds the context.
	ctx, cancel := context.WithCancelCause(t.Context())
	_, _, err := Dial(ctx, "ws://h", &DialOptions{
		Proxy: direct,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			cancel(cause)
			<-ctx.Done()
			return nil, ctx.Err()
		},
	})
	if !errors.Is(err, cause) || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// After the dial its context and its time limit have no more power over the
// connection, and a deadline that the dial function has left, even one that has
// passed, disturbs neither.
func TestDialLeavesNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		o := pipeDial(DialOptions{}, func(nc net.Conn) {
			if _, err := Accept(nc, nil); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour)
			if _, err := io.WriteString(nc, "x"); err != nil {
				t.Error(err)
			}
		})
		inner := o.DialContext
		o.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := inner(ctx, network, addr)
			_ = nc.SetDeadline(time.Now().Add(-time.Minute))
			return nc, err
		}
		nc, _, err := Dial(ctx, "ws://h", o)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := io.ReadFull(nc, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		_ = nc.Close()
	})
}

// RFC 6455, section 4.1 (4.1-02, 4.1-33): nothing is sent between request and response.
func TestDialSendsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, _, err := Dial(t.Context(), "ws://h", pipeDial(DialOptions{}, func(nc net.Conn) {
			br := bufio.NewReader(nc)
			r, err := http.ReadRequest(br)
			if err != nil {
				t.Error(err)
				return
			}
			_ = nc.SetReadDeadline(time.Now().Add(5 * time.Second))
			if b, err := br.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read %q, %v", b, err)
			}
			_, _ = io.WriteString(nc, strings.ReplaceAll(accepted, "{accept}", AcceptKey(r.Header.Get(wireKey))))
		}))
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.Close()
	})
}

// The body of a refusal that never ends holds the dial up for 2 seconds only.
func TestDialSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, _, err := Dial(t.Context(), "ws://h", pipeDial(DialOptions{Timeout: -1}, func(nc net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(nc)); err != nil {
				t.Error(err)
			}
			_, _ = io.WriteString(nc, "HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nno")
			_, _ = io.Copy(io.Discard, nc)
		}))
		var e *Error
		if !errors.As(err, &e) || e.Status != 403 || string(e.Body) != "no" || time.Since(begin) != errorBodyTime {
			t.Errorf("error %v after %v", err, time.Since(begin))
		}
	})
}

// The same for a stream that has no deadlines.
func TestDialSlowBodyWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r, w := io.Pipe()
		answer := strings.NewReader("HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nno")
		nc := &bluntConn{scriptConn: scriptConn{r: io.MultiReader(answer, r)}, w: w}
		_, _, err := Dial(t.Context(), "ws://h", &DialOptions{
			Timeout:     time.Hour,
			Proxy:       direct,
			DialContext: func(context.Context, string, string) (net.Conn, error) { return nc, nil },
		})
		var e *Error
		if !errors.As(err, &e) || e.Status != 403 || string(e.Body) != "no" || time.Since(begin) != errorBodyTime {
			t.Errorf("error %v after %v", err, time.Since(begin))
		}
	})
}

// A stream that has no deadlines is closed when the context ends.
func TestDialWithoutDeadlines(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	nc := &bluntConn{scriptConn: scriptConn{r: r}, w: w}
	time.AfterFunc(0, cancel)
	_, _, err := Dial(ctx, "ws://h", &DialOptions{
		Proxy:       direct,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nc, nil },
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A bluntConn has no deadlines.
type bluntConn struct {
	scriptConn
	w *io.PipeWriter
}

func (c *bluntConn) SetDeadline(time.Time) error     { return os.ErrNoDeadline }
func (c *bluntConn) SetReadDeadline(time.Time) error { return os.ErrNoDeadline }
func (c *bluntConn) Close() error                    { return c.w.Close() }

// Closing at once passes no layer over: a wrapper that tells what it wraps, as many
// do, is closed as well.
func TestCloseNow(t *testing.T) {
	inner := &scriptConn{}
	outer := &layerConn{inner: inner}
	closeNow(outer)
	if !outer.closed || !inner.closed {
		t.Errorf("closed: outer %v, inner %v", outer.closed, inner.closed)
	}
	outer = &layerConn{}
	closeNow(outer)
	if !outer.closed {
		t.Error("not closed")
	}
}

// A layerConn wraps another connection.
type layerConn struct {
	scriptConn
	inner net.Conn
}

func (c *layerConn) NetConn() net.Conn { return c.inner }
