package protocol

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// TestSenderOpcodes: RFC 6455, section 5.4 (5.4-02, 5.4-03, 5.4-15, 5.2-03): the first
// frame has the type of the message, the others are continuations, the last one has
// FIN, and no reserved bit is set but on the first frame of a message that is marked.
func TestSenderOpcodes(t *testing.T) {
	for _, role := range roles {
		s := NewSender(role)
		var got []frame.Header
		add := func(fin bool, n int) {
			h := s.Frame(fin, n)
			h.Key = mask.Key{}
			got = append(got, h)
		}
		s.Begin(frame.Text)
		add(true, 5)
		s.Begin(frame.Binary)
		add(false, 0)
		add(false, 125)
		got = append(got, Header(frame.Server, frame.Ping, true, 1)) // goes between
		add(false, 65536)
		add(true, 0)
		s.Begin(frame.Text)
		s.Mark(frame.RSV1)
		add(false, 1)
		add(true, 1)
		s.Begin(frame.Text)
		add(true, 1)
		masked := role == frame.Client
		want := []frame.Header{
			{Opcode: frame.Text, Fin: true, Length: 5, Masked: masked},
			{Opcode: frame.Binary, Masked: masked},
			{Opcode: frame.Continuation, Length: 125, Masked: masked},
			{Opcode: frame.Ping, Fin: true, Length: 1},
			{Opcode: frame.Continuation, Length: 65536, Masked: masked},
			{Opcode: frame.Continuation, Fin: true, Masked: masked},
			{Opcode: frame.Text, RSV: frame.RSV1, Length: 1, Masked: masked},
			{Opcode: frame.Continuation, Fin: true, Length: 1, Masked: masked},
			{Opcode: frame.Text, Fin: true, Length: 1, Masked: masked},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", role, diff)
		}
	}
}

// TestHeaderKeys: RFC 6455, sections 5.1 and 5.3 (5.1-01, 5.1-04, 5.3-03): a client masks
// every frame with a key of its own, a server masks none.
func TestHeaderKeys(t *testing.T) {
	const frames = 2000
	for _, op := range []frame.Opcode{frame.Text, frame.Binary, frame.Continuation, frame.Close, frame.Ping, frame.Pong} {
		seen := map[mask.Key]int{}
		var values [4]map[byte]bool
		for i := range values {
			values[i] = map[byte]bool{}
		}
		for range frames {
			h := Header(frame.Client, op, true, 0)
			if !h.Masked {
				t.Fatalf("%v of a client is not masked", op)
			}
			seen[h.Key]++
			for i, b := range h.Key {
				values[i][b] = true
			}
			if h := Header(frame.Server, op, true, 7); h.Masked || h.Key != (mask.Key{}) {
				t.Fatalf("%v of a server: %+v", op, h)
			}
		}
		// Of 2000 keys of 32 bits, two are equal once in 2000 runs, and three pairs once
		// in 10^10. A byte has all but a handful of its 256 values.
		if len(seen) < frames-2 {
			t.Errorf("%v: %d keys in %d frames", op, len(seen), frames)
		}
		for i := range values {
			if len(values[i]) < 200 {
				t.Errorf("%v: byte %d of the key has %d values only", op, i, len(values[i]))
			}
		}
	}
	// The frames of a Sender have such keys as well.
	s := NewSender(frame.Client)
	s.Begin(frame.Text)
	seen := map[mask.Key]bool{}
	for range frames {
		seen[s.Frame(false, 1).Key] = true
	}
	if len(seen) < frames-2 {
		t.Errorf("%d keys in %d fragments", len(seen), frames)
	}
}

// TestSenderText: RFC 6455, section 5.6 (5.6-02): the whole of a text message is UTF-8,
// wherever its fragments are cut; binary is any bytes.
func TestSenderText(t *testing.T) {
	for _, test := range []struct {
		name   string
		op     frame.Opcode
		pieces []string
		want   error // of the last piece
		end    error
	}{
		{"nothing", frame.Text, nil, nil, nil},
		{"whole characters", frame.Text, []string{"a", "", "€"}, nil, nil},
		{"cut characters", frame.Text, []string{"\xE2", "\x82", "", "\xAC\xF0\x9F", "\x98\x80"}, nil, nil},
		{"a wrong byte", frame.Text, []string{"a", "b\xFFc"}, frame.TextNotUTF8, frame.TextNotUTF8},
		{"a wrong byte in a later piece", frame.Text, []string{"\xE2\x82", "a"}, frame.TextNotUTF8, frame.TextNotUTF8},
		{"a byte that no completion can mend", frame.Text, []string{"\xED", "\xA0"}, frame.TextNotUTF8, frame.TextNotUTF8},
		{"a good piece does not mend a bad one", frame.Text, []string{"\xFF", "a"}, frame.TextNotUTF8, frame.TextNotUTF8},
		{"an end inside a character", frame.Text, []string{"a\xE2\x82"}, nil, frame.TextNotUTF8},
		{"binary", frame.Binary, []string{"\xFF", "\xE2"}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := NewSender(frame.Server)
			for range 2 { // what one message was does not matter to the next
				s.Begin(test.op)
				var err error
				for _, p := range test.pieces {
					err = s.Message([]byte(p))
				}
				if err != test.want {
					t.Errorf("Message: %v, want %v", err, test.want)
				}
				if err := s.EndMessage(); err != test.end {
					t.Errorf("EndMessage: %v, want %v", err, test.end)
				}
				s.Begin(frame.Text)
				if err := s.Message([]byte("€")); err != nil {
					t.Errorf("a message after it: %v", err)
				}
				if err := s.EndMessage(); err != nil {
					t.Errorf("the end of a message after it: %v", err)
				}
			}
		})
	}
}

// TestSenderGivesUp: a message that was begun and not ended leaves nothing to the next.
func TestSenderGivesUp(t *testing.T) {
	s := NewSender(frame.Server)
	s.Begin(frame.Text)
	if err := s.Message([]byte("\xE2\x82")); err != nil {
		t.Fatal(err)
	}
	s.Begin(frame.Binary)
	if err := s.EndMessage(); err != nil {
		t.Errorf("EndMessage: %v", err)
	}
	if h := s.Frame(true, 0); h.Opcode != frame.Binary {
		t.Errorf("the first frame is a %v", h.Opcode)
	}
}
