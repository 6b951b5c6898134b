package handshake

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goodRequest is a request that every server accepts.
func goodRequest() *Request {
	return &Request{
		Method: "GET", Target: "/", Major: 1, Minor: 1,
		Host: []string{"example.com"}, Upgrade: []string{"websocket"}, Connection: []string{"Upgrade"},
		Key: []string{"dGhlIHNhbXBsZSBub25jZQ=="}, Version: []string{"13"},
	}
}

// RFC 6455, section 4.2.2, step 4 (4.2.1-12, 4.2.2-13, 9.1-07, 9.1-09): Negotiate sees the
// offers in their order and its choice is answered.
func TestVerdictNegotiate(t *testing.T) {
	r := goodRequest()
	r.Extensions = []string{"b; x=1, a", "b"}
	var seen []Extension
	o := &ServerOptions{Negotiate: func(offers []Extension) []Extension {
		seen = offers
		return []Extension{{"b", []Param{{"y", "2"}}}, {Name: "a"}}
	}}
	got, e := o.Verdict(r)
	if e != nil {
		t.Fatal(e)
	}
	if diff := cmp.Diff([]Extension{{"b", []Param{{"x", "1"}}}, {Name: "a"}, {Name: "b"}}, seen); diff != "" {
		t.Errorf("offers (-want +got):\n%s", diff)
	}
	want := Response{Accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", Extensions: []Extension{{"b", []Param{{"y", "2"}}}, {Name: "a"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	// Without offers it is not asked (4.2.2-14).
	seen = nil
	r.Extensions = nil
	if got, e := o.Verdict(r); e != nil || got.Extensions != nil || seen != nil {
		t.Errorf("got %+v, %v; offers %v", got, e, seen)
	}
}

// A server whose own options are wrong answers 500 and does not tell its clients
// more.
func TestVerdictOptions(t *testing.T) {
	choose := func(e ...Extension) func([]Extension) []Extension {
		return func([]Extension) []Extension { return e }
	}
	for name, o := range map[string]*ServerOptions{
		"subprotocol":           {Subprotocols: []string{"a b"}},
		"subprotocol twice":     {Subprotocols: []string{"a", "a"}},
		"origin":                {Origins: []string{"http://a/secret"}},
		"header":                {Header: http.Header{"X": {"a\nb"}}},
		"header of ours":        {Header: http.Header{"Sec-WebSocket-Accept": {"a"}}},
		"extension not offered": {Negotiate: choose(Extension{Name: "b"})},
		"extension twice":       {Negotiate: choose(Extension{Name: "a"}, Extension{Name: "a"})},
		"extension no token":    {Negotiate: choose(Extension{Name: "a"}, Extension{Name: "a b"})},
		"parameter no token":    {Negotiate: choose(Extension{"a", []Param{{"b", "\r\n"}}})},
	} {
		r := goodRequest()
		r.Extensions = []string{"a"}
		_, e := o.Verdict(r)
		if e == nil || e.Status != 500 || e.Err == nil {
			t.Errorf("%s: %v", name, e)
		} else if text := refusalText(e); strings.Contains(text, e.Err.Error()) {
			t.Errorf("%s: the client is told %q", name, text)
		}
	}
}

// A nil ServerOptions accepts version 13 (4.4-01), and a Host line is needed also if a front end has an
// empty one.
func TestVerdictNil(t *testing.T) {
	var o *ServerOptions
	if _, e := o.Verdict(goodRequest()); e != nil {
		t.Error(e)
	}
	for _, host := range [][]string{nil, {}, {""}, {"a", ""}, {"", ""}} {
		r := goodRequest()
		r.Host = host
		if _, e := o.Verdict(r); e == nil || e.Status != 400 {
			t.Errorf("Host %q: %v", host, e)
		}
	}
}

// The texts of a peer are cut before they go into an error.
func TestVerdictShorten(t *testing.T) {
	r := goodRequest()
	r.Origin = []string{"http://" + strings.Repeat("x", 10_000)}
	if _, e := (*ServerOptions)(nil).Verdict(r); e == nil || len(e.Error()) > 300 {
		t.Errorf("error %v", e)
	}
}

// The strings of a Verdict are parts of the request or the options: a request of
// the usual kind costs the accept value alone.
func TestVerdictAllocs(t *testing.T) {
	r := goodRequest()
	r.Origin = []string{"https://example.com"}
	r.Protocol = []string{"x, chat"}
	o := &ServerOptions{Subprotocols: []string{"chat"}, Origins: []string{"*.example.org"}}
	n := testing.AllocsPerRun(100, func() {
		if _, e := o.Verdict(r); e != nil {
			t.Fatal(e)
		}
	})
	if n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}

func BenchmarkVerdict(b *testing.B) {
	r := goodRequest()
	r.Origin = []string{"https://example.com"}
	b.ReportAllocs()
	for b.Loop() {
		if _, e := (*ServerOptions)(nil).Verdict(r); e != nil {
			b.Fatal(e)
		}
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	for _, tt := range []struct {
		e    *Error
		want string
	}{
		{&Error{Reason: "why"}, "handshake: why"},
		{&Error{Status: 403, Reason: "why", Section: "10.2"}, "handshake: 403 Forbidden: why (RFC 6455, section 10.2)"},
		{&Error{Status: 499, Reason: "why", Err: cause}, "handshake: 499: why: cause"},
	} {
		if got := tt.e.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
		if tt.e.Err != nil && !errors.Is(tt.e, cause) {
			t.Error("the cause is not found")
		}
	}
}
