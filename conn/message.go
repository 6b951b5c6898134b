package conn

import (
	"context"
	"iter"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// Names from package frame, so that an application imports one package.
type (
	// Role is the side of the connection: Client or Server.
	Role = frame.Role
	// StatusCode is the number in a Close frame. RFC 6455, section 7.4.
	StatusCode = frame.StatusCode
)

// The roles of frame.Role.
const (
	Client = frame.Client
	Server = frame.Server
)

// The status codes of frame.StatusCode.
const (
	StatusNormalClosure      = frame.StatusNormalClosure
	StatusGoingAway          = frame.StatusGoingAway
	StatusProtocolError      = frame.StatusProtocolError
	StatusUnsupportedData    = frame.StatusUnsupportedData
	StatusNoStatusReceived   = frame.StatusNoStatusReceived
	StatusAbnormalClosure    = frame.StatusAbnormalClosure
	StatusInvalidPayload     = frame.StatusInvalidPayload
	StatusPolicyViolation    = frame.StatusPolicyViolation
	StatusMessageTooBig      = frame.StatusMessageTooBig
	StatusMandatoryExtension = frame.StatusMandatoryExtension
	StatusInternalError      = frame.StatusInternalError
	StatusServiceRestart     = frame.StatusServiceRestart
	StatusTryAgainLater      = frame.StatusTryAgainLater
	StatusBadGateway         = frame.StatusBadGateway
	StatusTLSHandshake       = frame.StatusTLSHandshake
)

// MessageType says what a message holds. The zero value is not a valid type.
//
// RFC 6455, section 5.6.
type MessageType uint8

// The two types of message.
const (
	Text   = MessageType(frame.Text)   // UTF-8, checked on both ways
	Binary = MessageType(frame.Binary) // any bytes
)

// plain marks a type for a message that is not compressed.
const plain MessageType = 0x80

// Plain returns the type for a message that is sent as it is also where
// permessage-deflate was agreed: for data that is compressed already, or that must not
// show by its size what it has in common with other messages. It can be used wherever
// a message is sent. Types of messages that were received never have it.
//
// RFC 7692, section 6.1.
func (t MessageType) Plain() MessageType { return t | plain }

// String returns "text" or "binary".
func (t MessageType) String() string { return t.opcode().String() }

func (t MessageType) opcode() frame.Opcode { return frame.Opcode(t &^ plain) }

// check reports misuse: a type that does not exist, or text that is not UTF-8.
//
// RFC 6455, section 5.6: the whole of a text message is valid UTF-8.
func (t MessageType) check(p []byte) error {
	switch t &^= plain; {
	case t != Text && t != Binary:
		return ErrMessageType
	case t == Text && !protocol.ValidText(p):
		return errNotText
	}
	return nil
}

// Message is a message with its type.
type Message struct {
	Type MessageType
	Data []byte
}

// Messages returns an iterator over the messages that arrive. The slices belong to
// the caller. The iteration ends without an error when the peer closes with
// [StatusNormalClosure] or [StatusGoingAway]; any other error, as [Conn.Read] returns
// it, is the last pair. Breaking off loses nothing and leaves the connection open.
func (c *Conn) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			t, p, err := c.Read(ctx)
			if err != nil {
				if !closedNormally(err) {
					yield(Message{}, err)
				}
				return
			}
			if !yield(Message{t, p}, nil) {
				return
			}
		}
	}
}

// closedNormally reports whether err says that the peer has closed this connection
// normally. The cause of a context that has ended may say so of another one.
func closedNormally(err error) bool {
	ended, _ := err.(*endedError)
	if ended == nil {
		return false
	}
	ce, ok := ended.cause.(*CloseError)
	return ok && (ce.Code == StatusNormalClosure || ce.Code == StatusGoingAway)
}
