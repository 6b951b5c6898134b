package handshake

import (
	"context"
	"errors"
	"net"
	"testing"
)

// Without a choice of proxy the environment decides; ws counts as http, wss as
// https.
func TestProxyEnvironment(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "https_proxy", "HTTPS_PROXY", "NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
	t.Setenv("HTTP_PROXY", "http://plain.example:1")
	t.Setenv("HTTPS_PROXY", "secure.example:2")
	t.Setenv("NO_PROXY", "direct.example")
	stop := errors.New("stop")
	dialled := ""
	o := &DialOptions{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
		dialled = addr
		return nil, stop
	}}
	for url, want := range map[string]string{
		"ws://h.example/":        "plain.example:1",
		"wss://h.example/":       "secure.example:2",
		"ws://direct.example/":   "direct.example:80",
		"wss://a.direct.example": "a.direct.example:443",
		"ws://localhost/":        "localhost:80",
	} {
		if _, _, err := Dial(t.Context(), url, o); !errors.Is(err, stop) || dialled != want {
			t.Errorf("%s: dialled %s, want %s; error %v", url, dialled, want, err)
		}
	}
	// In a CGI program HTTP_PROXY is a field of the request.
	t.Setenv("REQUEST_METHOD", "GET")
	if _, _, err := Dial(t.Context(), "ws://h.example/", o); err == nil || errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}
