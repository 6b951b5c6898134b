package handshake

import (
	"crypto/tls"
	"net"
	"net/http"
	"testing"
)

// RFC 6455, section 11.1.1 (11.1.1-01): a name that is not ASCII is dialled, named
// in Host and in SNI by its xn-- form.
func TestDialIDNA(t *testing.T) {
	for name, want := range map[string]string{
		"b\u00fccher.example":             "xn--bcher-kva.example",
		"B\u00dcCHER.example":             "xn--bcher-kva.example",
		"%c3%bc.example":                  "xn--tda.example",
		"\u4f8b\u3048.\u30c6\u30b9\u30c8": "xn--r8jz45g.xn--zckzah",
		"\uff11\uff12\uff17.0.0.1":        "127.0.0.1",
	} {
		host := ""
		o := through(&DialOptions{}, func(r *http.Request) string {
			host = r.Host
			return accepted
		})
		nc, _, err := Dial(t.Context(), "ws://"+name+"/", o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = nc.Close()
		if host != want {
			t.Errorf("%s: Host %q, want %q", name, host, want)
		}
		a, err := parseURL("wss://" + name)
		if err != nil || a.hostPort(true) != net.JoinHostPort(want, "443") {
			t.Errorf("%s: dials %s, %v", name, a.hostPort(true), err)
		}
	}
	for _, name := range []string{"\u00fc_x", "\u200b", "\u00fc\u2488", "xn--\u00fc"} {
		if a, err := parseURL("ws://" + name); err != errURLHost {
			t.Errorf("%q: %+v, error %v", name, a, err)
		}
	}

	c, s := net.Pipe()
	sni := make(chan string, 1)
	go func() {
		defer s.Close()
		_ = tls.Server(s, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			sni <- h.ServerName
			return nil, nil
		}}).Handshake()
	}()
	a, _ := parseURL("wss://b\u00fccher.example")
	_, _ = startTLS(t.Context(), c, nil, a.host)
	if got := <-sni; got != "xn--bcher-kva.example" {
		t.Errorf("SNI %q", got)
	}
}
