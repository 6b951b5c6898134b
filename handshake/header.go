package handshake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Names of the fields of a handshake as http.Header spells them.
const (
	fieldUpgrade    = "Upgrade"
	fieldConnection = "Connection"
	fieldKey        = "Sec-Websocket-Key"
	fieldAccept     = "Sec-Websocket-Accept"
	fieldVersion    = "Sec-Websocket-Version"
	fieldProtocol   = "Sec-Websocket-Protocol"
	fieldExtensions = "Sec-Websocket-Extensions"
)

// The same on the wire, in the spelling of the RFC.
const (
	wireKey        = "Sec-WebSocket-Key"
	wireAccept     = "Sec-WebSocket-Accept"
	wireVersion    = "Sec-WebSocket-Version"
	wireProtocol   = "Sec-WebSocket-Protocol"
	wireExtensions = "Sec-WebSocket-Extensions"
	wirePrefix     = "Sec-WebSocket-"
)

// version is the protocol version. RFC 6455, sections 4.1 and 11.6.
const version = "13"

// ownFields are those that the handshake or the framing of the message sets, so
// that a caller cannot; so are all that begin with Sec-WebSocket-.
var ownFields = []string{
	fieldUpgrade, fieldConnection, "Host", "Content-Length", "Transfer-Encoding",
	"Trailer", "Te", "Keep-Alive", "Proxy-Connection",
}

// isOwn reports whether a field is set by the handshake alone.
func isOwn(name string) bool {
	if hasFoldedPrefix(name, wirePrefix) {
		return true
	}
	for _, own := range ownFields {
		if equalFold(name, own) {
			return true
		}
	}
	return false
}

// checkHeader judges fields that a caller wants to be sent. Every value is checked,
// so that no CR, LF or NUL can begin a line of its own.
func checkHeader(h http.Header) error {
	for name, values := range h {
		if len(values) == 0 {
			continue
		}
		if !isToken(name) {
			return fmt.Errorf("the field name %q is not a token", name)
		}
		if isOwn(name) {
			return fmt.Errorf("the field %s is set by the handshake and cannot be given", name)
		}
		for _, v := range values {
			if !validValue(v) {
				return fmt.Errorf("the value of field %s has a control character", name)
			}
		}
	}
	return nil
}

// validValue reports whether s may be the value of a field: no control characters
// but HTAB. RFC 9110, section 5.5.
func validValue(s string) bool {
	for i := range len(s) {
		if controlChars[s[i]] {
			return false
		}
	}
	return true
}

// appendField appends one line. Characters that would end the line, which callers
// have refused before, become spaces here, so that no mistake of theirs can split a
// head.
func appendField(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	for i := range len(value) {
		c := value[i]
		if c == '\r' || c == '\n' || c == 0 {
			c = ' '
		}
		dst = append(dst, c)
	}
	return append(dst, "\r\n"...)
}

// appendHeader appends the fields of h in the order of their names. Names that are
// no tokens or belong to the handshake are left out.
func appendHeader(dst []byte, h http.Header) []byte {
	if len(h) == 0 {
		return dst
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !isToken(name) || isOwn(name) {
			continue
		}
		for _, v := range h[name] {
			dst = appendField(dst, name, trim(v))
		}
	}
	return dst
}
