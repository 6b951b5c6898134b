package handshake

import "golang.org/x/net/idna"

// toASCII converts a host name that is not ASCII to its xn-- form, by the rules for
// looking names up.
//
// RFC 6455, section 11.1.1 (11.1.1-01); RFC 5890.
func toASCII(host string) (string, error) { return idna.Lookup.ToASCII(host) }
