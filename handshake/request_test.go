package handshake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// caller is where the requests of bothFronts come from.
var caller = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234}

// bothFronts answers a request by each front end and returns what each has answered.
func bothFronts(t *testing.T, raw string, o *ServerOptions) map[string]*http.Response {
	t.Helper()
	answers := map[string]*http.Response{}
	nc := &scriptConn{r: strings.NewReader(raw), remote: caller}
	_, err := Accept(nc, o)
	answer, parseErr := http.ReadResponse(bufio.NewReader(&nc.w), nil)
	if parseErr != nil {
		t.Fatalf("%v, error of Accept: %v", parseErr, err)
	}
	answers["Accept"] = answer

	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = caller.String()
	nc = &scriptConn{}
	w := hijackWriter{ResponseRecorder: httptest.NewRecorder(), nc: nc}
	if _, _, err := Upgrade(w, r, o); err != nil {
		answers["Upgrade"] = w.Result()
		return answers
	}
	if answers["Upgrade"], err = http.ReadResponse(bufio.NewReader(&nc.w), nil); err != nil {
		t.Fatal(err)
	}
	return answers
}

// What Check returns decides, and its Err is not told to the client.
func TestCheck(t *testing.T) {
	secret := errors.New("secret")
	challenge := http.Header{"Www-Authenticate": {"Basic"}, "X-A": {"b"}, "Allow": {"c"}}
	for _, tt := range []struct {
		name   string
		err    error
		status int
		header http.Header // of the answer, among others
	}{
		{"nil", nil, 101, http.Header{"Upgrade": {"websocket"}}},
		{"a refusal", &Error{Status: 401, Reason: "who is it?", Header: challenge, Err: secret}, 401, challenge},
		{"a redirect", &Error{Status: 307, Header: http.Header{"Location": {"/other"}}}, 307, http.Header{"Location": {"/other"}}},
		{"a wrapped refusal", errors.Join(&Error{Status: 404}, secret), 404, nil},
		{"another error", secret, 500, nil},
		{"a refusal that accepts", &Error{Status: 101, Reason: "secret"}, 500, nil},
		{"a refusal without status", &Error{Reason: "secret"}, 500, nil},
		{"a field that splits the answer", &Error{Status: 403, Reason: "secret", Header: http.Header{"X": {"a\r\nb"}}}, 500, nil},
		{"a field of the handshake", &Error{Status: 403, Reason: "secret", Header: http.Header{"Upgrade": {"h2c"}}}, 500, nil},
		{"a nil refusal", (*Error)(nil), 500, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := &ServerOptions{Check: func(context.Context, *Request) error { return tt.err }}
			for front, answer := range bothFronts(t, example, o) {
				if answer.StatusCode != tt.status {
					t.Errorf("%s: status %d, want %d", front, answer.StatusCode, tt.status)
				}
				for name, values := range tt.header {
					if diff := cmp.Diff(values, answer.Header[name]); diff != "" {
						t.Errorf("%s: %s (-want +got):\n%s", front, name, diff)
					}
				}
				if tt.status == 101 {
					continue
				}
				var body bytes.Buffer
				if _, err := body.ReadFrom(answer.Body); err != nil || strings.Contains(body.String(), "secret") || body.Len() == 0 {
					t.Errorf("%s: body %q, %v", front, &body, err)
				}
				if e, ok := tt.err.(*Error); ok && e != nil && e.Status == tt.status && !strings.Contains(body.String(), e.Reason) {
					t.Errorf("%s: body %q, want the reason %q", front, &body, e.Reason)
				}
			}
			_, err := Accept(&scriptConn{r: strings.NewReader(example)}, o)
			if tt.err == error(secret) && !errors.Is(err, secret) || tt.err != nil && err == nil {
				t.Errorf("the error is %v", err)
			}
		})
	}
	if len(challenge) != 3 {
		t.Errorf("the header of the error was changed: %v", challenge)
	}
}

// Check is asked last, sees where the request comes from and goes to and all of its fields,
// and may keep what it has seen.
func TestCheckRequest(t *testing.T) {
	type seen struct {
		RemoteAddr, Host, Target, Origin string
		Header                           http.Header
	}
	raw := strings.Replace(example, "GET /chat?x", "GET http://other.example:81?y", 1)
	raw = strings.Replace(raw, "\r\n\r\n", "\r\nOrigin: http://other.example:81\r\nCookie: a=b\r\nX-A: c\r\nx-a: d\r\n\r\n", 1)
	var all []seen
	var kept []*Request
	o := &ServerOptions{Check: func(_ context.Context, r *Request) error {
		all = append(all, seen{r.RemoteAddr, r.Host[0], r.Target, r.Origin[0], r.Header()})
		kept = append(kept, r)
		return nil
	}}
	want := seen{"192.0.2.1:1234", "other.example:81", "/?y", "http://other.example:81", http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, fieldKey: {"dGhlIHNhbXBsZSBub25jZQ=="}, fieldVersion: {"13"},
		"Origin": {"http://other.example:81"}, "Cookie": {"a=b"}, "X-A": {"c", "d"},
	}}
	bothFronts(t, raw, o)
	bothFronts(t, strings.Replace(raw, "Cookie: a=b", "Cookie: c=d", 1), o)
	bothFronts(t, strings.Replace(raw, "Version: 13", "Version: 14", 1), o) // is not asked
	if len(all) != 4 {
		t.Fatalf("asked %d times, want 4", len(all))
	}
	for i := range all {
		if i == 2 {
			want.Header = want.Header.Clone()
			want.Header.Set("Cookie", "c=d")
		}
		if diff := cmp.Diff(want, all[i]); diff != "" {
			t.Errorf("request %d (-want +got):\n%s", i, diff)
		}
		r := kept[i]
		if diff := cmp.Diff(want, seen{r.RemoteAddr, r.Host[0], r.Target, r.Origin[0], r.Header()}); diff != "" {
			t.Errorf("request %d, kept (-want +got):\n%s", i, diff)
		}
	}
	// A stream need not know where it comes from.
	o.Check = func(_ context.Context, r *Request) error { all[0].RemoteAddr = r.RemoteAddr; return nil }
	if _, err := Accept(&scriptConn{r: strings.NewReader(raw)}, o); err != nil || all[0].RemoteAddr != "" {
		t.Errorf("error %v, a request from %q", err, all[0].RemoteAddr)
	}
	if (&Request{}).Header() != nil {
		t.Error("a request of nobody has a header")
	}
	// Header was not asked for while there was time.
	var late *Request
	o.Check = func(_ context.Context, r *Request) error { late = r; return nil }
	if _, err := Accept(&scriptConn{r: strings.NewReader(raw)}, o); err != nil || late.Header() != nil {
		t.Errorf("error %v, header %v", err, late.Header())
	}
}

// The context of Check ends with the time of the handshake, and with the request's.
func TestCheckContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &ServerOptions{Timeout: time.Second, Check: func(ctx context.Context, _ *Request) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		begin := time.Now()
		_, err := Accept(&scriptConn{r: strings.NewReader(example)}, o)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("error %v after %v", err, time.Since(begin))
		}
		cause := errors.New("the request was given up")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		_, _, err = Upgrade(httptest.NewRecorder(), exampleRequest(t).WithContext(ctx), o)
		if !errors.Is(err, cause) {
			t.Errorf("error %v", err)
		}
	})
}
