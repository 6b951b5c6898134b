package handshake

import (
	"net/http"
	"net/url"
)

// environmentProxy is the default of DialOptions.Proxy. The environment is read
// once in the life of the process; a malformed variable counts as none.
func environmentProxy(u *url.URL) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: u})
}
