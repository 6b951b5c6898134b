package handshake

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A serverConn reads through a buffer, over TLS if there is a configuration.
type serverConn struct {
	net.Conn
	br *bufio.Reader
}

func newServerConn(nc net.Conn, config *tls.Config) *serverConn {
	if config != nil {
		nc = tls.Server(nc, config)
	}
	return &serverConn{nc, bufio.NewReader(nc)}
}

func (c *serverConn) Read(b []byte) (int, error) { return c.br.Read(b) }

// fixed chooses one proxy always.
func fixed(t testing.TB, s string) func(*url.URL) (*url.URL, error) {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return func(*url.URL) (*url.URL, error) { return u, nil }
}

// RFC 6455, section 4.1, step 3 (4.1-08): the tunnel for ws and wss, through proxies
// that are reached by http and by https, with credentials.
func TestProxyConnect(t *testing.T) {
	server, client := testTLS(t)
	for _, tt := range []struct {
		proxy, url, connect, auth string
	}{
		{"http://", "ws://example.com/", "example.com:80", ""},
		{"http://u:p%40@", "wss://example.com/", "example.com:443", "Basic dTpwQA=="},
		{"HTTPS://u@", "ws://example.com:81/", "example.com:81", "Basic dTo="},
		{"https://", "wss://example.com/", "example.com:443", ""},
		{"http://", "ws://[fe80::1%25x]/", "[fe80::1]:80", ""},
	} {
		t.Run(tt.proxy+tt.url, func(t *testing.T) {
			l := listen(t)
			acceptOne(t, l, func(nc net.Conn) {
				var config *tls.Config
				if strings.HasPrefix(strings.ToLower(tt.proxy), "https") {
					config = server
				}
				p := newServerConn(nc, config)
				r, err := http.ReadRequest(p.br)
				if err != nil {
					t.Error(err)
					return
				}
				got := []string{r.Method, r.RequestURI, r.Host, r.Header.Get("Proxy-Authorization"), r.Header.Get("Authorization")}
				if diff := cmp.Diff([]string{"CONNECT", tt.connect, tt.connect, tt.auth, ""}, got); diff != "" {
					t.Errorf("request to the proxy (-want +got):\n%s", diff)
				}
				_, _ = io.WriteString(p, "HTTP/1.1 200 OK\r\n\r\n")
				config = nil
				if strings.HasPrefix(tt.url, "wss") {
					config = server
				}
				greet(t, newServerConn(p, config))
			})
			nc, result, err := Dial(t.Context(), tt.url, &DialOptions{TLS: client, Proxy: fixed(t, tt.proxy+l.Addr().String())})
			if err != nil {
				t.Fatal(err)
			}
			expectHello(t, nc, result)
		})
	}
}

// The proxy is chosen by the http form of the URL, without userinfo (4.1-10).
func TestProxyChoice(t *testing.T) {
	stop := errors.New("stop")
	for in, want := range map[string]string{
		"ws://u:p@h:80/a?b": "http://h/a?b",
		"wss://h:81/%2f":    "https://h:81/%2f",
	} {
		_, _, err := Dial(t.Context(), in, &DialOptions{Proxy: func(u *url.URL) (*url.URL, error) {
			if u.String() != want {
				t.Errorf("%s: asked for %s, want %s", in, u, want)
			}
			return nil, stop
		}})
		if !errors.Is(err, stop) {
			t.Errorf("error %v", err)
		}
	}
}

// RFC 6455, section 4.1, step 4 (4.1-11): a proxy that does not connect fails the
// dial, with its answer, and no handshake byte is sent.
func TestProxyRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		status       int
		body, want   string
	}{
		{"407", "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno", 407, "no", "the proxy refused"},
		{"101", accepted, 101, "", "the proxy refused"},
		{"302", "HTTP/1.1 302 x\r\nLocation: /\r\n\r\nno", 302, "no", "the proxy refused"},
		{"large", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<17), 0, "", "too large"},
		{"garbage", "\r\n", 0, "", "the proxy: no valid HTTP"},
		{"407 of HTTP/1.0", "HTTP/1.0 407 x\r\n\r\nno", 407, "no", "the proxy refused"},
		{"101 of HTTP/1.0", "HTTP/1.0 101 x\r\n\r\n", 0, "", "not of HTTP/1.1"},
		{"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", 0, "", "not of HTTP/1.1"},
		{"nothing", "", 0, "", "closed before"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &scriptConn{r: strings.NewReader(tt.answer)}
			_, _, err := Dial(t.Context(), "ws://u:secret@h/", &DialOptions{
				Proxy:       fixed(t, "http://v:secret@p"),
				DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil },
			})
			e, ok := err.(*Error)
			if !ok || e.Status != tt.status || string(e.Body) != tt.body || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("error %v", err)
			}
			if strings.Contains(fmt.Sprint(err), "secret") {
				t.Errorf("the error tells a password: %v", err)
			}
			if got := c.w.String(); strings.Contains(got, "GET ") || !c.closed {
				t.Errorf("sent %q, closed %v", got, c.closed)
			}
		})
	}
	_, _, err := Dial(t.Context(), "ws://h/", &DialOptions{
		Proxy: fixed(t, "http://p"),
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return &scriptConn{werr: io.ErrClosedPipe}, nil
		},
	})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

