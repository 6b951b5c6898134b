package handshake

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// direct is a choice of proxy that chooses none.
func direct(*url.URL) (*url.URL, error) { return nil, nil }

// testTLS returns the configurations of a server for example.com and 127.0.0.1 and
// of a client that trusts it.
func testTLS(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: pool}
}

// acceptOne runs f on the first connection of a listener; the test waits for it.
func acceptOne(t testing.TB, l net.Listener, f func(nc net.Conn)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		f(nc)
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
}

// greet accepts a handshake and says hello at once.
func greet(t testing.TB, nc net.Conn) {
	if _, err := Accept(nc, nil); err != nil {
		t.Errorf("Accept: %v", err)
		return
	}
	if _, err := io.WriteString(nc, "hello"); err != nil {
		t.Errorf("Write: %v", err)
	}
	_, _ = io.Copy(io.Discard, nc)
}

// expectHello reads what greet has sent and closes.
func expectHello(t testing.TB, nc net.Conn, result Result) {
	t.Helper()
	b := append([]byte(nil), result.Buffered...)
	rest := make([]byte, len("hello")-len(b))
	if _, err := io.ReadFull(nc, rest); err != nil {
		t.Errorf("Read: %v", err)
	}
	if got := string(append(b, rest...)); got != "hello" {
		t.Errorf("got %q", got)
	}
	_ = nc.Close()
}

// Dial meets Accept over TCP.
func TestDialTCP(t *testing.T) {
	l := listen(t)
	acceptOne(t, l, func(nc net.Conn) { greet(t, nc) })
	nc, result, err := Dial(t.Context(), "ws://"+l.Addr().String()+"/", &DialOptions{Proxy: direct})
	if err != nil {
		t.Fatal(err)
	}
	expectHello(t, nc, result)
}

// Dial with nil options.
func TestDialNil(t *testing.T) {
	l := listen(t)
	acceptOne(t, l, func(nc net.Conn) { greet(t, nc) })
	nc, result, err := Dial(t.Context(), "ws://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	expectHello(t, nc, result)
}

// RFC 6455, section 4.1, step 5 (3-03, 4.1-12, 4.1-14, 4.1-15, 10.6-01): TLS comes
// first, names the host, offers http/1.1 only, and leaves the caller's config alone.
func TestDialTLS(t *testing.T) {
	server, client := testTLS(t)
	client.NextProtos = []string{"h2"}
	var hello *tls.ClientHelloInfo
	server.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		hello = h
		return nil, nil
	}
	l := listen(t)
	acceptOne(t, l, func(nc net.Conn) { greet(t, tls.Server(nc, server)) })
	o := &DialOptions{
		TLS: client, Proxy: direct,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr != "example.com:443" || network != "tcp" {
				t.Errorf("dialled %s %s", network, addr)
			}
			return net.Dial("tcp", l.Addr().String())
		},
	}
	nc, result, err := Dial(t.Context(), "WSS://Example.com/", o)
	if err != nil {
		t.Fatal(err)
	}
	if hello.ServerName != "example.com" {
		t.Errorf("server name %q", hello.ServerName)
	}
	// RFC 6455, section 10.6 (10.6-03): the defaults of crypto/tls.
	for _, v := range hello.SupportedVersions {
		if v < tls.VersionTLS12 {
			t.Errorf("version %x was offered", v)
		}
	}
	if diff := cmp.Diff([]string{"http/1.1"}, hello.SupportedProtos); diff != "" {
		t.Errorf("protocols (-want +got):\n%s", diff)
	}
	if client.ServerName != "" || client.NextProtos[0] != "h2" {
		t.Error("the caller's config was changed")
	}
	if _, ok := nc.(*tls.Conn); !ok {
		t.Errorf("got a %T", nc)
	}
	expectHello(t, nc, result)
}

// RFC 6455, section 4.1, step 5 (4.1-13): a certificate that nobody vouches for.
func TestDialUntrusted(t *testing.T) {
	server, _ := testTLS(t)
	l := listen(t)
	acceptOne(t, l, func(nc net.Conn) {
		if b, err := io.ReadAll(tls.Server(nc, server)); len(b) > 0 {
			t.Errorf("the client sent %q (%v)", b, err)
		}
	})
	_, _, err := Dial(t.Context(), "wss://"+l.Addr().String(), &DialOptions{Proxy: direct})
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("error %v", err)
	}
}

// RFC 6455, section 4.2.2, step 1 (4.2.2-02): plain HTTP at a TLS port never yields
// a 101.
func TestAcceptTLSOnly(t *testing.T) {
	server, _ := testTLS(t)
	l := listen(t)
	acceptOne(t, l, func(nc net.Conn) {
		if _, err := Accept(tls.Server(nc, server), nil); err == nil {
			t.Error("accepted")
		}
	})
	_, _, err := Dial(t.Context(), "ws://"+l.Addr().String(), &DialOptions{Proxy: direct})
	if err == nil {
		t.Error("no error")
	}
}

func TestDialUnix(t *testing.T) {
	dir, err := os.MkdirTemp("", "hs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, client := testTLS(t)
	client.ServerName = "example.com"
	for _, scheme := range []string{"ws+unix:", "wss+unix:"} {
		path := filepath.Join(dir, scheme[:3]+"x")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Skipf("no unix sockets here: %v", err)
		}
		acceptOne(t, l, func(nc net.Conn) {
			if scheme == "wss+unix:" {
				nc = tls.Server(nc, server)
			}
			result, err := Accept(nc, nil)
			if err != nil || result.Host != "localhost" || result.Target != "/r?q" {
				t.Errorf("got %+v, %v", result, err)
			}
		})
		nc, _, err := Dial(t.Context(), scheme+strings.ReplaceAll(path, ":", "%3A")+":/r?q", &DialOptions{
			TLS:   client,
			Proxy: func(*url.URL) (*url.URL, error) { return nil, errors.New("asked for a unix socket") },
		})
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.Close()
	}
}

// RFC 6455, section 4.1, step 4 (4.1-11): nothing listens.
func TestDialRefused(t *testing.T) {
	l := listen(t)
	_ = l.Close()
	_, _, err := Dial(t.Context(), "ws://"+l.Addr().String(), &DialOptions{Proxy: direct})
	var op *net.OpError
	if !errors.As(err, &op) {
		t.Errorf("error %v", err)
	}
	_, _, err = Dial(t.Context(), "ws://h", &DialOptions{
		Proxy:       direct,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, nil },
	})
	if err == nil {
		t.Error("no connection is no error")
	}
}

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
// connection, and a deadline that the dial function has left is cleared.
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
			_ = nc.SetDeadline(time.Now().Add(time.Minute))
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

// RFC 6455, section 4.1 (4.1-33): nothing is sent between request and response.
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

func (c *bluntConn) SetDeadline(time.Time) error { return os.ErrNoDeadline }
func (c *bluntConn) Close() error                { return c.w.Close() }
