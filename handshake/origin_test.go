package handshake

import "testing"

// RFC 6455, section 10.2 (4.2.2-05, 10.2-01): compared in parts, without regard to
// case.
func TestAllowedOrigin(t *testing.T) {
	for _, tt := range []struct {
		origin, host string
		patterns     []string
		want         bool
	}{
		// the same host
		{"http://example.com", "example.com", nil, true},
		{"https://example.com", "example.com", nil, true},
		{"HTTPS://Example.COM", "eXample.com", nil, true},
		{"http://example.com", "example.com:80", nil, true},
		{"https://example.com", "example.com:443", nil, true},
		{"https://example.com:443", "example.com", nil, true},
		{"http://example.com:8080", "example.com:8080", nil, true},
		{"http://[::1]:1", "[::1]:1", nil, true},
		{"http://example.com", "example.com:443", nil, false},
		{"http://example.com:8080", "example.com", nil, false},
		{"http://example.com", "example.com:8080", nil, false},
		{"http://www.example.com", "example.com", nil, false},
		{"http://example.com.evil.org", "example.com", nil, false},
		{"http://evilexample.com", "example.com", nil, false},
		{"ftp://example.com", "example.com", nil, false},
		{"null", "null", nil, false},
		{"", "example.com", nil, false},
		{"example.com", "example.com", nil, false},
		{"//example.com", "example.com", nil, false},
		{"http://", "example.com", nil, false},
		{"http://example.com/", "example.com", nil, false},
		{"http://user@example.com", "example.com", nil, false},
		{"http://example.com http://example.com", "example.com", nil, false},
		{"http://example.com:", "example.com", nil, true},
		{"1http://example.com", "example.com", nil, false},
		{"h_p://example.com", "example.com", nil, false},
		// patterns
		{"https://a.example", "h", []string{"a.example"}, true},
		{"http://A.example", "h", []string{"a.EXAMPLE"}, true},
		{"ftp://a.example", "h", []string{"a.example"}, false},
		{"http://b.a.example", "h", []string{"a.example"}, false},
		{"http://ba.example", "h", []string{"a.example"}, false},
		{"http://a.example.org", "h", []string{"a.example"}, false},
		{"http://a.example:8080", "h", []string{"a.example"}, false},
		{"http://a.example:80", "h", []string{"a.example"}, true},
		{"http://a.example:8080", "h", []string{"a.example:8080"}, true},
		{"http://a.example:08080", "h", []string{"a.example:8080"}, true},
		{"http://a.example:8081", "h", []string{"a.example:*"}, true},
		{"http://b.a.example", "h", []string{"a.example", "*.a.example"}, true},
		{"http://c.b.a.example", "h", []string{"*.a.example"}, true},
		{"http://a.example", "h", []string{"*.a.example"}, false},
		{"http://.a.example", "h", []string{"*.a.example"}, false},
		{"http://xa.example", "h", []string{"*.a.example"}, false},
		{"http://yxa.example", "h", []string{"*.a.example"}, false}, // ends alike, with no dot before
		{"http://b.a.example.org", "h", []string{"*.a.example"}, false},
		{"http://b.a.example:1", "h", []string{"*.a.example:*"}, true},
		{"https://a.example", "h", []string{"https://a.example"}, true},
		{"http://a.example", "h", []string{"https://a.example"}, false},
		{"http://a.example:443", "h", []string{"https://a.example"}, false},
		{"chrome-extension://abc", "h", []string{"chrome-extension://abc"}, true},
		{"chrome-extension://abd", "h", []string{"chrome-extension://abc"}, false},
		{"https://b.a.example", "h", []string{"https://*.a.example"}, true},
		{"http://[::1]", "h", []string{"[::1]"}, true},
		{"null", "h", []string{"null"}, true},
		{"http://null", "h", []string{"null"}, false},
		{"null", "h", []string{"a.example"}, false},
		{"null", "h", []string{"*"}, true},
		{"anything at all", "h", []string{"*"}, true},
		{"http://a.example", "h", []string{"b.example", "*"}, true},
		{"http://a.example", "h", []string{"a b"}, false}, // not a pattern
	} {
		if got := allowedOrigin(tt.origin, tt.host, tt.patterns); got != tt.want {
			t.Errorf("%q at %q with %q: got %v", tt.origin, tt.host, tt.patterns, got)
		}
	}
}

func TestOriginPatterns(t *testing.T) {
	for _, s := range []string{
		"", "*.", "a b", "http:/a", "://a", "http://", "http://a/", "http://a/b", "a:0", "a:x", "a:70000", "a:1:*",
		"*a", "a.*", "*.*.a", "*.[::1]", "*..a", "[::1", "u@a", "%61", "**", "http://*",
	} {
		if err := checkOrigins([]string{"a", s}); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

// No origin that the default policy lets through differs in its host.
func FuzzAllowedOrigin(f *testing.F) {
	f.Add("http://example.com", "example.com")
	f.Add("https://[::1]:443", "[::1]")
	f.Fuzz(func(t *testing.T, value, host string) {
		if !allowedOrigin(value, host, nil) {
			return
		}
		o, ok := parseOrigin(value)
		h, _, ok2 := splitAuthority(host)
		if !ok || !ok2 || !equalFold(o.host, h) {
			t.Fatalf("%q at %q", value, host)
		}
		if !allowedOrigin(asciiUpper(value), asciiUpper(host), nil) {
			t.Fatalf("%q at %q: case matters", value, host)
		}
	})
}
