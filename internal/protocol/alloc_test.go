package protocol

import (
	"fmt"
	"strings"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// consume takes all messages out of b, which is unmasked on the way.
func consume(rx *Receiver, b []byte) error {
	for len(b) > 0 {
		ev, n, err := rx.Next(b)
		if err != nil {
			return err
		}
		b = b[n:]
		switch ev.Kind {
		case Begin:
			rx.Open()
		case Payload:
			p := b[:min(uint64(len(b)), rx.Left())]
			rx.Frame(p)
			if err := rx.Message(p); err != nil {
				return err
			}
			b = b[len(p):]
		}
		if ev, _, _ := rx.Next(nil); ev.Kind == End {
			if err := rx.EndMessage(); err != nil {
				return err
			}
		}
	}
	return nil
}

// TestAllocs holds the package to its word: it does not allocate, whatever comes.
func TestAllocs(t *testing.T) {
	for _, from := range roles {
		stream := wire(
			from,
			fr{opText, false, "Hel\xE2\x82", 0}, fr{opPing, true, "ping", 0}, fr{opCont, false, "", 0}, fr{opCont, true, "\xAC", 0},
			fr{opBinary, true, string(make([]byte, 70000)), 0}, fr{opPong, true, "", 0}, fr{opText, true, "", 0},
		)
		bad := wire(from, fr{opText, true, "\xFF", 0})
		worse := wire(from, fr{op: opBinary}, fr{opBinary, true, "x", 0})
		b := make([]byte, len(stream))
		var err, errBad, errWorse error
		allocs := testing.AllocsPerRun(100, func() {
			rx := NewReceiver(from, 0, 1<<20)
			err = consume(&rx, b[:copy(b, stream)])
			rx = NewReceiver(from, 0, 1<<20)
			errBad = consume(&rx, b[:copy(b, bad)])
			rx = NewReceiver(from, 0, 1<<20)
			errWorse = consume(&rx, b[:copy(b, worse)])
		})
		if err != nil || errBad != frame.TextNotUTF8 || errWorse != frame.MessageInterleaved {
			t.Errorf("from %v: %v, %v, %v", from, err, errBad, errWorse)
		}
		if allocs != 0 {
			t.Errorf("a Receiver from %v: %v allocations", from, allocs)
		}

		p := []byte("text, €")
		allocs = testing.AllocsPerRun(100, func() {
			s := NewSender(from)
			s.Begin(frame.Text)
			if err = s.Message(p); err == nil {
				err = s.EndMessage()
			}
			s.Frame(false, 3)
			s.Frame(true, 4)
			Header(from, frame.Ping, true, 0)
		})
		if allocs != 0 && !(raceDetector && from == frame.Client) || err != nil {
			t.Errorf("a Sender of the %v: %v allocations, error %v", from, allocs, err)
		}
	}
}

// BenchmarkReceiver is what an incoming message costs without I/O.
func BenchmarkReceiver(b *testing.B) {
	for _, bench := range []struct {
		name string
		from frame.Role
		op   frame.Opcode
	}{
		{"text from server", frame.Server, opText},
		{"binary from client", frame.Client, opBinary},
	} {
		for _, size := range []int{0, 16, 1024, 65536} {
			whole := wire(bench.from, fr{bench.op, true, strings.Repeat("x", size), 0})
			benchmarkReceiver(b, fmt.Sprintf("%s/%d", bench.name, size), bench.from, whole, size)
		}
		var parts []byte
		for _, f := range fragments(bench.op, strings.Repeat("x", 64), 1) {
			parts = f.append(parts, bench.from)
		}
		benchmarkReceiver(b, bench.name+"/64 fragments of 1", bench.from, parts, 64)
	}
	benchmarkReceiver(b, "ping of 125 from client", frame.Client, wire(frame.Client, fr{opPing, true, string(make([]byte, 125)), 0}), 125)
}

func benchmarkReceiver(b *testing.B, name string, from frame.Role, stream []byte, size int) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		rx := NewReceiver(from, 0, 1<<20)
		for b.Loop() {
			if err := consume(&rx, stream); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSender is what the header of a fragment costs, its key included.
func BenchmarkSender(b *testing.B) {
	for _, role := range roles {
		b.Run(role.String(), func(b *testing.B) {
			b.ReportAllocs()
			s := NewSender(role)
			s.Begin(frame.Binary)
			for b.Loop() {
				s.Frame(false, 1024)
			}
		})
	}
}
