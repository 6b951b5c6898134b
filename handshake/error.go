package handshake

import (
	"errors"
	"net/http"
	"strconv"
)

// Error says why a handshake failed: the error of [Upgrade], [Accept], [Dial] and
// [ServerOptions.Verdict].
//
// On the server, Status and Header are those of the answer that refuses the
// request, and Body is nil. On the client they are those of the server's (or
// proxy's) answer, and Body is the beginning of its body, at most 4 KiB. Where no
// answer was sent or received, Status is 0 and Header nil.
type Error struct {
	Status  int         // HTTP status code
	Header  http.Header // fields of the answer
	Body    []byte      // client: beginning of the body of the answer
	Reason  string      // what was wrong, in words
	Section string      // section of RFC 6455 that was not obeyed, "" if none is concerned
	Err     error       // what caused it, if something did

	discreet bool // Err is not for the client
}

// Error returns one line: status, reason, section, and the cause.
func (e *Error) Error() string {
	s := "handshake: "
	if e.Status != 0 {
		s += statusLine(e.Status) + ": "
	}
	s += e.why()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns e.Err. A handshake that ran out of time matches
// context.DeadlineExceeded, a net.Error whose Timeout is true.
func (e *Error) Unwrap() error { return e.Err }

// Versions returns the protocol versions that the answer lists in its
// Sec-WebSocket-Version fields: those the server is willing to use. It is empty if
// there is no such field or it is malformed.
//
// RFC 6455, section 4.4 (4.3-05, 4.4-03, 11.3.5-01). This package speaks version 13
// only and does not repeat a handshake.
func (e *Error) Versions() []string {
	var versions []string
	l := list{lines: e.Header[fieldVersion]}
	for v, ok := l.next(); ok; v, ok = l.next() {
		versions = append(versions, v)
	}
	if !l.valid() {
		return nil
	}
	return versions
}

// why is the reason with its section.
func (e *Error) why() string {
	if e.Section == "" {
		return e.Reason
	}
	return e.Reason + " (RFC 6455, section " + e.Section + ")"
}

// statusLine is the code with its name, if it has one.
func statusLine(status int) string {
	if text := http.StatusText(status); text != "" {
		return strconv.Itoa(status) + " " + text
	}
	return strconv.Itoa(status)
}

// without is for a call that lacks what it cannot do without.
func without(what string) *Error {
	return &Error{Status: http.StatusInternalServerError, Reason: "the handshake was begun without " + what}
}

// refuse makes the Error for an answer without further fields.
func refuse(status int, section, reason string) *Error {
	return &Error{Status: status, Section: section, Reason: reason}
}

// with adds a field to the answer.
func (e *Error) with(name, value string) *Error {
	if e.Header == nil {
		e.Header = http.Header{}
	}
	e.Header.Set(name, value)
	return e
}

// errClosed is for peers that hang up before their first byte.
var errClosed = errors.New("the connection was closed before a complete head had arrived")
