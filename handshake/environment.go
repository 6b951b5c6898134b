package handshake

import (
	"net/http"
	"net/url"
)

// environmentProxy is the default of DialOptions.Proxy.
func environmentProxy(u *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: u})
}
