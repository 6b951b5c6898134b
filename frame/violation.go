package frame

import "fmt"

// Violation names a rule that a peer has broken. It is an error; its text says what
// was wrong and which section states the rule. Violations are constants: compare
// them with errors.Is or ==.
//
// The rules that need memory of earlier frames are listed here too, though they
// are checked by the message layer of package conn, so that there is one list.
//
// The zero Violation names no rule.
type Violation uint8

// The rules of RFC 6455 and RFC 7692 that an endpoint can see its peer break after the
// opening handshake.
const (
	// ReservedBit: a reserved bit is set that no negotiated extension has defined.
	ReservedBit Violation = iota + 1
	// ReservedOpcode: an opcode without a meaning, 3 to 7 or 11 to 15.
	ReservedOpcode
	// NotMasked: a frame from a client is not masked.
	NotMasked
	// MaskedByServer: a frame from a server is masked.
	MaskedByServer
	// LengthNotMinimal: a length is not in the shortest form that holds it.
	LengthNotMinimal
	// LengthTopBit: a 64-bit length has its most significant bit set.
	LengthTopBit
	// ControlFragmented: a control frame without FIN.
	ControlFragmented
	// ControlTooLong: a control frame with more than 125 bytes of payload.
	ControlTooLong
	// UnexpectedContinuation: a continuation frame with no message begun.
	UnexpectedContinuation
	// MessageInterleaved: a text or binary frame inside an unfinished message.
	MessageInterleaved
	// CloseBodyTooShort: a close body of one byte, too short for a status code.
	CloseBodyTooShort
	// CloseCodeInvalid: a close body with a status code that may not be sent.
	CloseCodeInvalid
	// CloseReasonNotUTF8: a close reason that is not valid UTF-8.
	CloseReasonNotUTF8
	// TextNotUTF8: a text message that is not valid UTF-8.
	TextNotUTF8
	// MessageTooBig: a message larger than the receiver is willing to take.
	MessageTooBig
	// MessageCorrupt: a compressed message that cannot be inflated.
	MessageCorrupt
	// ControlFlood: more control frames, or fragments without payload, than the receiver
	// is willing to take in the time.
	ControlFlood
)

// rules is indexed by Violation.
var rules = [...]struct {
	code    StatusCode
	section string
	text    string
}{
	0:                      {StatusProtocolError, "", "no rule"},
	ReservedBit:            {StatusProtocolError, "5.2", "a reserved bit is set that no extension has defined"},
	ReservedOpcode:         {StatusProtocolError, "5.2", "the opcode is reserved"},
	NotMasked:              {StatusProtocolError, "5.1", "a frame from the client is not masked"},
	MaskedByServer:         {StatusProtocolError, "5.1", "a frame from the server is masked"},
	LengthNotMinimal:       {StatusProtocolError, "5.2", "the payload length is not in its shortest form"},
	LengthTopBit:           {StatusProtocolError, "5.2", "the payload length has its most significant bit set"},
	ControlFragmented:      {StatusProtocolError, "5.5", "a control frame is fragmented"},
	ControlTooLong:         {StatusProtocolError, "5.5", "a control frame has more than 125 bytes"},
	UnexpectedContinuation: {StatusProtocolError, "5.4", "a continuation frame has no message to continue"},
	MessageInterleaved:     {StatusProtocolError, "5.4", "a new message begins inside an unfinished one"},
	CloseBodyTooShort:      {StatusProtocolError, "5.5.1", "the close body has one byte"},
	CloseCodeInvalid:       {StatusProtocolError, "7.4", "the close code may not be sent"},
	CloseReasonNotUTF8:     {StatusInvalidPayload, "8.1", "the close reason is not valid UTF-8"},
	TextNotUTF8:            {StatusInvalidPayload, "8.1", "the text is not valid UTF-8"},
	MessageTooBig:          {StatusMessageTooBig, "10.4", "the message is larger than the read limit"},
	MessageCorrupt:         {StatusInvalidPayload, "7.2.2", "the compressed message cannot be inflated"},
	ControlFlood:           {StatusPolicyViolation, "10.4", "there are too many control frames or empty fragments"},
}

// known maps values outside the list to the zero Violation.
func (v Violation) known() Violation {
	if int(v) >= len(rules) {
		return 0
	}
	return v
}

// Code returns the status code to send when failing a connection for v: 1002, 1007,
// 1008 or 1009.
//
// RFC 6455, sections 7.1.7 and 7.4.1.
func (v Violation) Code() StatusCode { return rules[v.known()].code }

// Section returns the section that states the rule, such as "5.2", or the empty string
// for a value that names no rule. It is one of RFC 6455; for MessageCorrupt it is one
// of RFC 7692.
func (v Violation) Section() string { return rules[v.known()].section }

// Error returns one line: what was wrong, the section and the close code.
func (v Violation) Error() string {
	if v.known() == 0 {
		return fmt.Sprintf("frame: violation %d names no rule", uint8(v))
	}
	r, rfc := rules[v], 6455
	if v == MessageCorrupt {
		rfc = 7692
	}
	return fmt.Sprintf("%s (RFC %d, section %s; close code %d)", r.text, rfc, r.section, uint16(r.code))
}
