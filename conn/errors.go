package conn

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/duplexws/duplex/frame"
)

// CloseError says how the peer ended the connection. It is an error even for a
// normal closure, so that every read loop ends by an error; [Conn.Messages] leaves
// out that one distinction.
type CloseError struct {
	// Code is what the peer's Close frame said; [StatusNoStatusReceived] if it
	// said nothing, and [StatusAbnormalClosure] if the stream ended without a
	// Close frame, or failed a writer while messages ahead of a normal one were left
	// unread: they are lost then. RFC 6455, section 7.1.5.
	Code StatusCode

	// Reason is the peer's text, valid UTF-8 of at most 123 bytes, often empty.
	// It is meant for logs: the peer can write what it likes, so do not show it to
	// end users. RFC 6455, section 5.5.1.
	Reason string

	// Answer says that the Close frame came after ours had been sent: it was we who
	// closed, see [Conn.Close].
	Answer bool

	// Err is what happened to the stream if Code is StatusAbnormalClosure, for
	// example io.ErrUnexpectedEOF. Otherwise it is nil.
	Err error
}

// Error returns one line with the code, its name and the reason in quotes.
func (e *CloseError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("duplex: the connection was lost: %v (%d)", e.Err, uint16(e.Code))
	case e.Answer && e.Reason == "":
		return fmt.Sprintf("duplex: closed by us, and the peer answered: %v", e.Code)
	case e.Answer:
		return fmt.Sprintf("duplex: closed by us, and the peer answered: %v: %q", e.Code, e.Reason)
	case e.Reason != "":
		return fmt.Sprintf("duplex: closed by the peer: %v: %q", e.Code, e.Reason)
	}
	return fmt.Sprintf("duplex: closed by the peer: %v", e.Code)
}

// Unwrap returns Err.
func (e *CloseError) Unwrap() error { return e.Err }

// FailError says that we failed the connection because the peer broke a rule.
//
// RFC 6455, section 7.1.7.
type FailError struct {
	// Violation is the rule. It knows the close code that was sent and the section
	// of the RFC, and matches with errors.Is.
	Violation frame.Violation

	// Err is what exactly was wrong, if the Violation does not say it all: a
	// deflate.Corrupt for frame.MessageCorrupt. Otherwise it is nil.
	Err error
}

// Error returns one line with the rule, its section and the close code.
func (e *FailError) Error() string {
	s := "duplex: failed the connection: " + e.Violation.Error()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the Violation, and Err if there is one.
func (e *FailError) Unwrap() []error {
	if e.Err != nil {
		return []error{e.Violation, e.Err}
	}
	return []error{e.Violation}
}

// Errors of calls that could not be carried out. The connection goes on, but for
// ErrKeepAlive, ErrIdleTimeout and ErrWriteTimeout, and ErrPostLimit where it matches net.ErrClosed.
var (
	// ErrNoReader is returned by [Conn.Ping] if the answer cannot be seen, because
	// a message has arrived before it and nobody reads messages.
	ErrNoReader = errors.New("duplex: ping: a message is waiting and no Read, Reader, Messages or Discard is active")

	// ErrReaderOpen is returned by calls that read while the message of a [Conn.Reader]
	// is unfinished: read it to its end or close it first.
	ErrReaderOpen = errors.New("duplex: read: the message of an earlier Reader is unfinished: read it to io.EOF or close it")

	// ErrPostLimit is returned by [Conn.Post] if too much is waiting to be sent, unless
	// [Options].PostOverflow says otherwise. With [OverflowClose] it has ended the
	// connection.
	ErrPostLimit = errors.New("duplex: post: too many bytes are waiting to be sent")

	// ErrMessageType is returned for a [MessageType] that is neither Text nor Binary.
	ErrMessageType = errors.New("duplex: the message type is neither Text nor Binary")

	// ErrKeepAlive ended a connection whose peer did not show life in time, see
	// [Options].KeepAlive. It is a net.Error whose Timeout method returns true.
	ErrKeepAlive error = &timeoutError{"duplex: keepalive: no sign of life from the peer"}

	// ErrIdleTimeout ended a connection over which no message came or went for too long, see
	// [Options].IdleTimeout. It is a net.Error whose Timeout method returns true.
	ErrIdleTimeout error = &timeoutError{"duplex: idle: no message for too long"}

	// ErrWriteTimeout ended a connection whose stream took nothing for too long, see
	// [Options].WriteTimeout. It is a net.Error whose Timeout method returns true.
	ErrWriteTimeout error = &timeoutError{"duplex: write: the peer takes nothing"}
)

var (
	// errEvent is what acquire returns when the event came first.
	errEvent = errors.New("duplex: event")

	// errClosing is for data that was to be sent after a Close frame.
	errClosing = &endedError{errors.New("duplex: write: the connection is closing")}

	// errNotText is for text that the caller wanted to send.
	errNotText = fmt.Errorf("duplex: write: %w", frame.TextNotUTF8)

	// errReaderOver is for a Reader that no longer has a message.
	errReaderOver = errors.New("duplex: read: this Reader was closed, or another has taken over its message")

	// errStuck is what ends a connection whose stream is not to be interrupted.
	errStuck error = &timeoutError{"duplex: read: the TLS connection waits for a write that the peer does not take"}

	// What calls lack that cannot do without.
	errNoStream   = errors.New("duplex: the connection was made without a stream")
	errNoListener = errors.New("duplex: listen: there is no listener")
	errNoFunction = errors.New("duplex: serve: there is no function")

	// errCloseNow is what ends a connection that is cut by CloseNow.
	errCloseNow = errors.New("duplex: the connection was closed by CloseNow")

	// errUnread is the cause when the stream broke for a writer, and of what the peer had sent
	// before its Close frame not all was read.
	errUnread = errors.New("duplex: nothing can be sent any more, and messages were left unread")

	// errCloseTime is the cause when the closing handshake takes too long.
	errCloseTime error = &timeoutError{"duplex: close: the peer did not finish the closing handshake in time"}
)

// codeError says that a close code may not be sent. It matches
// frame.CloseCodeInvalid.
type codeError struct{ code StatusCode }

func (e *codeError) Error() string {
	return fmt.Sprintf("duplex: close: %d may not be sent in a Close frame; %d was sent in its place", uint16(e.code), uint16(StatusInternalError))
}
func (e *codeError) Unwrap() error { return frame.CloseCodeInvalid }

type timeoutError struct{ text string }

func (e *timeoutError) Error() string   { return e.text }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

// endedError is a terminal error. It matches its cause and net.ErrClosed.
type endedError struct{ cause error }

func (e *endedError) Error() string   { return e.cause.Error() }
func (e *endedError) Unwrap() []error { return []error{e.cause, net.ErrClosed} }
func (e *endedError) Timeout() bool   { return isTimeout(e.cause) }
func (e *endedError) Temporary() bool { return false }

// cancelError is what a call returns whose context has ended. It matches the
// context's error and its cause.
type cancelError struct{ err, cause error }

func (e *cancelError) Error() string {
	if e.cause != e.err {
		return "duplex: " + e.err.Error() + ": " + e.cause.Error()
	}
	return "duplex: " + e.err.Error()
}
func (e *cancelError) Unwrap() []error { return []error{e.err, e.cause} }
func (e *cancelError) Timeout() bool   { return isTimeout(e.err) }
func (e *cancelError) Temporary() bool { return e.Timeout() }

// cancelled returns the error for a call whose context has ended.
func cancelled(ctx context.Context) error {
	return &cancelError{ctx.Err(), context.Cause(ctx)}
}

// isTimeout reports whether err comes from a deadline.
func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}
