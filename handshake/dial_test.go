package handshake

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// RFC 6455, section 4.1, steps 3 and 5 (3-03, 4.1-09, 4.1-12, 4.1-14, 4.1-15, 10.6-01): TLS comes
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
	for _, none := range []net.Conn{nil, (*net.TCPConn)(nil), (*tls.Conn)(nil)} {
		_, _, err = Dial(t.Context(), "ws://h", &DialOptions{
			Proxy:       direct,
			DialContext: func(context.Context, string, string) (net.Conn, error) { return none, nil },
		})
		if err == nil || !strings.Contains(err.Error(), "no connection and no error") {
			t.Errorf("%T: error %v", none, err)
		}
	}
}
