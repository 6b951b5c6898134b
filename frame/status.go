package frame

import "strconv"

// StatusCode is the number in a close frame that says why an endpoint closes.
//
// RFC 6455, section 7.4.
type StatusCode uint16

// The status codes of RFC 6455, section 7.4.1, and of the IANA registry of WebSocket
// close codes (section 11.7). Codes 3000 to 3999 are for libraries, frameworks and
// applications to register, 4000 to 4999 for private use.
const (
	StatusNormalClosure      StatusCode = 1000 // the purpose of the connection is fulfilled
	StatusGoingAway          StatusCode = 1001 // a server shuts down, a page is left
	StatusProtocolError      StatusCode = 1002 // the peer broke the protocol
	StatusUnsupportedData    StatusCode = 1003 // a type of data that cannot be accepted
	StatusNoStatusReceived   StatusCode = 1005 // local only: the close frame had no code
	StatusAbnormalClosure    StatusCode = 1006 // local only: the connection ended without a close frame
	StatusInvalidPayload     StatusCode = 1007 // data not consistent with its type, such as text that is not UTF-8
	StatusPolicyViolation    StatusCode = 1008 // generic: a policy was violated
	StatusMessageTooBig      StatusCode = 1009 // a message larger than can be processed
	StatusMandatoryExtension StatusCode = 1010 // a client misses an extension that it needs
	StatusInternalError      StatusCode = 1011 // an unexpected condition
	StatusServiceRestart     StatusCode = 1012 // the service restarts; reconnect after a while
	StatusTryAgainLater      StatusCode = 1013 // the service is overloaded
	StatusBadGateway         StatusCode = 1014 // a gateway got an invalid answer from upstream
	StatusTLSHandshake       StatusCode = 1015 // local only: the TLS handshake failed
)

// Sendable reports whether c may travel in a close frame, and so also whether a
// received c is valid: 1000 to 1003, 1007 to 1014 and 3000 to 4999. Of the rest,
// 1005, 1006 and 1015 stand for what an endpoint sees locally, 1004 and the other
// codes below 3000 are reserved, and those outside 1000 to 4999 are not used.
//
// RFC 6455, sections 7.4.1 and 7.4.2.
func (c StatusCode) Sendable() bool {
	switch {
	case c >= 3000 && c <= 4999:
		return true
	case c >= StatusInvalidPayload && c <= StatusBadGateway:
		return true
	}
	return c >= StatusNormalClosure && c <= StatusUnsupportedData
}

// String returns the number, followed for the named codes by the name, as in
// "1000 (normal closure)".
func (c StatusCode) String() string {
	n := strconv.Itoa(int(c))
	if name := c.name(); name != "" {
		return n + " (" + name + ")"
	}
	return n
}

func (c StatusCode) name() string {
	switch c {
	case StatusNormalClosure:
		return "normal closure"
	case StatusGoingAway:
		return "going away"
	case StatusProtocolError:
		return "protocol error"
	case StatusUnsupportedData:
		return "unsupported data"
	case StatusNoStatusReceived:
		return "no status received"
	case StatusAbnormalClosure:
		return "abnormal closure"
	case StatusInvalidPayload:
		return "invalid payload data"
	case StatusPolicyViolation:
		return "policy violation"
	case StatusMessageTooBig:
		return "message too big"
	case StatusMandatoryExtension:
		return "mandatory extension missing"
	case StatusInternalError:
		return "internal error"
	case StatusServiceRestart:
		return "service restart"
	case StatusTryAgainLater:
		return "try again later"
	case StatusBadGateway:
		return "bad gateway"
	case StatusTLSHandshake:
		return "TLS handshake failed"
	}
	return ""
}
