package handshake

import (
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// environmentProxy is the default of DialOptions.Proxy: the environment as it is at
// the time of the dial. A malformed variable counts as none.
func environmentProxy(u *url.URL) (*url.URL, error) {
	return httpproxy.FromEnvironment().ProxyFunc()(u)
}
