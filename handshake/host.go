package handshake

import (
	"net/netip"
	"strings"
)

// splitAuthority splits host [":" port] as it stands in a Host field, an origin or
// a request-target. Brackets around an IPv6 address stay. It reports false if host
// or port break the syntax; the host may not be empty, the port may.
//
// RFC 3986, section 3.2; RFC 9112, section 3.2.
func splitAuthority(s string) (host, port string, ok bool) {
	end := strings.IndexByte(s, ':')
	if s != "" && s[0] == '[' {
		i := strings.IndexByte(s, ']')
		if i < 0 || !validIPv6(s[1:i]) {
			return "", "", false
		}
		if end = i + 1; end < len(s) && s[end] != ':' {
			return "", "", false
		}
	}
	if end < 0 || end == len(s) {
		host = s
	} else {
		host, port = s[:end], s[end+1:]
		if !validPort(port) {
			return "", "", false
		}
	}
	return host, port, host != "" && (host[0] == '[' || validName(host))
}

// validIPv6 reports whether s is an IPv6 address without zone.
func validIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

// validName reports whether s has only the characters of a reg-name. Escapes, which
// the syntax allows and no host needs, are not let through: two spellings of a host
// would be taken for two hosts, and net/http knows them in some places only.
func validName(s string) bool {
	for i := range len(s) {
		if !isUnreserved(s[i]) && strings.IndexByte("!$&'()*+,;=", s[i]) < 0 {
			return false
		}
	}
	return true
}

// validPort reports whether s is empty or a port number.
func validPort(s string) bool {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
		if n = n*10 + int(s[i]-'0'); n > 65535 {
			return false
		}
	}
	return s == "" || n > 0
}

// isUnreserved is the set of RFC 3986, section 2.3.
func isUnreserved(c byte) bool {
	return isAlpha(c) || isDigit(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// isEscape reports whether s begins with a percent-encoded byte.
func isEscape(s string) bool { return len(s) >= 3 && s[0] == '%' && isHex(s[1]) && isHex(s[2]) }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// splitTarget splits a request-target in absolute form into authority and resource
// name; one in origin form has no authority. It reports false for any other form,
// and for characters that may not stand in a request-target. Where the syntax of
// URIs excludes visible characters that browsers leave unescaped in a query, such as
// "|", they are let through.
//
// RFC 6455, section 4.2.1, item 1 (4.2.1-04); RFC 9112, section 3.2.
func splitTarget(target string) (authority, resource string, ok bool) {
	for i := range len(target) {
		c := target[i]
		if c <= ' ' || c >= 0x7F || c == '#' || c == '%' && !isEscape(target[i:]) {
			return "", "", false
		}
	}
	if target != "" && target[0] == '/' {
		return "", target, true
	}
	rest := target
	switch {
	case hasFoldedPrefix(target, "http://"):
		rest = target[len("http://"):]
	case hasFoldedPrefix(target, "https://"):
		rest = target[len("https://"):]
	default:
		return "", "", false
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if _, _, ok := splitAuthority(rest[:end]); !ok {
		return "", "", false
	}
	authority, resource = rest[:end], rest[end:]
	if resource == "" || resource[0] == '?' {
		resource = "/" + resource
	}
	return authority, resource, true
}