// A proxy that cannot be used or reached.
func TestProxyBad(t *testing.T) {
	stop := errors.New("stop")
	for _, proxy := range []string{"ftp://u:secret@p", "http://", "socks5://", "http://p", "https://p", "socks5://p"} {
		_, _, err := Dial(t.Context(), "ws://h/", &DialOptions{
			Proxy:       fixed(t, proxy),
			DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, stop },
		})
		if err == nil || strings.HasSuffix(proxy, "//p") != errors.Is(err, stop) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", proxy, err)
		}
	}
	// A proxy by https whose certificate is for another host: the server name in the
	// options is that of the WebSocket server.
	server, client := testTLS(t)
	client.ServerName = "example.com"
	l := listen(t)
	acceptOne(t, l, func(nc net.Conn) { _ = tls.Server(nc, server).Handshake() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_, _, err := Dial(t.Context(), "wss://example.com", &DialOptions{TLS: client, Proxy: fixed(t, "https://localhost:"+port)})
	if err == nil || !strings.Contains(err.Error(), "localhost") {
		t.Errorf("error %v", err)
	}
}

// Bytes behind the head of the proxy's answer belong to the tunnel. Proxies may
// answer in HTTP/1.0, as many do.
func TestProxyAhead(t *testing.T) {
	c := &scriptConn{r: strings.NewReader("HTTP/1.0 200 OK\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")}
	o := &DialOptions{
		Proxy:       fixed(t, "http://p"),
		DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil },
	}
	_, _, err := Dial(t.Context(), "ws://h/", o)
	var e *Error
	if !errors.As(err, &e) || e.Status != 403 || string(e.Body) != "no" {
		t.Errorf("error %v", err)
	}
	// Over TLS: the alert reaches the TLS client.
	c = &scriptConn{r: strings.NewReader("HTTP/1.1 200 OK\r\n\r\n\x15\x03\x01\x00\x02\x02\x28")}
	_, _, err = Dial(t.Context(), "wss://h/", o)
	if err == nil || !strings.Contains(err.Error(), "handshake failure") {
		t.Errorf("error %v", err)
	}
}

func TestProxyTimeout(t *testing.T) {
	for _, proxy := range []string{"http://p", "https://p", "socks5://p"} {
		synctest.Test(t, func(t *testing.T) {
			o := pipeDial(DialOptions{}, func(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) })
			o.Proxy = fixed(t, proxy)
			begin := time.Now()
			_, _, err := Dial(t.Context(), "ws://h", o)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != defaultTimeout {
				t.Errorf("%s: error %v after %v", proxy, err, time.Since(begin))
			}
		})
	}
}

// Over TLS inside TLS to a proxy nothing waits for a goodbye that nobody reads: not a
// dial that is out of time, nor who closes the stream below the outer connection.
func TestProxyTLSInTLS(t *testing.T) {
	server, client := testTLS(t)
	for _, step := range []string{"silent after CONNECT", "deaf after TLS", "deaf after the handshake"} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				over := make(chan struct{})
				defer close(over)
				o := pipeDial(DialOptions{TLS: client, Timeout: time.Second}, func(nc net.Conn) {
					defer func() { <-over }()
					p := newServerConn(nc, server)
					if _, err := http.ReadRequest(p.br); err != nil {
						t.Error(err)
						return
					}
					_, _ = io.WriteString(p, "HTTP/1.1 200 OK\r\n\r\n")
					if step == "silent after CONNECT" {
						return
					}
					s := tls.Server(p, server)
					if err := s.Handshake(); err != nil {
						t.Error(err)
					}
					if step == "deaf after TLS" {
						return
					}
					if _, err := Accept(s, nil); err != nil {
						t.Error(err)
					}
				})
				o.Proxy = fixed(t, "https://127.0.0.1")
				begin := time.Now()
				nc, _, err := Dial(t.Context(), "wss://example.com", o)
				want := time.Second
				if step == "deaf after the handshake" {
					if want = 0; err != nil {
						t.Fatal(err)
					}
					_ = nc.(*tls.Conn).NetConn().Close()
				} else if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
				if got := time.Since(begin); got != want {
					t.Errorf("took %v, want %v", got, want)
				}
			})
		})
	}
}

