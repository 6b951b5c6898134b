package protocol

import (
	"encoding/binary"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// Between reports whether the next bytes of the input are the header of a frame, and no
// message is under way.
func (r *Receiver) Between() bool { return r.op|r.control == 0 }

// Short is a shorter way for the most usual of all messages: one that lies whole in the
// input, in a single frame without reserved bits. It returns that message, unmasked and
// judged, and how many bytes of the input it takes: in the beginning of room if that is not
// nil and large enough, and the input is as it was then; else where it lies. If the input
// does not begin with one, or there is anything to object to but text that is not UTF-8, n
// is 0, nothing has happened, and Next has to say what it is. Short may be called only when
// Between reports true.
//
// RFC 6455, section 5.2.
func (r *Receiver) Short(b, room []byte) (op frame.Opcode, p []byte, n int, err error) {
	const fin, masked = 0x80, 0x80
	if len(b) < 2 {
		return 0, nil, 0, nil
	}
	op = frame.Opcode(b[0] ^ fin)
	size, at := uint64(b[1]), 2
	if r.from == frame.Client {
		size ^= masked // so that a frame without a mask seems too long
	}
	switch {
	case op != frame.Text && op != frame.Binary:
		return 0, nil, 0, nil
	case size == 126 && len(b) >= 4:
		size, at = uint64(binary.BigEndian.Uint16(b[2:])), 4
		if size < 126 {
			return 0, nil, 0, nil
		}
	case size > 125:
		return 0, nil, 0, nil
	}
	key := at
	if r.from == frame.Client {
		at += len(mask.Key{})
	}
	if size > r.limit || uint64(len(b)) < uint64(at)+size {
		return 0, nil, 0, nil
	}
	n = at + int(size)
	p = b[at:n:n]
	switch {
	case room != nil && len(p) <= len(room):
		room = room[:len(p)]
		if r.from == frame.Client {
			mask.Copy(room, p, mask.Key(b[key:at]))
		} else {
			copy(room, p)
		}
		p = room
	case r.from == frame.Client:
		mask.XOR(p, mask.Key(b[key:at]))
	}
	if op == frame.Text && !ValidText(p) {
		return 0, nil, 0, frame.TextNotUTF8
	}
	return op, p, n, nil
}

// MaxShort is the largest payload of a frame that PutShort can begin.
const MaxShort = 1<<16 - 1

// PutShort is a shorter way to the header of a whole frame of a server with at most
// MaxShort bytes of payload. It puts it at the start of b and returns its size, at most 4.
func PutShort(b []byte, op frame.Opcode, payload int) int {
	const fin = 0x80
	b[0] = fin | byte(op)
	if payload < 126 {
		b[1] = byte(payload)
		return 2
	}
	b[1] = 126
	binary.BigEndian.PutUint16(b[2:], uint16(payload))
	return 4
}
