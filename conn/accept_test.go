package conn_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/mask"
)

// request is a valid opening handshake; its key is that of RFC 6455, section 1.3.
const request = "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// maskedText is a text frame as a client sends it.
func maskedText(s string) []byte {
	h := frame.Header{Opcode: frame.Text, Fin: true, Masked: true, Key: mask.Key{1, 2, 3, 4}, Length: uint64(len(s))}
	b := append(h.Append(nil), s...)
	mask.XOR(b[h.Len():], h.Key)
	return b
}

// testContext ends with the test, or somewhat before the test would time out.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// serve starts a server and returns its URL.
func serve(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAcceptKeepsBytesThatCameWithTheHandshake(t *testing.T) {
	got := make(chan string, 2)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		for range 2 {
			_, p, err := c.Read(testContext(t))
			if err != nil {
				t.Error(err)
			}
			got <- string(p)
		}
	}))
	nc, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	// The request, one frame and the first byte of another leave in one segment.
	second := maskedText("second")
	first := append(append([]byte(request), maskedText("first")...), second[0])
	for _, b := range [][]byte{first, second[1:]} {
		if _, err := nc.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"first", "second"} {
		if s := <-got; s != want {
			t.Errorf("got %q, want %q", s, want)
		}
	}
}

func TestAcceptRefusesWithACompleteAnswer(t *testing.T) {
	result := make(chan error, 1)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := conn.Accept(w, r, nil)
		result <- err
	}))
	for _, tc := range []struct {
		name   string
		change *strings.Replacer
		status int
		header string
		value  string
	}{
		{"foreign origin", strings.NewReplacer("Host:", "Origin: http://evil.example\r\nHost:"), 403, "", ""},
		{"version", strings.NewReplacer("13\r\n", "12\r\n"), 426, "Sec-Websocket-Version", "13"},
		{"key", strings.NewReplacer("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400, "", ""},
		{"method", strings.NewReplacer("GET /", "POST /"), 405, "Allow", "GET"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			nc, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if _, err := io.WriteString(nc, tc.change.Replace(request)); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || len(body) == 0 {
				t.Errorf("body %q, %v", body, err)
			}
			if res.StatusCode != tc.status || tc.header != "" && res.Header.Get(tc.header) != tc.value {
				t.Errorf("got %d %v, want %d with %s: %s", res.StatusCode, res.Header, tc.status, tc.header, tc.value)
			}
			he, ok := errors.AsType[*handshake.Error](<-result)
			if !ok || he.Status != tc.status {
				t.Errorf("Accept returned %v", he)
			}
		})
	}
}

func TestAcceptContextCarriesTheRequestsValues(t *testing.T) {
	type key struct{}
	got := make(chan any, 1)
	ended := make(chan error, 1)
	accept := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := conn.Accept(w, r.WithContext(context.WithValue(r.Context(), key{}, "value")), nil)
		if err != nil {
			t.Error(err)
			return
		}
		got <- c.Context().Value(key{})
		go func() {
			<-c.Context().Done()
			ended <- context.Cause(c.Context())
		}()
		go c.Discard(context.Background())
	})
	c, err := conn.Dial(testContext(t), serve(t, accept), nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := <-got; v != "value" {
		t.Errorf("value %v", v)
	}
	// The request's own context has ended with its handler. The connection has not.
	if _, err := c.Ping(testContext(t)); err != nil {
		t.Errorf("after the handler has returned: %v", err)
	}
	if err := c.Close(testContext(t), 4001, "done"); err != nil {
		t.Error(err)
	}
	if ce, ok := errors.AsType[*conn.CloseError](<-ended); !ok || ce.Code != 4001 {
		t.Errorf("cause %v", ce)
	}
}
