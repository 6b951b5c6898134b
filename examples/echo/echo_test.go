package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/frame"
)

// noLimit is for clients that expect long echoes.
var noLimit = &conn.DialOptions{Options: conn.Options{ReadLimit: -1}}

func TestEcho(t *testing.T) {
	s := startServer(t)
	c := dial(t, s.ws+"any/path?and=query", noLimit)
	for _, test := range []struct {
		name string
		want conn.Message
	}{
		{"text", conn.Message{Type: conn.Text, Data: []byte("Grüße, 世界")}},
		{"binary", conn.Message{Type: conn.Binary, Data: []byte{0, 0xff, 0xc3}}},
		{"empty text", conn.Message{Type: conn.Text, Data: []byte{}}},
		{"long text", conn.Message{Type: conn.Text, Data: []byte(strings.Repeat("text", 20000))}},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantEcho(t, c, test.want)
		})
	}
	if err := c.Close(t.Context(), conn.StatusNormalClosure, "bye"); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestLimit(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		fits int
	}{
		{"default", nil, 16 << 20},
		{"set", []string{"-limit", "1000"}, 1000},
		{"of the library", []string{"-limit", "0"}, 1 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startServer(t, test.args...)
			c := dial(t, s.ws, noLimit)
			wantEcho(t, c, conn.Message{Type: conn.Binary, Data: make([]byte, test.fits)})
			// The head of a frame that is one byte longer is enough to be refused.
			h := frame.Header{Opcode: frame.Binary, Fin: true, Masked: true, Length: uint64(test.fits) + 1}
			if _, err := c.NetConn().Write(h.Append(nil)); err != nil {
				t.Fatal(err)
			}
			wantClose(t, readClose(t.Context(), c), conn.StatusMessageTooBig, "")
		})
	}
}

func TestNoLimit(t *testing.T) {
	s := startServer(t, "-limit", "-1")
	wantEcho(t, dial(t, s.ws, noLimit), conn.Message{Type: conn.Binary, Data: make([]byte, 16<<20+1)})
}

func TestOneByteTooMany(t *testing.T) {
	s := startServer(t, "-limit", "1000")
	c := dial(t, s.ws, nil)
	if err := c.Write(t.Context(), conn.Binary, make([]byte, 1001)); err != nil {
		t.Fatal(err)
	}
	wantClose(t, readClose(t.Context(), c), conn.StatusMessageTooBig, "")
}

// wantEcho sends a message and checks what comes back.
func wantEcho(t *testing.T, c *conn.Conn, want conn.Message) {
	t.Helper()
	if err := c.Write(t.Context(), want.Type, want.Data); err != nil {
		t.Fatal(err)
	}
	kind, data, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if kind != want.Type || !bytes.Equal(data, want.Data) {
		t.Errorf("echo: got %v of %d bytes, want the %v of %d bytes that was sent", kind, len(data), want.Type, len(want.Data))
	}
}

// TestHTTP sends requests that end in an ordinary answer.
func TestHTTP(t *testing.T) {
	s := startServer(t, "-origin", "https://*.friends.example")
	upgrade := func(more ...string) http.Header {
		h := http.Header{
			"Connection":            {"Upgrade"},
			"Upgrade":               {"websocket"},
			"Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key":     {"dGhlIHNhbXBsZSBub25jZQ=="},
		}
		for i := 0; i < len(more); i += 2 {
			if h.Set(more[i], more[i+1]); more[i+1] == "" {
				h.Del(more[i])
			}
		}
		return h
	}
	for _, test := range []struct {
		name   string
		method string
		path   string
		header http.Header
		status int
		says   string
	}{
		{"page", "GET", "", nil, 200, "<!doctype html>"},
		{"head", "HEAD", "", nil, 200, ""},
		{"page, HTTP/2 wished for", "GET", "", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"h2c"}}, 200, "<!doctype html>"},
		{"no such page", "GET", "favicon.ico", nil, 404, "not found"},
		{"no such method", "POST", "", nil, 405, "Not Allowed"},
		{"friend", "GET", "", upgrade("Origin", "https://a.friends.example"), 101, ""},
		{"same origin", "GET", "any/path", upgrade("Origin", strings.TrimSuffix(s.http, "/")), 101, ""},
		{"foreign origin", "GET", "", upgrade("Origin", "https://friends.example.evil.example"), 403, "rigin"},
		{"other version", "GET", "", upgrade("Sec-WebSocket-Version", "12"), 426, "ersion"},
		{"no Upgrade", "GET", "", upgrade("Upgrade", ""), 426, "pgrade"},
		{"no key", "GET", "", upgrade("Sec-WebSocket-Key", ""), 400, "ey"},
		{"bad key", "GET", "any/path", upgrade("Sec-WebSocket-Key", "short"), 400, "ey"},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), test.method, s.http+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if test.header != nil {
				req.Header = test.header
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("status: got %d, want %d", resp.StatusCode, test.status)
			}
			if resp.StatusCode == http.StatusSwitchingProtocols {
				return
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || !strings.Contains(string(body), test.says) {
				t.Errorf("body: got %q, error %v, want it to say %q", body, err, test.says)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca, cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	made, err := selfSigned(cert)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := os.WriteFile(key, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		args  []string
		trust string
	}{
		{"made in memory", []string{"-tls", "-certout", ca}, ca},
		{"from files", []string{"-cert", cert, "-key", key}, cert},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startServer(t, test.args...)
			if diff := cmp.Diff([]string{"https", "wss"}, []string{before(s.http), before(s.ws)}); diff != "" {
				t.Errorf("schemes (-want +got):\n%s", diff)
			}
			text, err := os.ReadFile(test.trust)
			if err != nil {
				t.Fatal(err)
			}
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(text)
			for _, host := range []string{"127.0.0.1", "localhost"} {
				trusting := &conn.DialOptions{TLS: &tls.Config{RootCAs: pool}}
				c := dial(t, strings.Replace(s.ws, "127.0.0.1", host, 1), trusting)
				wantEcho(t, c, conn.Message{Type: conn.Text, Data: []byte("secret")})
				if err := c.Close(t.Context(), conn.StatusNormalClosure, ""); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			if c, err := conn.Dial(t.Context(), s.ws, nil); err == nil {
				c.CloseNow()
				t.Error("Dial without trust in the certificate: got a connection, want an error")
			}
		})
	}
}

func before(url string) string {
	scheme, _, _ := strings.Cut(url, ":")
	return scheme
}
