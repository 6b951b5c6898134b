package handshake

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The ways in which a URL can be wrong. None of the texts repeats the URL, which
// may contain a password.
var (
	errURLScheme    = errors.New("the scheme of the URL is not ws, wss, http, https, ws+unix or wss+unix")
	errURLSlashes   = errors.New("the URL has no // before the host")
	errURLFragment  = errors.New("the URL has a fragment")
	errURLHost      = errors.New("the host of the URL is missing or malformed")
	errURLPort      = errors.New("the port of the URL is malformed")
	errURLUser      = errors.New("the userinfo of the URL is malformed")
	errURLSocket    = errors.New("the URL of a unix socket does not begin with an absolute path")
	errURLEscape    = errors.New("the URL has a % without two hexadecimal digits")
	errURLCharacter = errors.New("the URL has a control character or is not valid UTF-8")
)

// parseURL reads a WebSocket URI.
//
// RFC 6455, sections 3 and 11.1 (3-01 to 3-06, 4.1-03).
func parseURL(s string) (a address, err error) {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7F {
			return a, errURLCharacter
		}
	}
	if !utf8.ValidString(s) {
		return a, errURLCharacter
	}
	// RFC 6455, section 3: no fragment; a # that begins none is written %23 (3-05).
	if strings.Contains(s, "#") {
		return a, errURLFragment
	}
	scheme, rest, _ := strings.Cut(s, ":")
	unix := false
	switch {
	case equalFold(scheme, "ws"), equalFold(scheme, "http"):
	case equalFold(scheme, "wss"), equalFold(scheme, "https"):
		a.secure = true
	case equalFold(scheme, "ws+unix"):
		unix = true
	case equalFold(scheme, "wss+unix"):
		a.secure, unix = true, true
	default:
		return a, errURLScheme
	}
	if unix {
		return a, a.parseUnix(rest)
	}
	rest, found := strings.CutPrefix(rest, "//")
	if !found {
		return a, errURLSlashes
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if err = a.parseAuthority(rest[:end]); err != nil {
		return a, err
	}
	a.resource, err = escapeResource(rest[end:])
	return a, err
}

// parseUnix reads socket path [":" resource name]. The path of the socket is
// unescaped, so that it may contain a colon.
func (a *address) parseUnix(s string) error {
	if after, found := strings.CutPrefix(s, "//"); found {
		s = after // an empty authority
	}
	path, query, hasQuery := strings.Cut(s, "?")
	path, resource, _ := strings.Cut(path, ":")
	socket, err := url.PathUnescape(path)
	if err != nil {
		return errURLEscape
	}
	if !strings.HasPrefix(socket, "/") || strings.Contains(socket, "\x00") {
		return errURLSocket
	}
	if resource != "" && resource[0] != '/' {
		return errURLSocket
	}
	a.socket = socket
	if hasQuery {
		resource += "?" + query
	}
	a.resource, err = escapeResource(resource)
	return err
}

// parseAuthority reads [userinfo "@"] host [":" port].
func (a *address) parseAuthority(s string) (err error) {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		if a.user, err = parseUser(s[:at]); err != nil {
			return err
		}
		s = s[at+1:]
	}
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return errURLHost
		}
		if err = a.parseIPv6(s[1:end]); err != nil {
			return err
		}
		if s = s[end+1:]; s != "" && s[0] != ':' {
			return errURLHost
		}
		s = strings.TrimPrefix(s, ":")
	} else {
		var name string
		name, s, _ = strings.Cut(s, ":")
		if a.host, err = parseName(name); err != nil {
			return err
		}
	}
	// RFC 6455, section 3: without port it is 80 or 443 (3-02).
	switch n, err := strconv.ParseUint(s, 10, 16); {
	case s == "" && a.secure:
		a.port = "443"
	case s == "":
		a.port = "80"
	case err != nil || n == 0:
		return errURLPort
	default:
		a.port = strconv.FormatUint(n, 10)
	}
	return nil
}

// parseIPv6 reads what stands between brackets; a zone follows % or %25.
// RFC 6874.
func (a *address) parseIPv6(s string) error {
	host, zone, zoned := strings.Cut(s, "%")
	if zoned {
		var err error
		zone = strings.TrimPrefix(zone, "25")
		if zone, err = url.PathUnescape(zone); err != nil || zone == "" {
			return errURLHost
		}
		for i := range len(zone) {
			if !isUnreserved(zone[i]) {
				return errURLHost
			}
		}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is6() {
		return errURLHost
	}
	a.host, a.zone = ip.String(), zone
	return nil
}

// parseName reads a registered name or an IPv4 address.
func parseName(s string) (string, error) {
	name, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(name) {
		return "", errURLHost
	}
	// RFC 6455, section 11.1.1: a name in Unicode is converted to ASCII (11.1.1-01).
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			if name, err = toASCII(name); err != nil {
				return "", errURLHost
			}
			break
		}
	}
	for i := range len(name) {
		if c := name[i]; !isUnreserved(c) || c == '~' {
			return "", errURLHost
		}
	}
	if strings.Trim(name, ".") == "" {
		return "", errURLHost
	}
	return strings.ToLower(name), nil
}

// parseUser reads user [":" password].
func parseUser(s string) (*url.Userinfo, error) {
	name, password, found := strings.Cut(s, ":")
	name, err1 := url.PathUnescape(name)
	password, err2 := url.PathUnescape(password)
	if err1 != nil || err2 != nil {
		return nil, errURLUser
	}
	if !found {
		return url.User(name), nil
	}
	return url.UserPassword(name, password), nil
}

// escapeResource makes the resource name of path and query: "/" for an empty path,
// no "?" for an empty query. Escapes are kept as they are, every other character
// that the syntax excludes is percent-encoded.
//
// RFC 6455, sections 3 and 11.1.1 (3-04, 3-06, 11.1.1-02).
func escapeResource(s string) (string, error) {
	path, query, _ := strings.Cut(s, "?")
	b := make([]byte, 0, len(s)+1)
	if path == "" {
		path = "/"
	}
	b, ok := appendEscaped(b, path, ":@/")
	if query != "" {
		var valid bool
		b, valid = appendEscaped(append(b, '?'), query, ":@/?")
		ok = ok && valid
	}
	if !ok {
		return "", errURLEscape
	}
	return string(b), nil
}

// appendEscaped reports false for a % that begins no escape.
func appendEscaped(b []byte, s, also string) ([]byte, bool) {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && !isEscape(s[i:]):
			return b, false
		case c == '%', isUnreserved(c), strings.IndexByte("!$&'()*+,;=", c) >= 0, strings.IndexByte(also, c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b, true
}
