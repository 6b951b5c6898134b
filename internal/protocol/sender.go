package protocol

import (
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// Header returns the header of a whole frame of n payload bytes that an endpoint in
// the given role sends. For a client it holds a fresh masking key.
//
// RFC 6455, sections 5.1 and 5.3.
func Header(role frame.Role, op frame.Opcode, fin bool, n int) frame.Header {
	h := frame.Header{Opcode: op, Fin: fin, Length: uint64(n)}
	if role == frame.Client {
		h.Masked, h.Key = true, mask.NewKey()
	}
	return h
}

// Sender is the outgoing direction of a connection: the frames of one message after
// the other. Make one with [NewSender].
type Sender struct {
	role frame.Role
	op   frame.Opcode // of the next data frame
	rsv  frame.RSV    // of the next data frame
	utf8 bool         // the message under way is text
	text text
}

// NewSender returns a Sender for an endpoint in the given role.
func NewSender(role frame.Role) Sender { return Sender{role: role} }

// Begin starts a message of type Text or Binary.
func (s *Sender) Begin(op frame.Opcode) {
	s.op, s.rsv, s.utf8, s.text = op, 0, op == frame.Text, text{}
}

// Mark sets reserved bits for the first frame of the message. It is called before that.
//
// RFC 7692, section 6.1: a compressed message has RSV1.
func (s *Sender) Mark(rsv frame.RSV) { s.rsv = rsv }

// Message is told the next bytes of the message, as the application wrote them. It
// returns frame.TextNotUTF8 if they cannot be part of a text; the message cannot be
// completed then.
//
// RFC 6455, section 5.6: the whole of a text message is valid UTF-8.
func (s *Sender) Message(p []byte) error {
	if s.utf8 && !s.text.write(p) {
		return frame.TextNotUTF8
	}
	return nil
}

// EndMessage is called before the last frame of the message. It returns
// frame.TextNotUTF8 if the text ends inside a character.
func (s *Sender) EndMessage() error {
	if !s.text.end() {
		return frame.TextNotUTF8
	}
	return nil
}

// Frame returns the header of the next frame of the message, with n payload bytes.
//
// RFC 6455, section 5.4: the first frame has the opcode of the message, the others
// are continuations, and the last has FIN.
func (s *Sender) Frame(fin bool, n int) frame.Header {
	h := Header(s.role, s.op, fin, n)
	h.RSV = s.rsv
	s.op, s.rsv = frame.Continuation, 0
	return h
}
