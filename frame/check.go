package frame

// Check applies the rules that can be judged from a header alone to a frame that
// was sent by the given role. The reserved bits in allowed are those that a
// negotiated extension has given a meaning; on control frames none ever is. It
// returns nil or a [Violation].
//
// Check needs the first two bytes of a header only, so it may be called on what
// [Parse] returns together with [ErrShort].
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