// socksServer speaks enough of RFC 1928 and RFC 1929 to check a client.
func socksServer(t *testing.T, nc net.Conn, user, target string, reply byte) bool {
	buf := make([]byte, 512)
	if _, err := io.ReadFull(nc, buf[:2]); err != nil || buf[0] != 5 {
		t.Errorf("greeting %v, %v", buf[:2], err)
		return false
	}
	_, _ = io.ReadFull(nc, buf[:buf[1]])
	if user == "" {
		_, _ = nc.Write([]byte{5, 0})
	} else {
		_, _ = nc.Write([]byte{5, 2})
		_, _ = io.ReadFull(nc, buf[:2])
		name := make([]byte, buf[1])
		_, _ = io.ReadFull(nc, name)
		_, _ = io.ReadFull(nc, buf[:1])
		password := make([]byte, buf[0])
		_, _ = io.ReadFull(nc, password)
		if got := string(name) + ":" + string(password); got != user {
			t.Errorf("credentials %q", got)
		}
		_, _ = nc.Write([]byte{1, 0})
	}
	_, _ = io.ReadFull(nc, buf[:5])
	host := make([]byte, buf[4]+2)
	_, _ = io.ReadFull(nc, host)
	n := len(host) - 2
	if got := fmt.Sprintf("%s:%d", host[:n], int(host[n])<<8|int(host[n+1])); got != target || buf[3] != 3 {
		t.Errorf("target %q", got)
	}
	_, _ = nc.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
	return reply == 0
}

func TestProxySOCKS(t *testing.T) {
	server, client := testTLS(t)
	for _, tt := range []struct {
		proxy, user, url, target string
		reply                    byte
	}{
		{"socks5://", "", "ws://example.com/", "example.com:80", 0},
		{"socks5h://u:p%40@", "u:p@", "wss://example.com/", "example.com:443", 0},
		{"SOCKS5://", "", "ws://example.com/", "example.com:80", 5},
	} {
		t.Run(tt.proxy, func(t *testing.T) {
			l := listen(t)
			acceptOne(t, l, func(nc net.Conn) {
				if !socksServer(t, nc, tt.user, tt.target, tt.reply) {
					return
				}
				var config *tls.Config
				if strings.HasPrefix(tt.url, "wss") {
					config = server
				}
				greet(t, newServerConn(nc, config))
			})
			nc, result, err := Dial(t.Context(), tt.url, &DialOptions{TLS: client, Proxy: fixed(t, tt.proxy+l.Addr().String())})
			if tt.reply != 0 {
				if err == nil || !strings.Contains(err.Error(), "connection refused") {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tcp, ok := nc.(*net.TCPConn); !ok && tt.user == "" {
				t.Errorf("got a %T", tcp)
			}
			expectHello(t, nc, result)
		})
	}
}

// What was read ahead comes first, then the connection itself.
func TestTunnelConn(t *testing.T) {
	c := &tunnelConn{Conn: &scriptConn{r: strings.NewReader("later")}, ahead: []byte("ahead")}
	b := make([]byte, 3)
	for _, want := range []string{"ahe", "ad", "lat", "er"} {
		if n, err := c.Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("read %q, %v; want %q", b[:n], err, want)
		}
	}
}

// The forwarder serves callers without a context too.
func TestForwarderDial(t *testing.T) {
	c := &scriptConn{}
	f := &forwarder{d: &dialer{o: &DialOptions{DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
		if network != "tcp" || addr != "p:1" {
			t.Errorf("dialled %s %s", network, addr)
		}
		return c, nil
	}}}}
	if nc, err := f.Dial("tcp", "p:1"); nc != c || err != nil {
		t.Errorf("got %v, %v", nc, err)
	}
}
