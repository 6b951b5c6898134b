package frame

import (
	"encoding/binary"

	"github.com/duplexws/duplex/mask"
)

// Limits that RFC 6455 sets.
const (
	// MaxHeaderLen is the size in bytes of the longest header: two bytes, a
	// 64-bit length and a masking key. RFC 6455, section 5.2.
	MaxHeaderLen = 14

	// MaxControlLen is the largest payload of a control frame, in bytes.
	// RFC 6455, section 5.5.
	MaxControlLen = 125

	// MaxReasonLen is the largest close reason in bytes: a control payload less
	// the status code. RFC 6455, section 5.5.1.
	MaxReasonLen = MaxControlLen - 2
)

// The bits of the first two header bytes, and the two length codes that announce
// an extended length. RFC 6455, section 5.2.
const (
	bitFin     = 0x80
	bitsRSV    = 0x70
	bitsOpcode = 0x0F
	bitMask    = 0x80
	bitsLength = 0x7F

	length16 = 126
	length64 = 127
)

// RSV is the set of reserved bits of a frame, where they stand in its first byte.
// They are zero unless an extension gives them a meaning.
//
// RFC 6455, section 5.2.
type RSV uint8

// The three reserved bits. RSV1 marks a compressed message under RFC 7692.
const (
	RSV1 RSV = 0x40
	RSV2 RSV = 0x20
	RSV3 RSV = 0x10
)

// Header is a frame without its payload. The zero Header is an unmasked, empty
// continuation frame that is not the last of its message.
//
// RFC 6455, section 5.2.
type Header struct {
	Opcode Opcode
	Fin    bool     // last frame of its message
	RSV    RSV      // reserved bits that are set
	Masked bool     // Key is on the wire and masks the payload
	Key    mask.Key // meaningful only if Masked
	Length uint64   // payload bytes that follow the header; at most 1<<63 - 1
}

// Len returns the number of bytes that [Header.Append] adds: 2 to [MaxHeaderLen].
func (h Header) Len() int {
	n := 2
	switch {
	case h.Length > 0xFFFF:
		n += 8
	case h.Length >= length16:
		n += 2
	}
	if h.Masked {
		n += len(h.Key)
	}
	return n
}

// Append appends the header in its wire form, with the length in the shortest of
// its three forms, and returns the extended slice. It writes what it is told and
// judges nothing: see [Header.Check]. Bits that have no place on the wire, above
// the four of an opcode or beside the three of an RSV, are left out.
//
// RFC 6455, section 5.2.
func (h Header) Append(dst []byte) []byte {
	b0 := byte(h.RSV)&bitsRSV | byte(h.Opcode)&bitsOpcode
	if h.Fin {
		b0 |= bitFin
	}
	var b1 byte
	if h.Masked {
		b1 = bitMask
	}
	// RFC 6455, section 5.2: the length is sent in the fewest bytes that hold it.
	switch {
	case h.Length > 0xFFFF:
		dst = append(dst, b0, b1|length64)
		dst = binary.BigEndian.AppendUint64(dst, h.Length)
	case h.Length >= length16:
		dst = append(dst, b0, b1|length16)
		dst = binary.BigEndian.AppendUint16(dst, uint16(h.Length))
	default:
		dst = append(dst, b0, b1|byte(h.Length))
	}
	if h.Masked {
		dst = append(dst, h.Key[:]...)
	}
	return dst
}
