package protocol

import (
	"fmt"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// brokenRules reads the first two bytes of a header as RFC 6455 draws them, and
// returns the rules that they break, for a peer in the given role, inside a message or
// not, where only RSV1 may be defined and a message has at most limit bytes.
func brokenRules(b0, b1 byte, from frame.Role, rsv1, inside bool, limit int) map[frame.Violation]bool {
	broken := map[frame.Violation]bool{}
	rule := func(v frame.Violation, is bool) {
		if is {
			broken[v] = true
		}
	}
	fin, opcode, masked, length := b0>>7 == 1, b0%16, b1>>7 == 1, int(b1%128)
	control := opcode >= 8
	first := opcode == 1 || opcode == 2
	// 5.2: a bit that is not zero, and that no extension has defined. RSV1 is defined
	// for the first frame of a message only (RFC 7692, section 6).
	rule(frame.ReservedBit, b0&0x30 != 0)
	rule(frame.ReservedBit, b0&0x40 != 0 && !(rsv1 && first))
	// 5.2: an unknown opcode.
	rule(frame.ReservedOpcode, opcode > 2 && opcode < 8 || opcode > 10)
	// 5.1: a client masks all frames, a server none.
	rule(frame.NotMasked, from == frame.Client && !masked)
	rule(frame.MaskedByServer, from == frame.Server && masked)
	// 5.5: control frames are whole, and of 125 bytes at most.
	rule(frame.ControlFragmented, control && !fin)
	rule(frame.ControlTooLong, control && length > 125)
	// 5.4: the order of fragments.
	rule(frame.UnexpectedContinuation, opcode == 0 && !inside)
	rule(frame.MessageInterleaved, first && inside)
	// 10.4: 126 announces 126 bytes or more, 127 announces 65536 or more. What is
	// compressed has another bound.
	if b0&0x40 != 0 && rsv1 && first {
		limit = 2*limit + 64<<10
	}
	least := map[int]int{126: 126, 127: 65536}[length]
	rule(frame.MessageTooBig, !control && max(least, length) > limit)
	return broken
}

// TestReceiverFirstTwoBytes: RFC 6455, sections 5.1, 5.2, 5.4, 5.5 and 10.4: every
// value of the first two bytes of a header, for both roles, inside a message and
// outside, with RSV1 defined and not. A rule that they break is reported without
// waiting for more, and the rest of the header does not change which one it is.
func TestReceiverFirstTwoBytes(t *testing.T) {
	for _, limit := range []int{100, 65535, 1 << 20} {
		for _, from := range roles {
			for _, rsv1 := range []bool{false, true} {
				for _, inside := range []bool{false, true} {
					for b := range 1 << 16 {
						firstTwoBytes(t, byte(b>>8), byte(b), from, rsv1, inside, limit)
					}
				}
			}
		}
	}
}

// rests are ends of headers: each makes a length that is too short for its form, fine,
// too long for every limit or with the top bit set.
var rests = [][]byte{
	make([]byte, 12),
	{0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4},
	{1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4},
	{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
}

func firstTwoBytes(t *testing.T, b0, b1 byte, from frame.Role, rsv1, inside bool, limit int) {
	broken := brokenRules(b0, b1, from, rsv1, inside, limit)
	made := NewReceiver(from, 0, int64(limit))
	if rsv1 {
		made.allowed = frame.RSV1
	}
	if inside {
		made.op, made.opened = frame.Text, true
	}
	// The message is made only for a failure: there are many cases.
	name := func() string {
		return fmt.Sprintf("%02x %02x from the %v, RSV1 defined %t, inside %t, limit %d", b0, b1, from, rsv1, inside, limit)
	}
	rx := made
	b := []byte{b0, b1}
	_, early := rx.header(b)
	refused := early != nil && early != frame.ErrShort
	v, _ := early.(frame.Violation)
	if refused != broken[v] || refused != (len(broken) > 0) {
		t.Fatalf("%s: %v, want one of %v", name(), early, broken)
	}
	for _, rest := range rests {
		rx := made
		_, late := rx.header(append(b[:2:2], rest...))
		switch {
		case refused:
			if late != early {
				t.Fatalf("%s: %v, with % x behind it %v", name(), early, rest, late)
			}
		case late != nil && late != frame.LengthNotMinimal && late != frame.LengthTopBit && late != frame.MessageTooBig:
			t.Fatalf("%s: with % x behind it %v", name(), rest, late) // not for the length to show
		}
	}
}

// TestReceiverEveryByte: the same headers byte by byte: what was refused early and what
// is refused with the last byte of the length is the same as when all comes at once.
func TestReceiverEveryByte(t *testing.T) {
	for _, b1 := range []byte{0, 1, 125, 126, 127} {
		for b0 := range 256 {
			for _, from := range roles {
				if from == frame.Client {
					b1 |= 0x80
				}
				for _, rest := range rests {
					for _, before := range [][]byte{nil, wire(from, fr{op: opBinary})} {
						stream := append(before[:len(before):len(before)], byte(b0), b1)
						judge(t, peer{from, frame.RSV1, 1 << 20}, append(stream, rest...), 6)
					}
				}
				b1 &= 0x7F
			}
		}
	}
}
