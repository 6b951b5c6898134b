package handshake

import (
	"fmt"
	"strings"
)

// An origin in its parts: scheme and host in the spelling they came in, and the
// port, that of the scheme if none was written.
//
// RFC 6454, section 6.2.
type origin struct {
	scheme, host, port string
}

// parseOrigin reads an origin as browsers send it: scheme "://" host [":" port] and
// nothing more.
func parseOrigin(s string) (origin, bool) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found || !validScheme(scheme) {
		return origin{}, false
	}
	host, port, ok := splitAuthority(rest)
	if !ok {
		return origin{}, false
	}
	if port == "" {
		port = defaultPort(scheme)
	}
	return origin{scheme, host, port}, true
}

// validScheme is the syntax of RFC 3986, section 3.1.
func validScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isAlpha(c) && (i == 0 || !isDigit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// defaultPort is the port of a scheme that has one, else "".
func defaultPort(scheme string) string {
	switch {
	case equalFold(scheme, "http"), equalFold(scheme, "ws"):
		return "80"
	case equalFold(scheme, "https"), equalFold(scheme, "wss"):
		return "443"
	}
	return ""
}

// sameHost reports whether the origin is of the host that the request was sent to.
// The request does not show whether it came over TLS, which a proxy in front may
// have ended, so the schemes http and https are not told apart; an authority without
// port has the port of the origin's scheme.
func (o origin) sameHost(authority string) bool {
	if !equalFold(o.scheme, "http") && !equalFold(o.scheme, "https") {
		return false
	}
	host, port, ok := splitAuthority(authority)
	if port == "" {
		port = defaultPort(o.scheme)
	}
	return ok && equalFold(o.host, host) && samePort(o.port, port)
}

// samePort compares port numbers, of which leading zeros are no part.
func samePort(a, b string) bool {
	return strings.TrimLeft(a, "0") == strings.TrimLeft(b, "0")
}

// A pattern is an element of ServerOptions.Origins.
type pattern struct {
	any     bool   // "*"
	null    bool   // "null"
	scheme  string // "" for http and https
	suffix  bool   // host is the part behind "*."
	host    string
	anyPort bool
	port    string // "" for that of the origin's scheme
}

// parsePattern reads a pattern; its forms are listed at ServerOptions.Origins.
func parsePattern(s string) (pattern, error) {
	bad := func() (pattern, error) {
		return pattern{}, fmt.Errorf("the origin pattern %q is not of the form [scheme://][*.]host[:port], \"null\" or \"*\"", s)
	}
	switch s {
	case "*":
		return pattern{any: true}, nil
	case "null":
		return pattern{null: true}, nil
	}
	var p pattern
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		rest = s
	} else if p.scheme = scheme; !validScheme(scheme) {
		return bad()
	}
	if after, ok := strings.CutPrefix(rest, "*."); ok {
		p.suffix, rest = true, after
	}
	if before, ok := strings.CutSuffix(rest, ":*"); ok {
		p.anyPort, rest = true, before
	}
	var ok bool
	p.host, p.port, ok = splitAuthority(rest)
	if !ok || strings.Contains(p.host, "*") || p.anyPort && p.port != "" {
		return bad()
	}
	if p.suffix && (p.host[0] == '[' || p.host[0] == '.') {
		return bad()
	}
	return p, nil
}

// matches compares part by part.
func (p pattern) matches(o origin) bool {
	switch {
	case p.scheme == "" && !equalFold(o.scheme, "http") && !equalFold(o.scheme, "https"),
		p.scheme != "" && !equalFold(o.scheme, p.scheme):
		return false
	}
	if want := p.port; !p.anyPort {
		if want == "" {
			want = defaultPort(o.scheme)
		}
		if !samePort(o.port, want) {
			return false
		}
	}
	if !p.suffix {
		return equalFold(o.host, p.host)
	}
	// A subdomain: at least one character, a dot, and the host of the pattern.
	cut := len(o.host) - len(p.host) - 1
	return cut > 0 && o.host[cut] == '.' && equalFold(o.host[cut+1:], p.host)
}

// checkOrigins judges the patterns of a server's options.
func checkOrigins(patterns []string) error {
	for _, s := range patterns {
		if _, err := parsePattern(s); err != nil {
			return err
		}
	}
	return nil
}

// allowedOrigin decides whether a request with the given Origin may be accepted by
// a server at authority.
//
// RFC 6455, sections 4.2.2 and 10.2 (4.2.2-05, 10.2-01).
func allowedOrigin(value, authority string, patterns []string) bool {
	o, ok := parseOrigin(value)
	if ok && o.sameHost(authority) {
		return true
	}
	for _, s := range patterns {
		p, err := parsePattern(s)
		switch {
		case err != nil:
		case p.any, p.null && value == "null":
			return true
		case ok && !p.null && p.matches(o):
			return true
		}
	}
	return false
}
