package frame

// Check applies the rules that can be judged from a header alone to a frame that
// was sent by the given role. The reserved bits in allowed are those that a
// negotiated extension has given a meaning; on control frames none ever is. It
// returns nil or a [Violation].
//
// Check needs no more than the first two bytes of a header: from two bytes on it
// says of what [Parse] returns with [ErrShort] or a violation what it says of the
// whole header. A reader that calls it before it looks at the error of Parse finds
// the same violation however the bytes were cut. The zero Header that Parse returns
// for fewer than two bytes is not to be checked.
//
// RFC 6455, sections 5.1, 5.2 and 5.5.
func (h Header) Check(from Role, allowed RSV) error {
	// RFC 6455, section 5.2: a reserved opcode fails the connection.
	if h.Opcode.IsReserved() {
		return ReservedOpcode
	}
	// RFC 6455, section 5.2: a reserved bit that no extension has defined fails
	// the connection. RFC 7692, section 6: RSV1 is never set on control frames.
	if h.Opcode.IsControl() {
		allowed = 0
	}
	if h.RSV&^allowed != 0 {
		return ReservedBit
	}
	// RFC 6455, section 5.1: every frame from a client is masked, no frame from
	// a server is.
	if h.Masked != (from == Client) {
		if h.Masked {
			return MaskedByServer
		}
		return NotMasked
	}
	if h.Opcode.IsControl() {
		// RFC 6455, section 5.5: control frames are not fragmented and carry at
		// most 125 bytes.
		if !h.Fin {
			return ControlFragmented
		}
		if h.Length > MaxControlLen {
			return ControlTooLong
		}
	}
	return nil
}
