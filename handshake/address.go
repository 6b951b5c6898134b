package handshake

import (
	"net"
	"net/url"
	"strings"
)

// An address is where a handshake goes to: the parts of a WebSocket URI.
//
// RFC 6455, section 3.
type address struct {
	secure   bool
	host     string // name in ASCII and lower case, or IP address without brackets and zone
	zone     string // of an IPv6 address
	port     string
	socket   string // path of a unix socket, in place of host, zone and port
	resource string // path and query, escaped: what the request line shows
	user     *url.Userinfo
}

// hostPort is the address to dial, with the zone, or to ask a proxy for, without.
func (a *address) hostPort(zone bool) string {
	if zone && a.zone != "" {
		return net.JoinHostPort(a.host+"%"+a.zone, a.port)
	}
	return net.JoinHostPort(a.host, a.port)
}

// authority is the value of the Host field: the port is named unless it is the
// default, the zone is of no concern to the server. What listens on a unix socket is
// on the local host.
//
// RFC 6455, section 4.1, request item 4 (4.1-20).
func (a *address) authority() string {
	switch {
	case a.socket != "":
		return "localhost"
	case a.port != a.defaultPort():
		return a.hostPort(false)
	case strings.Contains(a.host, ":"):
		return "[" + a.host + "]"
	}
	return a.host
}

func (a *address) defaultPort() string {
	if a.secure {
		return "443"
	}
	return "80"
}

// http is the address as a URL for the functions that know only http and https, a
// cookie jar and a choice of proxy, without userinfo.
func (a *address) http() *url.URL {
	scheme := "http://"
	if a.secure {
		scheme = "https://"
	}
	// What parseURL lets through, net/url does as well.
	u, _ := url.Parse(scheme + a.authority() + a.resource)
	return u
}

// sameOrigin reports whether b is at the same endpoint with the same security.
func (a *address) sameOrigin(b *address) bool {
	return a.secure == b.secure && a.host == b.host && a.zone == b.zone && a.port == b.port && a.socket == b.socket
}
