package frame_test

import (
	"slices"
	"testing"

	"github.com/duplexws/duplex/frame"
)

func TestCheck(t *testing.T) {
	const client, server = frame.Client, frame.Server
	tests := []struct {
		rule    string
		h       frame.Header
		from    frame.Role
		allowed frame.RSV
		want    error
	}{
		{"ReservedBit: RSV1 on text", frame.Header{Opcode: frame.Text, Fin: true, RSV: frame.RSV1}, server, 0, frame.ReservedBit},
		{"ReservedBit: RSV1 negotiated, on text", frame.Header{Opcode: frame.Text, Fin: true, RSV: frame.RSV1}, server, frame.RSV1, nil},
		{"ReservedBit: RSV2 with RSV1 negotiated", frame.Header{Opcode: frame.Text, Fin: true, RSV: frame.RSV2}, server, frame.RSV1, frame.ReservedBit},
		{"ReservedBit: RSV1 and RSV3 with RSV1 negotiated", frame.Header{Opcode: frame.Binary, RSV: frame.RSV1 | frame.RSV3}, server, frame.RSV1, frame.ReservedBit},
		{"ReservedBit: negotiated, on a control frame", frame.Header{Opcode: frame.Ping, Fin: true, RSV: frame.RSV1}, server, frame.RSV1, frame.ReservedBit},
		{"ReservedBit: a bit that is none", frame.Header{Opcode: frame.Text, RSV: 1}, server, frame.RSV1 | frame.RSV2 | frame.RSV3, frame.ReservedBit},
		{"ReservedOpcode: first", frame.Header{Opcode: 3, Fin: true}, server, 0, frame.ReservedOpcode},
		{"ReservedOpcode: last", frame.Header{Opcode: 15, Fin: true}, server, 0, frame.ReservedOpcode},
		{"ReservedOpcode: more than four bits", frame.Header{Opcode: 17, Fin: true}, server, 0, frame.ReservedOpcode},
		{"NotMasked", frame.Header{Opcode: frame.Text, Fin: true}, client, 0, frame.NotMasked},
		{"NotMasked: masked", frame.Header{Opcode: frame.Text, Fin: true, Masked: true}, client, 0, nil},
		{"MaskedByServer", frame.Header{Opcode: frame.Text, Fin: true, Masked: true}, server, 0, frame.MaskedByServer},
		{"MaskedByServer: not masked", frame.Header{Opcode: frame.Text, Fin: true}, server, 0, nil},
		{"MaskedByServer: any role but Client is Server", frame.Header{Masked: true}, frame.Role(7), 0, frame.MaskedByServer},
		{"ControlFragmented: ping", frame.Header{Opcode: frame.Ping}, server, 0, frame.ControlFragmented},
		{"ControlFragmented: text may be", frame.Header{Opcode: frame.Text}, server, 0, nil},
		{"ControlTooLong: 125 bytes", frame.Header{Opcode: frame.Pong, Fin: true, Length: 125}, server, 0, nil},
		{"ControlTooLong: 126 bytes", frame.Header{Opcode: frame.Pong, Fin: true, Length: 126}, server, 0, frame.ControlTooLong},
		{"ControlTooLong: top bit of the length", frame.Header{Opcode: frame.Close, Fin: true, Length: 1 << 63}, server, 0, frame.ControlTooLong},
		{"ControlTooLong: text may be", frame.Header{Opcode: frame.Text, Length: 1<<63 - 1}, server, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			if got := tt.h.Check(tt.from, tt.allowed); got != tt.want {
				t.Errorf("Check: %v, want %v", got, tt.want)
			}
		})
	}
}

// TestCheckEveryHeader tries the 65,536 ways a header can begin, for both roles and
// every set of negotiated bits. Of a header that breaks several rules Check names
// any.
func TestCheckEveryHeader(t *testing.T) {
	for first := range 1 << 16 {
		b := []byte{byte(first >> 8), byte(first)}
		h, _, _ := frame.Parse(b)
		control := b[0]&8 != 0
		opcode := b[0] & 15
		for i := range 16 {
			from, allowed := frame.Role(i&1), frame.RSV(i>>1<<4)
			var broken []error
			if opcode >= 3 && opcode <= 7 || opcode >= 11 {
				broken = append(broken, frame.ReservedOpcode)
			}
			if rsv := b[0] & 0x70; control && rsv != 0 || rsv&^byte(allowed) != 0 {
				broken = append(broken, frame.ReservedBit)
			}
			switch masked := b[1]&0x80 != 0; {
			case masked && from == frame.Server:
				broken = append(broken, frame.MaskedByServer)
			case !masked && from == frame.Client:
				broken = append(broken, frame.NotMasked)
			}
			if control && b[0]&0x80 == 0 {
				broken = append(broken, frame.ControlFragmented)
			}
			if control && b[1]&0x7f > 125 {
				broken = append(broken, frame.ControlTooLong)
			}
			got := h.Check(from, allowed)
			if got == nil && len(broken) == 0 || slices.Contains(broken, got) {
				continue
			}
			t.Fatalf("% x from %v, allowed %#x: %v, want one of %v", b, from, allowed, got, broken)
		}
	}
}
