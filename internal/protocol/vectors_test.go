package protocol

import (
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
)

// TestStreamVectors runs what a peer sends after the handshake, byte for byte
// (2.1-03): in every cut the same comes of it, and when it comes byte by byte a
// violation is reported with the very byte that shows it.
func TestStreamVectors(t *testing.T) {
	for _, s := range wstest.Streams(t, "../wstest/testdata/streams/*.txt") {
		t.Run(s.Name, func(t *testing.T) {
			p := peer{from: s.From, limit: s.Limit}
			got, at := judge(t, p, s.Wire, 1)
			if diff := diff(s.Events, got.Events); diff != "" {
				t.Errorf("section %s: events (-want +got):\n%s", s.Section, diff)
			}
			var violation error
			if s.Violation != 0 {
				violation = s.Violation
				if at != s.FailAt {
					t.Errorf("section %s: shown by byte %d, reported with byte %d", s.Section, s.FailAt, at)
				}
			}
			if violation != got.Violation {
				t.Errorf("section %s: violation %v, want %v", s.Section, got.Violation, violation)
			}
		})
	}
}

// TestFrameVectors runs single frames, or beginnings of frames. A continuation gets
// a message to continue.
func TestFrameVectors(t *testing.T) {
	for _, v := range wstest.Vectors(t, "../../frame/testdata/*.txt") {
		t.Run(v.Name, func(t *testing.T) {
			want := vectorOutcome(v)
			stream := v.Wire
			if inMessage(v) {
				stream = append(fr{op: frame.Binary}.append(nil, v.From), v.Wire...)
			}
			got, _ := judge(t, peer{v.From, v.Allowed, -1}, stream, 2)
			if diff := diff(want, got); diff != "" {
				t.Errorf("section %s, % x (-want +got):\n%s", v.Section, v.Wire[:min(len(v.Wire), 32)], diff)
			}
		})
	}
}

// inMessage reports whether the frame of a vector is a continuation.
func inMessage(v wstest.Vector) bool {
	return len(v.Wire) > 0 && v.Header.Opcode == frame.Continuation
}

// vectorOutcome says what a Receiver must make of a vector. It differs from what
// package frame makes of it in what needs memory (reserved bits on a continuation)
// or what the payload says (text).
func vectorOutcome(v wstest.Vector) outcome {
	h := v.Header
	var o outcome
	switch {
	case h.Opcode == frame.Continuation && h.RSV != 0:
		o.Violation = frame.ReservedBit
		return o
	case v.Err == frame.ErrShort:
		if inMessage(v) {
			o.Opcode, o.Opened, o.Partial = frame.Binary, true, []byte{}
		}
		return o
	case v.Err != nil:
		o.Violation = v.Err
		return o
	case h.Opcode == frame.Close:
		o.Events = []wstest.Event{{Opcode: frame.Close, Code: v.Code, Reason: v.Reason}}
		return o
	case h.Opcode == frame.Ping:
		o.Events = []wstest.Event{{Opcode: frame.Pong, Data: v.Payload}}
		return o
	case h.Opcode == frame.Pong:
		return o
	}
	op := h.Opcode
	if op == frame.Continuation {
		op = frame.Binary
	}
	missing := h.Length - uint64(len(v.Payload))
	switch {
	case op == frame.Text && !utf8.Valid(v.Payload):
		panic(fmt.Sprintf("%s: the payload is no text", v.Name))
	case missing > 0 || !h.Fin:
		o.Opcode, o.Opened, o.Partial, o.Left = op, true, v.Payload, missing
	default:
		o.Events = []wstest.Event{{Opcode: op, Data: v.Payload}}
	}
	return o
}
