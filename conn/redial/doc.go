// Package redial is for clients that are to stay connected: it dials again whenever a
// connection has ended or could not be made, after a pause that is a random one, and on
// average longer from time to time, so that a server that comes back is not met by all its
// clients at once.
//
// [Conns] is an iterator over connections, one after the other, and over the errors of
// attempts that have failed. The body of the loop uses a connection until it ends and goes
// on to the next.
//
// # What is tried again
//
// Whatever may be otherwise next time: no network, a name that is not known, a server that
// is not there or does not answer, a TLS handshake that fails, responses that are not HTTP,
// and of the statuses 408, 425, 429 and those from 500 on, except 501 and 505. Errors that
// are no [*handshake.Error] are those of the program's own function and are tried again,
// too. So are options that conn.Dial does not accept, which cannot be told from a lack of
// network: a program that takes them from elsewhere looks at the first error.
//
// Final are a URL that is not valid, and every other status: those that mean that the
// client has to do something else, such as 401, 403 and 404, redirects that cannot be
// followed, and responses that are no valid handshake, be it 200 or 101. A final error is
// the last one.
//
// However a connection ends, with whatever status code, there is another attempt. Whether
// the end was meant to be one is for the program to say, which leaves the loop.
//
// RFC 6455, section 7.2.3.
package redial
