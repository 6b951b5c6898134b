package load

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/bench/corpus"
	"github.com/duplexws/duplex/mask"
	"github.com/google/go-cmp/cmp"
)

// TestFrames reads the stream back with the frame package.
func TestFrames(t *testing.T) {
	messages := [][]byte{{}, []byte("x"), bytes.Repeat([]byte("ab"), 63), bytes.Repeat([]byte("cde"), 30000)}
	s := Frames(frame.Text, messages)
	var got [][]byte
	for b := s.wire; len(b) > 0; {
		h, n, err := frame.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Check(frame.Client, 0); err != nil {
			t.Fatal(err)
		}
		if h.Opcode != frame.Text || !h.Fin {
			t.Errorf("header %+v", h)
		}
		payload := bytes.Clone(b[n : n+int(h.Length)])
		mask.XOR(payload, h.Key)
		got = append(got, payload)
		b = b[n+int(h.Length):]
	}
	if diff := cmp.Diff(messages, got); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
	for i := range messages {
		if _, n, _ := frame.Parse(s.message(i)); n+len(messages[i]) != len(s.message(i)) {
			t.Errorf("message %d takes %d bytes", i, len(s.message(i)))
		}
	}
}

// TestDeflated inflates two rounds of the stream: its beginning must be fit to follow
// its end.
func TestDeflated(t *testing.T) {
	messages := corpus.JSON(1, 40, 1024)
	for _, w := range []deflate.Window{{}, {NoTakeover: true}, {Bits: 15}, {Bits: 12}, {Bits: 9}, {Bits: 10, NoTakeover: true}} {
		t.Run(fmt.Sprint(w), func(t *testing.T) {
			s, err := Deflated(frame.Text, messages, w)
			if err != nil {
				t.Fatal(err)
			}
			in := newInflater(w)
			for i := range 2 * s.Len() {
				h, n, err := frame.Parse(s.message(i % s.Len()))
				if err != nil || h.RSV != frame.RSV1 {
					t.Fatalf("header %+v, error %v", h, err)
				}
				payload := bytes.Clone(s.message(i % s.Len())[n:])
				mask.XOR(payload, h.Key)
				text, err := in.inflate(payload, 1024)
				if err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
				if diff := cmp.Diff(messages[i%s.Len()], text); diff != "" {
					t.Fatalf("message %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// TestInflateWindow shows that a match beyond the agreed window is found.
func TestInflateWindow(t *testing.T) {
	messages := [][]byte{corpus.Bytes(1, 1, 600)[0], nil}
	messages[1] = messages[0]
	payloads, err := compress(messages, deflate.Window{})
	if err != nil {
		t.Fatal(err)
	}
	for bits, ok := range map[int]bool{15: true, 10: true, 9: false} {
		in := newInflater(deflate.Window{Bits: bits})
		if _, err := in.inflate(payloads[0], 600); err != nil {
			t.Fatal(err)
		}
		if _, err := in.inflate(payloads[1], 600); (err == nil) != ok {
			t.Errorf("%d bits: error %v", bits, err)
		}
	}
}

// TestReplies cuts what a server sends at every place.
func TestReplies(t *testing.T) {
	var b []byte
	for _, f := range []struct {
		fin  bool
		size int
	}{{true, 3}, {false, 200}, {false, 0}, {true, 7}, {true, 0}, {false, 5}, {true, 0}, {true, 70000}} {
		h := frame.Header{Opcode: frame.Binary, Fin: f.fin, Length: uint64(f.size)}
		b = append(h.Append(b), make([]byte, f.size)...)
	}
	for at := range 400 {
		r := replies{from: frame.Server}
		first, err := r.take(b[:at])
		if err != nil {
			t.Fatal(err)
		}
		middle, err := r.take(b[at : at+1])
		if err != nil {
			t.Fatal(err)
		}
		second, err := r.take(b[at+1:])
		if err != nil {
			t.Fatal(err)
		}
		if first+middle+second != 5 || r.bytes != 3+200+7+5+70000 {
			t.Fatalf("cut at %d: %d messages, %d bytes", at, first+middle+second, r.bytes)
		}
	}
}

func TestRepliesRefuse(t *testing.T) {
	for name, h := range map[string]frame.Header{
		"masked": {Opcode: frame.Text, Fin: true, Masked: true},
		"ping":   {Opcode: frame.Ping, Fin: true},
		"close":  {Opcode: frame.Close, Fin: true},
	} {
		r := replies{from: frame.Server}
		if _, err := r.take(h.Append(nil)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRepliesRaw counts without frames.
func TestRepliesRaw(t *testing.T) {
	s := Raw([][]byte{make([]byte, 3), make([]byte, 5)})
	for at := range 16 {
		r := replies{from: frame.Server, sizes: s}
		a, _ := r.take(make([]byte, at))
		b, _ := r.take(make([]byte, 16-at))
		if a+b != 4 {
			t.Errorf("cut at %d: %d messages, want 4", at, a+b)
		}
	}
}
