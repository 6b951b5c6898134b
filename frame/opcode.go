package frame

import "strconv"

// Opcode says what a frame carries. Values 3 to 7 are reserved for further data
// frames and 11 to 15 for further control frames.
//
// RFC 6455, section 5.2.
type Opcode uint8

// The opcodes of RFC 6455, section 11.8.
const (
	Continuation Opcode = 0x0
	Text         Opcode = 0x1
	Binary       Opcode = 0x2
	Close        Opcode = 0x8
	Ping         Opcode = 0x9
	Pong         Opcode = 0xA
)

// IsControl reports whether o has the control bit, reserved opcodes included.
//
// RFC 6455, section 5.5.
func (o Opcode) IsControl() bool { return o&0x8 != 0 }

// IsReserved reports whether RFC 6455 gives o no meaning: 3 to 7, 11 to 15, and
// values that do not fit in four bits.
func (o Opcode) IsReserved() bool {
	switch o {
	case Continuation, Text, Binary, Close, Ping, Pong:
		return false
	}
	return true
}

// String returns the name of the opcode in lower case, or "reserved(n)".
func (o Opcode) String() string {
	switch o {
	case Continuation:
		return "continuation"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return "reserved(" + strconv.Itoa(int(o)) + ")"
}
