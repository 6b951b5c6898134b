package handshake

import "errors"

// toASCII converts a host name that is not ASCII to its xn-- form.
func toASCII(host string) (string, error) {
	return "", errors.New("the host name is not ASCII")
}
