package handshake

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hops dials with a script of redirects and returns what each request showed.
func hops(t *testing.T, url string, o DialOptions, locations ...string) (seen []string, err error) {
	t.Helper()
	keys := map[string]bool{}
	addr := ""
	through(&o, nil)
	o.DialContext = func(_ context.Context, network, a string) (net.Conn, error) {
		addr = a
		return &answerConn{f: func(r *http.Request) string {
			key := r.Header.Get(wireKey)
			if keys[key] {
				t.Errorf("key %s was used again", key)
			}
			keys[key] = true
			line := addr + " " + r.Host + " " + r.RequestURI
			for _, name := range []string{"Authorization", "Cookie", "Origin", "X-A"} {
				if v := r.Header.Get(name); v != "" {
					line += " " + name + "=" + v
				}
			}
			seen = append(seen, line)
			if len(seen) > len(locations) {
				return accepted
			}
			status := []int{301, 302, 303, 307, 308}[len(seen)%5]
			return fmt.Sprintf("HTTP/1.1 %d x\r\nLocation: %s\r\nSet-Cookie: n=%d\r\nContent-Length: 4\r\n\r\nbody", status, locations[len(seen)-1], len(seen))
		}}, nil
	}
	nc, _, err := Dial(t.Context(), url, &o)
	if err == nil {
		_ = nc.Close()
	}
	return seen, err
}

func TestRedirect(t *testing.T) {
	private := http.Header{"authorization": {"secret"}, "Cookie": {"c=secret"}, "Origin": {"http://o"}, "X-A": {"b"}}
	tests := []struct {
		name, url string
		o         DialOptions
		locations []string
		want      []string
	}{
		{
			"relative references", "ws://h/a/b?c",
			DialOptions{},
			[]string{"d", "/e/f", "?g", "../i#frag", "//h/j", "http://h/k", "WS://H:80/l"},
			[]string{"h:80 h /a/b?c", "h:80 h /a/d", "h:80 h /e/f", "h:80 h /e/f?g", "h:80 h /i", "h:80 h /j", "h:80 h /k", "h:80 h /l"},
		},
		{
			"escapes are kept", "ws://h/",
			DialOptions{},
			[]string{"/%2F%e4?%2f", "/\u00e9 x"},
			[]string{"h:80 h /", "h:80 h /%2F%e4?%2f", "h:80 h /%C3%A9%20x"},
		},
		{
			"same origin keeps everything", "ws://u:p@h/",
			DialOptions{Host: "v", Header: http.Header{"Origin": {"http://o"}}},
			[]string{"/a", "ws://h:80/b", "ws://x:y@h/c"},
			[]string{
				"h:80 v / Authorization=Basic dTpw Origin=http://o", "h:80 v /a Authorization=Basic dTpw Origin=http://o",
				"h:80 v /b Authorization=Basic dTpw Origin=http://o", "h:80 v /c Authorization=Basic dTpw Origin=http://o",
			},
		},
		{
			"another origin gets nothing of value, nor does the first one afterwards", "ws://u:p@h/",
			DialOptions{Host: "v", Header: private},
			[]string{"ws://i/a", "ws://h/b"},
			[]string{
				"h:80 v / Authorization=secret Cookie=c=secret Origin=http://o X-A=b",
				"i:80 i /a Origin=http://o X-A=b", "h:80 h /b Origin=http://o X-A=b",
			},
		},
		{
			"another port is another origin", "ws://u:p@h/",
			DialOptions{},
			[]string{"ws://h:81/"},
			[]string{"h:80 h / Authorization=Basic dTpw", "h:81 h:81 /"},
		},
		{
			"userinfo of a location is not used", "ws://h/",
			DialOptions{},
			[]string{"ws://u:p@i/"},
			[]string{"h:80 h /", "i:80 i /"},
		},
		{
			"the zone stays", "ws://[fe80::1%25x]:1/",
			DialOptions{},
			[]string{"/a"},
			[]string{"[fe80::1%x]:1 [fe80::1]:1 /", "[fe80::1%x]:1 [fe80::1]:1 /a"},
		},
		{
			"the socket stays, but for another host", "ws+unix:/s:/a",
			DialOptions{},
			[]string{"b", "http://localhost/c", "ws://localhost/d", "ws://h/"},
			[]string{"/s localhost /a", "/s localhost /b", "/s localhost /c", "/s localhost /d", "h:80 h /"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := hops(t, tt.url, tt.o, tt.locations...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// Ten redirects are followed.
func TestRedirectTen(t *testing.T) {
	locations := []string{"/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/10"}
	got, err := hops(t, "ws://h/0", DialOptions{}, locations...)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"h:80 h /0"}
	for _, l := range locations {
		want = append(want, "h:80 h "+l)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// The cookie jar is asked and told at every hop.
func TestRedirectCookies(t *testing.T) {
	jar, _ := cookiejar.New(nil)
	got, err := hops(t, "ws://h/", DialOptions{Jar: jar}, "/a", "ws://i/b", "/c")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"h:80 h /", "h:80 h /a Cookie=n=1", "i:80 i /b", "i:80 i /c Cookie=n=3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestRedirectRefused(t *testing.T) {
	tests := []struct{ name, location, want string }{
		{"another scheme", "ftp://h/", errLocationScheme.Error()},
		{"mail", "mailto:a@b", errLocationScheme.Error()},
		{"a unix socket", "ws+unix:/run/a.sock:/", errLocationScheme.Error()},
		{"a unix socket with slashes", "WS+UNIX:///run/a.sock:/", errLocationScheme.Error()},
		{"a unix socket with TLS", "wss+unix:/run/a.sock:/", errLocationScheme.Error()},
		{"malformed", "http://[", errLocation.Error()},
		{"malformed port", "ws://h:0/", errURLPort.Error()},
		{"loop", "", errRedirects.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			locations := []string{tt.location}
			if tt.location == "" {
				locations = strings.Split(strings.Repeat("/ ", 12), " ")[:12]
			}
			seen, err := hops(t, "ws://h/", DialOptions{}, locations...)
			e, ok := err.(*Error)
			if !ok || e.Status/100 != 3 || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("error %v", err)
			}
			want := 1
			if tt.location == "" {
				want += maxRedirects
			}
			if len(seen) != want {
				t.Errorf("%d requests, want %d: %q", len(seen), want, seen)
			}
		})
	}
}

// Never from wss to ws; TLS.ServerName goes no further than its origin.
func TestRedirectTLS(t *testing.T) {
	server, client := testTLS(t)
	client.ServerName = "example.com"
	for location, want := range map[string]string{
		"ws://127.0.0.1/":         errDowngrade.Error(),
		"http://127.0.0.1:443/":   errDowngrade.Error(),
		"wss://unknown.example/b": "unknown.example",
		"wss://127.0.0.1/b":       "",
	} {
		l := listen(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for n := 0; ; n++ {
				inner, err := l.Accept()
				if err != nil {
					return
				}
				nc := newServerConn(inner, server)
				if n == 0 {
					if _, err := http.ReadRequest(nc.br); err == nil {
						_, _ = fmt.Fprintf(nc, "HTTP/1.1 302 Found\r\nLocation: %s\r\n\r\n", location)
					}
				} else {
					_, _ = Accept(nc, nil)
				}
				_ = inner.Close()
			}
		}()
		nc, _, err := Dial(t.Context(), "wss://other.example/a", &DialOptions{
			TLS: client, Proxy: direct,
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				return net.Dial("tcp", l.Addr().String())
			},
		})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want %q", location, err, want)
		}
		if err == nil {
			_ = nc.Close()
		}
		_ = l.Close()
		<-done
	}
}
