package handshake

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// An answerConn answers each request that is written to it with what f returns.
type answerConn struct {
	scriptConn
	cut func(io.Reader) io.Reader
	f   func(r *http.Request) string
}

func (c *answerConn) Write(b []byte) (int, error) {
	n, err := c.scriptConn.Write(b)
	if err != nil {
		return n, err
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(b))))
	if err != nil {
		return n, err
	}
	answer := strings.ReplaceAll(c.f(r), "{accept}", AcceptKey(r.Header.Get(wireKey)))
	c.r = strings.NewReader(answer)
	if c.cut != nil {
		c.r = c.cut(c.r)
	}
	return n, nil
}

// accepted is the least of a response.
const accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"

// through makes the options dial to a server that answers with f, without proxy.
func through(o *DialOptions, f func(r *http.Request) string) *DialOptions {
	o.Proxy = func(*url.URL) (*url.URL, error) { return nil, nil }
	o.DialContext = func(context.Context, string, string) (net.Conn, error) { return &answerConn{f: f}, nil }
	return o
}

// RFC 6455, section 4.1: the whole of testdata/responses.txt, in one piece and byte
// by byte (2.1-03).
func TestDialVectors(t *testing.T) {
	pieces := map[string]func(io.Reader) io.Reader{"whole": nil, "bytes": iotest.OneByteReader}
	for _, v := range vectors(t, "responses.txt") {
		for how, cut := range pieces {
			t.Run(v.one("name")+"/"+how, func(t *testing.T) {
				o := through(&DialOptions{Subprotocols: v.names("offer", "subprotocols")}, nil)
				for _, name := range v.names("offer", "extensions") {
					o.Extensions = append(o.Extensions, Extension{Name: name})
				}
				o.Agreed = func(e []Extension) error {
					for _, p := range e[0].Params {
						if p.Name == "bad" {
							return errors.New("bad parameter")
						}
					}
					return nil
				}
				nc := &answerConn{cut: cut, f: func(r *http.Request) string {
					accept := AcceptKey(r.Header.Get(wireKey))
					return strings.ReplaceAll(v.text(t, "raw"), "{tpecca}", swapCase(accept))
				}}
				o.DialContext = func(context.Context, string, string) (net.Conn, error) { return nc, nil }
				got, result, err := Dial(t.Context(), "ws://example.com/chat", o)
				if v.one("expect") != "ok" {
					checkDialError(t, v, err)
					if !nc.closed {
						t.Error("the connection was not closed")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if got != nc || nc.closed {
					t.Errorf("got %T, closed %v", got, nc.closed)
				}
				left, _ := io.ReadAll(nc.r)
				want := []string{v.one("subprotocol"), v.one("extensions"), v.text(t, "data"), "example.com", "/chat"}
				have := []string{
					result.Subprotocol, string(AppendExtensions(nil, result.Extensions)),
					string(append(result.Buffered, left...)), result.Host, result.Target,
				}
				if diff := cmp.Diff(want, have); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// swapCase changes the case of every letter.
func swapCase(s string) string {
	b := []byte(s)
	for i, c := range b {
		if isAlpha(c) {
			b[i] = c ^ 0x20
		}
	}
	return string(b)
}

func checkDialError(t *testing.T, v vector, err error) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("the error is %v", err)
	}
	if !strings.Contains(e.Error(), v.one("expect")) {
		t.Errorf("error %q does not tell %q", e, v.one("expect"))
	}
	status := 0
	for _, c := range v.one("status") {
		status = status*10 + int(c-'0')
	}
	if e.Status != status || status != 0 && e.Header == nil {
		t.Errorf("status %d, header %v; want %d", e.Status, e.Header, status)
	}
	if diff := cmp.Diff(v.text(t, "body"), string(e.Body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// RFC 6455, section 4.4 (4.3-05, 11.3.5-01): the error exposes the list of versions.
func TestErrorVersions(t *testing.T) {
	for _, tt := range []struct {
		lines, want []string
	}{
		{nil, nil},
		{[]string{"13"}, []string{"13"}},
		{[]string{"13, 8", "7"}, []string{"13", "8", "7"}},
		{[]string{"13 8"}, nil},
	} {
		e := &Error{Header: http.Header{fieldVersion: tt.lines}}
		if diff := cmp.Diff(tt.want, e.Versions()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.lines, diff)
		}
	}
}

// RFC 6455, section 4.1: the request, byte for byte (4.1-16, 4.1-17, 4.1-18, 4.1-19,
// 4.1-20, 4.1-21, 4.1-22, 4.1-23, 4.1-25, 4.1-26, 4.1-27, 4.1-28, 4.1-31, 4.1-32).
func TestRequestBytes(t *testing.T) {
	jar, _ := cookiejar.New(nil)
	site := &url.URL{Scheme: "http", Host: "example.com", Path: "/"}
	jar.SetCookies(site, []*http.Cookie{{Name: "j", Value: "1"}, {Name: "k", Value: "2"}})
	tests := []struct {
		name, url string
		o         DialOptions
		want      string // {key} stands for the key
	}{
		{
			"least", "ws://example.com",
			DialOptions{},
			"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n",
		},
		{
			"most", "ws://u:p%40@Example.com:8080/a%23%2f?b=c",
			DialOptions{
				Subprotocols: []string{"b", "a"},
				Extensions:   []Extension{{"x", []Param{{"y", ""}, {"z", "1"}}}, {"x", nil}},
				Header:       http.Header{"X-B": {"1", " 2 "}, "Origin": {"https://Example.ORG/"}, "x-a": {"\u00e9"}, "X-None": {}},
			},
			"GET /a%23%2f?b=c HTTP/1.1\r\nHost: example.com:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: b, a\r\n" +
				"Sec-WebSocket-Extensions: x; y; z=1, x\r\nAuthorization: Basic dTpwQA==\r\n" +
				"Origin: https://Example.ORG/\r\nX-B: 1\r\nX-B: 2\r\nx-a: \u00e9\r\n\r\n",
		},
		{
			"own Authorization, Host and cookies", "ws://u:p@example.com/",
			DialOptions{
				Host: "other.example:1", Jar: jar,
				Header: http.Header{"authorization": {"Bearer x"}, "cookie": {"a=b"}},
			},
			"GET / HTTP/1.1\r\nHost: other.example:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n" +
				"Cookie: a=b; j=1; k=2\r\nauthorization: Bearer x\r\n\r\n",
		},
		{
			"userinfo without password", "ws://u@example.com/",
			DialOptions{},
			"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Basic dTo=\r\n\r\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key := ""
			o := through(&tt.o, func(r *http.Request) string {
				key = r.Header.Get(wireKey)
				return accepted
			})
			nc, _, err := Dial(t.Context(), tt.url, o)
			if err != nil {
				t.Fatal(err)
			}
			if !validKey(key) {
				t.Errorf("key %q", key)
			}
			got := nc.(*answerConn).w.String()
			if diff := cmp.Diff(strings.ReplaceAll(tt.want, "{key}", key), got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// RFC 6455, section 4.1 (4.1-43): cookies of the response reach the jar, and the
// caller sees its header.
func TestDialCookies(t *testing.T) {
	jar, _ := cookiejar.New(nil)
	o := through(&DialOptions{Jar: jar}, func(*http.Request) string {
		return strings.Replace(accepted, "\r\n\r\n", "\r\nSet-Cookie: a=b\r\n\r\n", 1)
	})
	_, result, err := Dial(t.Context(), "wss://example.com/", &DialOptions{
		Jar: jar, Proxy: o.Proxy, DialContext: o.DialContext,
	})
	if err == nil {
		t.Fatalf("a server without TLS was accepted: %v", result)
	}
	_, result, err = Dial(t.Context(), "ws://example.com/", o)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Header.Get("Set-Cookie"); got != "a=b" {
		t.Errorf("Set-Cookie is %q", got)
	}
	got := jar.Cookies(&url.URL{Scheme: "http", Host: "example.com"})
	if len(got) != 1 || got[0].Name != "a" || got[0].Value != "b" {
		t.Errorf("the jar has %v", got)
	}
}

// RFC 6455, section 4.1 (4.1-03, 4.1-17, 4.1-29, 4.1-30): invalid options fail
// before anything is dialled.
func TestDialOptions(t *testing.T) {
	tests := map[string]DialOptions{
		"empty subprotocol":          {Subprotocols: []string{""}},
		"subprotocol with blank":     {Subprotocols: []string{"a b"}},
		"subprotocol with comma":     {Subprotocols: []string{"a,b"}},
		"subprotocol not ASCII":      {Subprotocols: []string{"\u00e9"}},
		"subprotocol twice":          {Subprotocols: []string{"a", "b", "a"}},
		"extension name":             {Extensions: []Extension{{Name: ""}}},
		"parameter name":             {Extensions: []Extension{{"a", []Param{{"b c", ""}}}}},
		"parameter value":            {Extensions: []Extension{{"a", []Param{{"b", "\r\n"}}}}},
		"host with line end":         {Host: "a\r\nX: y"},
		"host with blank":            {Host: "a b"},
		"field name":                 {Header: http.Header{"X Y": {"z"}}},
		"field name with line end":   {Header: http.Header{"X\r\nY": {"z"}}},
		"value with CR":              {Header: http.Header{"X": {"y\rz"}}},
		"value with LF":              {Header: http.Header{"X": {"y\nz"}}},
		"value with NUL":             {Header: http.Header{"X": {"y\x00z"}}},
		"Host as a field":            {Header: http.Header{"Host": {"a"}}},
		"host as a field":            {Header: http.Header{"host": {"a"}}},
		"Upgrade":                    {Header: http.Header{"Upgrade": {"h2c"}}},
		"Connection":                 {Header: http.Header{"connection": {"close"}}},
		"Content-Length":             {Header: http.Header{"Content-Length": {"1"}}},
		"Transfer-Encoding":          {Header: http.Header{"Transfer-Encoding": {"chunked"}}},
		"Sec-WebSocket-Key":          {Header: http.Header{fieldKey: {"x"}}},
		"SEC-WEBSOCKET-PROTOCOL":     {Header: http.Header{"SEC-WEBSOCKET-PROTOCOL": {"x"}}},
		"an unknown Sec-WebSocket-X": {Header: http.Header{"Sec-WebSocket-X": {"x"}}},
	}
	for name, o := range tests {
		t.Run(name, func(t *testing.T) {
			o.DialContext = func(context.Context, string, string) (net.Conn, error) {
				t.Error("a connection was opened")
				return nil, io.EOF
			}
			_, _, err := Dial(t.Context(), "ws://example.com", &o)
			if e, ok := err.(*Error); !ok || e.Reason != reasonClientOptions || e.Err == nil {
				t.Errorf("error %v", err)
			}
		})
	}
}

// The response head is bounded, all informational ones together, and so is the body
// of a refusal.
func TestDialBounds(t *testing.T) {
	long := "X: " + strings.Repeat("x", 1000) + "\r\n"
	tests := []struct {
		name, answer, want string
		limit              int
	}{
		{"large head", strings.Replace(accepted, "\r\n\r\n", "\r\n"+strings.Repeat(long, 70)+"\r\n", 1), "too large", 0},
		{"large informational heads", strings.Repeat("HTTP/1.1 103 x\r\n"+strings.Repeat(long, 20)+"\r\n", 4) + accepted, "too large", 0},
		{"own limit", accepted, "too large", 100},
		{"endless line", strings.Repeat("x", 1<<17), "too large", 0},
		{"no limit", strings.Replace(accepted, "\r\n\r\n", "\r\n"+strings.Repeat(long, 70)+"\r\n", 1), "", -1},
		{"fits", strings.Replace(accepted, "\r\n\r\n", "\r\n"+strings.Repeat(long, 60)+"\r\n", 1), "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := through(&DialOptions{MaxHeaderBytes: tt.limit}, func(*http.Request) string { return tt.answer })
			_, _, err := Dial(t.Context(), "ws://example.com", o)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	o := through(&DialOptions{}, func(*http.Request) string {
		return "HTTP/1.1 403 Forbidden\r\n\r\n" + strings.Repeat("x", 100_000)
	})
	_, _, err := Dial(t.Context(), "ws://example.com", o)
	var e *Error
	if !errors.As(err, &e) || len(e.Body) != maxErrorBody {
		t.Errorf("error %v", err)
	}
}
