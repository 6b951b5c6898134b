package protocol

import (
	"math"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// TestReceiverCompressed: the frames of a message with a reserved bit do not count as
// message bytes, only what Message is told does; they have a bound of their own.
func TestReceiverCompressed(t *testing.T) {
	const limit = 1000
	const bound = 2*limit + 64<<10 // payload on the wire
	tests := []struct {
		name   string
		limit  int64
		frames []int // payload sizes of the frames
		inflat []int // and what Message is told behind each
		at     int   // the frame or Message that is refused, of 2 * len(frames); -1: none
	}{
		{"fewer on the wire than in the message", limit, []int{10, 10}, []int{400, 600}, -1},
		{"more on the wire than in the message", limit, []int{bound - 1, 1}, []int{0, limit}, -1},
		{"one message byte too many", limit, []int{10, 10}, []int{400, 601}, 3},
		{"at once", limit, []int{10}, []int{limit + 1}, 1},
		{"one wire byte too many", limit, []int{bound, 1}, []int{0, 0}, 2},
		{"one wire byte too many in one frame", limit, []int{bound + 1}, []int{0}, 0},
		{"empty frames cost nothing", limit, []int{bound, 0, 0}, []int{limit, 0, 0}, -1},
		{"limit 0, empty message", 0, []int{1}, []int{0}, -1},
		{"limit 0, a byte", 0, []int{1}, []int{1}, 1},
		{"no limit", -1, []int{bound, bound}, []int{bound, bound}, -1},
		{"a limit whose double wraps", math.MaxInt64, []int{bound, bound}, []int{bound, bound}, -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rx := NewReceiver(frame.Server, frame.RSV1, test.limit)
			for range 2 { // nothing is left of the first message
				at, err := compressed(t, &rx, test.frames, test.inflat)
				if at != test.at || (err == nil) != (at < 0) || err != nil && err != frame.MessageTooBig {
					t.Fatalf("refused at %d, want %d: %v", at, test.at, err)
				}
				if err != nil {
					return
				}
			}
		})
	}
}

// compressed shows a message with RSV1 to rx and returns where it was refused.
func compressed(t *testing.T, rx *Receiver, frames, inflat []int) (at int, err error) {
	for i, size := range frames {
		h := frame.Header{Opcode: frame.Continuation, Fin: i == len(frames)-1, Length: uint64(size)}
		if i == 0 {
			h.Opcode, h.RSV = frame.Binary, frame.RSV1
		}
		ev, _, err := rx.Next(h.Append(nil))
		if err != nil {
			return 2 * i, err
		}
		if ev.Kind == Begin {
			if ev.RSV != frame.RSV1 || rx.RSV() != frame.RSV1 {
				t.Fatalf("RSV %#x, of the message %#x", ev.RSV, rx.RSV())
			}
			rx.Open()
		}
		rx.Frame(make([]byte, size))
		room := rx.Room()
		if err := rx.Message(make([]byte, inflat[i])); err != nil {
			return 2*i + 1, err
		}
		if got, want := rx.Room(), room-uint64(inflat[i]); got != want {
			t.Fatalf("room for %d bytes, want %d", got, want)
		}
		// A control frame between fragments counts neither way.
		if !h.Fin {
			ping := frame.Header{Opcode: frame.Ping, Fin: true, Length: 4}
			if ev, _, err := rx.Next(append(ping.Append(nil), "ping"...)); err != nil || ev.Kind != Control {
				t.Fatalf("Ping: %+v, %v", ev, err)
			}
		}
	}
	if ev, _, err := rx.Next(nil); err != nil || ev.Kind != End {
		t.Fatalf("%+v, %v, want the end", ev, err)
	}
	return -1, rx.EndMessage()
}

// TestReceiverCompressedLimitLowered: a limit that the message already exceeds refuses
// its next frame, an empty one too.
func TestReceiverCompressedLimitLowered(t *testing.T) {
	for _, size := range []uint64{0, 1} {
		rx := NewReceiver(frame.Server, frame.RSV1, 1000)
		first := frame.Header{Opcode: frame.Binary, RSV: frame.RSV1, Length: 1}
		if _, _, err := rx.Next(first.Append(nil)); err != nil {
			t.Fatal(err)
		}
		rx.Open()
		rx.Frame([]byte{0})
		if err := rx.Message(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		rx.SetLimit(999)
		next := frame.Header{Opcode: frame.Continuation, Fin: true, Length: size}
		if _, _, err := rx.Next(next.Append(nil)); err != frame.MessageTooBig {
			t.Errorf("a frame of %d bytes: %v", size, err)
		}
	}
}
