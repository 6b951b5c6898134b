package handshake

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 6455, sections 3 and 11.1.1.
func TestParseURL(t *testing.T) {
	type want struct {
		secure                     bool
		addr, host, resource, user string
	}
	tests := []struct {
		url  string
		want want
	}{
		{"ws://h", want{false, "h:80", "h", "/", ""}}, // (3-01, 3-02, 3-04)
		{"wss://h", want{true, "h:443", "h", "/", ""}},
		{"WSS://H.Example/A", want{true, "h.example:443", "h.example", "/A", ""}}, // (3-03)
		{"Ws://h/", want{false, "h:80", "h", "/", ""}},
		{"http://h/", want{false, "h:80", "h", "/", ""}}, // (12-01)
		{"HTTPS://h/", want{true, "h:443", "h", "/", ""}},
		{"ws://h:80/", want{false, "h:80", "h", "/", ""}}, // (4.1-20)
		{"ws://h:443/", want{false, "h:443", "h:443", "/", ""}},
		{"wss://h:443/", want{true, "h:443", "h", "/", ""}},
		{"ws://h:8080", want{false, "h:8080", "h:8080", "/", ""}},
		{"ws://h:08080", want{false, "h:8080", "h:8080", "/", ""}},
		{"ws://h:/", want{false, "h:80", "h", "/", ""}},
		{"ws://h?x=1", want{false, "h:80", "h", "/?x=1", ""}}, // (3-04)
		{"ws://h/a?", want{false, "h:80", "h", "/a", ""}},
		{"ws://h/a?b?c/d", want{false, "h:80", "h", "/a?b?c/d", ""}},
		{"ws://h//a/../b/./c", want{false, "h:80", "h", "//a/../b/./c", ""}},
		{"ws://h/%23?%23%2f%2F", want{false, "h:80", "h", "/%23?%23%2f%2F", ""}}, // (3-06)
		{"ws://h/\u00e9?\u00fc", want{false, "h:80", "h", "/%C3%A9?%C3%BC", ""}}, // (11.1.1-02)
		{"ws://h/a b\"<>\\^`{|}[]?a b[]", want{false, "h:80", "h", "/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D?a%20b%5B%5D", ""}},
		{"ws://h/-._~!$&'()*+,;=:@", want{false, "h:80", "h", "/-._~!$&'()*+,;=:@", ""}},
		{"ws://127.0.0.1:9/", want{false, "127.0.0.1:9", "127.0.0.1:9", "/", ""}},
		{"ws://[::1]/", want{false, "[::1]:80", "[::1]", "/", ""}},
		{"ws://[0:0::1]:8080/", want{false, "[::1]:8080", "[::1]:8080", "/", ""}},
		{"ws://[fe80::1%25eth0]:1/", want{false, "[fe80::1%eth0]:1", "[fe80::1]:1", "/", ""}},
		{"ws://[fe80::1%eth0]/", want{false, "[fe80::1%eth0]:80", "[fe80::1]", "/", ""}},
		{"ws://a_b.example./", want{false, "a_b.example.:80", "a_b.example.", "/", ""}},
		{"ws://ex%61mple/", want{false, "example:80", "example", "/", ""}},
		{"ws://u:p@h/", want{false, "h:80", "h", "/", "u:p"}},
		{"ws://u@h/", want{false, "h:80", "h", "/", "u"}},
		{"ws://u:p:q@r@h/", want{false, "h:80", "h", "/", "u:p%3Aq%40r"}},
		{"ws://%40:%3a@h/", want{false, "h:80", "h", "/", "%40:%3A"}},
		{"ws+unix:/run/a.sock", want{false, "/run/a.sock", "localhost", "/", ""}},
		{"ws+unix:///run/a.sock:/r?q=:x", want{false, "/run/a.sock", "localhost", "/r?q=:x", ""}},
		{"WSS+UNIX:/run/a%3Ab%20c?q", want{true, "/run/a:b c", "localhost", "/?q", ""}},
		{"ws+unix:/a:/b:/c", want{false, "/a", "localhost", "/b:/c", ""}},
	}
	for _, tt := range tests {
		a, err := parseURL(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		got := want{a.secure, a.socket, a.authority(), a.resource, ""}
		if a.socket == "" {
			got.addr = a.hostPort(true)
		}
		if a.user != nil {
			got.user = a.user.String()
		}
		if tt.want != got {
			t.Errorf("%s: got %+v, want %+v", tt.url, got, tt.want)
		}
	}
}

// RFC 6455, section 4.1, step 1 (4.1-03, 3-05, 12-01): a URL that is not valid fails
// before anything is dialled, and its text, which may have a password, is in no
// error.
func TestDialBadURL(t *testing.T) {
	for url, want := range map[string]error{
		"":                          errURLScheme,
		"h":                         errURLScheme,
		"ftp://h/":                  errURLScheme,
		"//h/":                      errURLScheme,
		" ws://h/":                  errURLScheme,
		"ws:h":                      errURLSlashes,
		"ws:/h":                     errURLSlashes,
		"ws://h/#f":                 errURLFragment,
		"ws://h/#":                  errURLFragment,
		"ws+unix:/a:/b#f":           errURLFragment,
		"ws://":                     errURLHost,
		"ws:///p":                   errURLHost,
		"ws://:80/":                 errURLHost,
		"ws://secret:secret@/":      errURLHost,
		"ws://a b/":                 errURLHost,
		"ws://a,b/":                 errURLHost,
		"ws://a\\b/":                errURLHost,
		"ws://a%zz/":                errURLHost,
		"ws://a%ff/":                errURLHost,
		"ws://a%00/":                errURLHost,
		"ws://a%2fb/":               errURLHost,
		"ws://[::1/":                errURLHost,
		"ws://[::1]x/":              errURLHost,
		"ws://[1.2.3.4]/":           errURLHost,
		"ws://[::1%25]/":            errURLHost,
		"ws://[::1%25%zz]/":         errURLHost,
		"ws://[::1%25a%2fb]/":       errURLHost,
		"ws://::1/":                 errURLHost,
		"ws://./":                   errURLHost,
		"ws://h:0/":                 errURLPort,
		"ws://h:65536/":             errURLPort,
		"ws://h:x/":                 errURLPort,
		"ws://h:-1/":                errURLPort,
		"ws://h:+1/":                errURLPort,
		"ws://secret:secret@h:x/":   errURLPort,
		"ws://secret%:@h/":          errURLUser,
		"ws://secret:%zzsecret@h/":  errURLUser,
		"ws://secret@h/%":           errURLEscape,
		"ws://h/?%2":                errURLEscape,
		"ws://h/%zz":                errURLEscape,
		"ws://h/a\r\nX: y":          errURLCharacter,
		"ws://h/\x00":               errURLCharacter,
		"ws://h/\x7f":               errURLCharacter,
		"ws://h/\xff":               errURLCharacter,
		"ws+unix:":                  errURLSocket,
		"ws+unix:a:/b":              errURLSocket,
		"ws+unix:/a:b":              errURLSocket,
		"ws+unix:/a%00":             errURLSocket,
		"ws+unix:/a%2":              errURLEscape,
		"ws+unix:/a:/%2":            errURLEscape,
		"wss+unix://host/a.sock:/b": errURLSocket,
	} {
		_, _, err := Dial(t.Context(), url, &DialOptions{
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				t.Errorf("%q: a connection was opened", url)
				return nil, io.EOF
			},
		})
		e, ok := err.(*Error)
		if !ok || e.Err != want || e.Section != "3" {
			t.Errorf("%q: error %v, want %v", url, err, want)
			continue
		}
		if strings.Contains(e.Error(), "secret") {
			t.Errorf("%q: the error tells the password: %v", url, e)
		}
	}
}

