package handshake

import (
	"errors"
	"net/http"
	"net/url"
)

// errEnvironment stands for errors whose text repeats the variable, which may hold
// a password.
var errEnvironment = errors.New("the proxy that the environment names is not valid")

// environmentProxy is the default of DialOptions.Proxy. The environment is read
// once in the life of the process.
func environmentProxy(u *url.URL) (*url.URL, error) {
	p, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err != nil {
		return nil, errEnvironment
	}
	return p, nil
}
