package handshake

import "net/http"

// Response is a server's answer that accepts a handshake.
//
// RFC 6455, section 4.2.2, step 5.
type Response struct {
	Accept      string      // value of Sec-WebSocket-Accept
	Subprotocol string      // the one chosen, "" if none
	Extensions  []Extension // those agreed to
}

// Append appends the complete head of the 101 response to dst, the empty line at
// its end included, and returns the extended slice. The fields in extra follow
// those of the handshake, in the order of their names; fields that belong to the
// handshake are left out, and CR, LF and NUL in values are written as spaces.
//
// RFC 6455, section 4.2.2, step 5 (4.2.2-16 to 4.2.2-20).
func (r Response) Append(dst []byte, extra http.Header) []byte {
	dst = append(dst, responseStart...)
	dst = appendField(dst, wireAccept, r.Accept)
	return r.appendRest(dst, extra)
}

// responseStart are the lines that every response begins with.
const responseStart = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

// appendFor is Append with the accept value for key in place of r.Accept.
func (r Response) appendFor(key string, dst []byte, extra http.Header) []byte {
	dst = append(dst, responseStart+wireAccept+": "...)
	dst = append(appendAccept(dst, key), "\r\n"...)
	return r.appendRest(dst, extra)
}

// appendRest appends what follows the accept value.
func (r Response) appendRest(dst []byte, extra http.Header) []byte {
	// RFC 6455, section 4.2.2: what is not agreed has no field; an empty one would
	// be another thing (4.2.2-11, 4.2.2-12, 4.2.2-15). Each field has one line
	// (11.3.3-01, 11.3.4-02).
	if r.Subprotocol != "" {
		dst = appendField(dst, wireProtocol, r.Subprotocol)
	}
	if len(r.Extensions) > 0 {
		dst = append(dst, wireExtensions+": "...)
		dst = append(AppendExtensions(dst, r.Extensions), "\r\n"...)
	}
	dst = appendHeader(dst, extra)
	return append(dst, "\r\n"...)
}

// Result tells how a handshake ended that both sides agreed to.
type Result struct {
	// Subprotocol is the one in use, "" if none.
	Subprotocol string

	// Extensions are those in use, in the order of the response, with its
	// parameters.
	Extensions []Extension

	// Buffered are the bytes that the peer sent behind its handshake and that were
	// read with it: the beginning of its first frames. The caller owns the slice.
	// It is nil if there are none.
	Buffered []byte

	// Header are the fields of the peer's handshake: from [Dial] those of the 101
	// response, from [Upgrade] those of the request, without Host. [Accept] leaves it
	// nil; ServerOptions.Check sees the fields of the request there.
	Header http.Header

	// Host is the authority that the request was addressed to, with the port if it
	// was given.
	Host string

	// Target is the resource name: path and query as they stood in the request.
	Target string
}
