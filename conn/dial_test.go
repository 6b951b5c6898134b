package conn_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

var echo = conn.Handler(func(ctx context.Context, c *conn.Conn) error {
	for m, err := range c.Messages(ctx) {
		if err != nil {
			return err
		}
		if err := c.Write(ctx, m.Type, m.Data); err != nil {
			return err
		}
	}
	return nil
}, &conn.Options{Subprotocols: []string{"b", "a"}})

// roundTrip sends one message, expects it back, and closes.
func roundTrip(t *testing.T, c *conn.Conn) {
	t.Helper()
	ctx := testContext(t)
	if err := c.Write(ctx, conn.Text, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	mt, p, err := c.Read(ctx)
	if diff := cmp.Diff("text hello <nil>", fmt.Sprintf("%v %s %v", mt, p, err)); diff != "" {
		t.Error(diff)
	}
	if err := c.Close(ctx, conn.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

func TestDialTLS(t *testing.T) {
	s := httptest.NewTLSServer(echo)
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	config := &tls.Config{RootCAs: roots, ServerName: "example.com", NextProtos: []string{"h2"}}
	c, err := conn.Dial(testContext(t), "wss"+s.URL[len("https"):], &conn.DialOptions{TLS: config})
	if err != nil {
		t.Fatal(err)
	}
	if state := c.NetConn().(*tls.Conn).ConnectionState(); state.NegotiatedProtocol == "h2" {
		t.Error("ALPN chose HTTP/2")
	}
	roundTrip(t, c)

	_, err = conn.Dial(testContext(t), s.URL, nil)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("unknown certificate: %v", err)
	}
}

func TestDialOptionsReachTheHandshake(t *testing.T) {
	var seen atomic.Pointer[http.Request]
	url1 := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r)
		w.Header().Set("X-Server", "here")
		echo.ServeHTTP(w, r)
	}))
	jar := jar{}
	dialled := ""
	c, err := conn.Dial(testContext(t), url1, &conn.DialOptions{
		Options: conn.Options{Subprotocols: []string{"a", "b"}},
		Header:  http.Header{"X-Client": {"there"}},
		Host:    "name.example",
		Jar:     &jar,
		Proxy:   func(*url.URL) (*url.URL, error) { return nil, nil },
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			dialled = network + " " + addr
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := seen.Load()
	got := []string{
		r.Host, r.Header.Get("X-Client"), r.Header.Get("Cookie"), c.Subprotocol(),
		c.ResponseHeader().Get("X-Server"), dialled, c.RemoteAddr().String(),
	}
	addr := url1[len("http://"):]
	want := []string{"name.example", "there", "crumb=1", "a", "here", "tcp " + addr, addr}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	roundTrip(t, c)
}

type jar struct{}

func (*jar) SetCookies(*url.URL, []*http.Cookie) {}
func (*jar) Cookies(*url.URL) []*http.Cookie     { return []*http.Cookie{{Name: "crumb", Value: "1"}} }

func TestDialUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no unix sockets here: ", err)
	}
	s := &http.Server{Handler: echo}
	go s.Serve(l)
	defer s.Close()
	c, err := conn.Dial(testContext(t), "ws+unix:"+path+":/", nil)
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, c)
}

func TestDialKeepsBytesThatCameWithTheResponse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		// The server's first frame leaves in one segment with the 101: here by a
		// stream that holds the response back.
		held := &holdFirst{Conn: nc, more: []byte{0x81, 2, 'h', 'i'}}
		if _, err := handshake.Accept(held, nil); err != nil {
			t.Error(err)
		}
		nc.Read(make([]byte, 1)) // until the client hangs up
	}()
	c, err := conn.Dial(testContext(t), "ws://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	_, p, err := c.Read(testContext(t))
	if string(p) != "hi" || err != nil {
		t.Errorf("%q, %v", p, err)
	}
}

// holdFirst writes more together with the first write.
type holdFirst struct {
	net.Conn
	more []byte
}

func (h *holdFirst) Write(p []byte) (int, error) {
	n, err := h.Conn.Write(append(p[:len(p):len(p)], h.more...))
	return min(n, len(p)), err
}

func TestDialErrorsHaveTheAnswer(t *testing.T) {
	u := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		http.Error(w, "not today", http.StatusServiceUnavailable)
	}))
	_, err := conn.Dial(testContext(t), u, nil)
	he, ok := errors.AsType[*handshake.Error](err)
	if !ok {
		t.Fatal(err)
	}
	got := []any{he.Status, he.Header.Get("Retry-After"), string(he.Body)}
	if diff := cmp.Diff([]any{503, "7", "not today\n"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDialIsBoundedByItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancelCause(testContext(t))
	reason := errors.New("changed my mind")
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		nc.Read(make([]byte, 1)) // the request has come, and is not answered
		cancel(reason)
	}()
	_, err = conn.Dial(ctx, "ws://"+l.Addr().String(), nil)
	if !errors.Is(err, reason) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