// What parseURL accepts survives being written and parsed again, makes a request
// line without blanks, and is a URL to net/url.
func FuzzParseURL(f *testing.F) {
	for _, s := range []string{
		"ws://h", "WSS://u:p@H:8080/a b?c#", "ws://[fe80::1%25eth0]:1/%2f?x", "ws+unix:/a:/b?c", "wss+unix:///x%3Ay",
		"http://b\u00fccher.example/\u00e9", "ws://h/a?b?c", "ws://h//x", "ws://a_b./",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseURL(s)
		if err != nil {
			return
		}
		if _, _, ok := splitAuthority(a.authority()); !ok {
			t.Fatalf("%q: authority %q", s, a.authority())
		}
		if _, resource, ok := splitTarget(a.resource); !ok || resource != a.resource {
			t.Fatalf("%q: resource %q", s, a.resource)
		}
		u := a.http()
		if u == nil || u.RequestURI() != a.resource {
			t.Fatalf("%q: net/url makes %v of it", s, u)
		}
		if a.socket != "" || a.zone != "" {
			return
		}
		b, err := parseURL(u.String())
		if err != nil {
			t.Fatalf("%q: %q: %v", s, u, err)
		}
		a.user = nil
		if diff := cmp.Diff(a, b, cmp.AllowUnexported(address{})); diff != "" {
			t.Fatalf("%q again (-first +second):\n%s", s, diff)
		}
	})
}
