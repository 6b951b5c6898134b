package frame

import (
	"encoding/binary"
	"unicode/utf8"
)

// ParseClose reads the body of a close frame, unmasked. An empty body gives
// [StatusNoStatusReceived] and no reason. The error is nil, [CloseBodyTooShort],
// [CloseCodeInvalid] or [CloseReasonNotUTF8]; with [CloseCodeInvalid] the code is the
// one received, otherwise it is zero. The reason does not share memory with body; it
// is meant for logs, not for the eyes of end users.
//
// RFC 6455, sections 5.5.1, 7.1.5, 7.1.6 and 7.4.
func ParseClose(body []byte) (code StatusCode, reason string, err error) {
	switch len(body) {
	case 0:
		return StatusNoStatusReceived, "", nil
	case 1:
		return 0, "", CloseBodyTooShort
	}
	code = StatusCode(binary.BigEndian.Uint16(body))
	if !code.Sendable() {
		return code, "", CloseCodeInvalid
	}
	// RFC 6455, section 8.1: text that is not valid UTF-8 fails the connection.
	if !utf8.Valid(body[2:]) {
		return 0, "", CloseReasonNotUTF8
	}
	return code, string(body[2:]), nil
}

// AppendClose appends a close body to dst and returns the extended slice.
// [StatusNoStatusReceived] stands for the empty body and takes no reason.
//
// The error is [CloseCodeInvalid] for a code that may not travel,
// [CloseReasonNotUTF8], or [ControlTooLong] for a reason of more than
// [MaxReasonLen] bytes; dst is then returned as it was.
//
// RFC 6455, sections 5.5.1 and 7.4.
func AppendClose(dst []byte, code StatusCode, reason string) ([]byte, error) {
	if code == StatusNoStatusReceived && reason == "" {
		return dst, nil
	}
	switch {
	case !code.Sendable():
		return dst, CloseCodeInvalid
	case !utf8.ValidString(reason):
		return dst, CloseReasonNotUTF8
	case len(reason) > MaxReasonLen:
		return dst, ControlTooLong
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...), nil
}
