package frame

import (
	"encoding/binary"
	"errors"

	"github.com/duplexws/duplex/mask"
)

// ErrShort is returned by [Parse] for a slice that ends inside a header. It is the
// only error of this package that is not a [Violation]: with more bytes the same
// header may be fine.
var ErrShort = errors.New("frame: the header is not complete yet")

// Parse reads the frame header at the start of b and returns it with the number
// of bytes it takes on the wire. The bytes after it are not looked at.
//
// The error is [ErrShort] if b ends inside the header, [LengthNotMinimal] or
// [LengthTopBit] for a length that RFC 6455 forbids, and nil otherwise; Parse
// applies no other rule, see [Header.Check].
//
// A reader need not wait for the whole header to reject it. As soon as b has two
// bytes, h holds all that they say, whatever the error: everything but the key, and
// for an extended length whose bytes are missing or forbidden the least that its
// form can say (126 or 65536), so that limits can be applied; n is the size that the
// whole header has. With fewer than two bytes h is zero and n is 2.
//
// RFC 6455, section 5.2.
func Parse(b []byte) (h Header, n int, err error) {
	if len(b) < 2 {
		return Header{}, 2, ErrShort
	}
	h = Header{
		Opcode: Opcode(b[0] & bitsOpcode),
		Fin:    b[0]&bitFin != 0,
		RSV:    RSV(b[0] & bitsRSV),
		Masked: b[1]&bitMask != 0,
		Length: uint64(b[1] & bitsLength),
	}
	n = 2
	switch h.Length {
	case length16:
		n += 2
	case length64:
		n += 8
		h.Length = 0x10000
	}
	lengthEnd := n
	if h.Masked {
		n += len(h.Key)
	}
	if len(b) < lengthEnd {
		return h, n, ErrShort
	}
	switch lengthEnd {
	case 4:
		v := uint64(binary.BigEndian.Uint16(b[2:]))
		if v < length16 {
			return h, n, LengthNotMinimal
		}
		h.Length = v
	case 10:
		v := binary.BigEndian.Uint64(b[2:])
		// RFC 6455, section 5.2: the most significant bit of a 64-bit length is
		// 0. It is checked here, while the length is still unsigned.
		if v > 1<<63-1 {
			return h, n, LengthTopBit
		}
		if v <= 0xFFFF {
			return h, n, LengthNotMinimal
		}
		h.Length = v
	}
	if len(b) < n {
		return h, n, ErrShort
	}
	if h.Masked {
		h.Key = mask.Key(b[lengthEnd:n])
	}
	return h, n, nil
}
