package wstest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// receive is the plainest receiver there can be: it looks at all of wire at once
// and says what it makes of it. It is here to check the data.
func receive(wire []byte, from frame.Role, limit int64) (events []Event, v frame.Violation) {
	var (
		inside  bool
		kind    frame.Opcode
		message []byte
	)
	for len(wire) >= 2 {
		h, n, err := frame.Parse(wire)
		if e := h.Check(from, 0); e != nil {
			return events, e.(frame.Violation)
		}
		if e, ok := err.(frame.Violation); ok {
			return events, e
		}
		if !h.Opcode.IsControl() {
			switch {
			case inside && h.Opcode != frame.Continuation:
				return events, frame.MessageInterleaved
			case !inside && h.Opcode == frame.Continuation:
				return events, frame.UnexpectedContinuation
			case limit >= 0 && h.Length > uint64(limit)-uint64(len(message)):
				return events, frame.MessageTooBig
			}
		}
		if err != nil {
			return events, 0
		}
		here := min(uint64(len(wire)-n), h.Length)
		payload := slices.Clone(wire[n : n+int(here)])
		if h.Masked {
			mask.XOR(payload, h.Key)
		}
		wire = wire[n+int(here):]
		whole := here == h.Length
		if h.Opcode.IsControl() {
			if !whole {
				return events, 0
			}
			switch h.Opcode {
			case frame.Ping:
				events = append(events, Event{Opcode: frame.Pong, Data: payload})
			case frame.Close:
				code, reason, err := frame.ParseClose(payload)
				if err != nil {
					return events, err.(frame.Violation)
				}
				return append(events, Event{Opcode: frame.Close, Code: code, Reason: reason}), 0
			}
			continue
		}
		if h.Opcode != frame.Continuation {
			kind, message = h.Opcode, []byte{}
		}
		message = append(message, payload...)
		inside = !h.Fin
		last := h.Fin && whole
		if kind == frame.Text && !(utf8.Valid(message) || !last && beginsUTF8(message)) {
			return events, frame.TextNotUTF8
		}
		if last {
			events = append(events, Event{Opcode: kind, Data: message})
			message = nil
		}
	}
	return events, 0
}

// beginsUTF8 reports whether b can be the beginning of valid text.
func beginsUTF8(b []byte) bool {
	for _, rest := range []string{"", "\x80", "\xa0", "\x90", "\x80\x80", "\xa0\x80", "\x90\x80", "\x80\x80\x80", "\x90\x80\x80"} {
		if utf8.Valid(append(slices.Clone(b), rest...)) {
			return true
		}
	}
	return false
}

// TestStreams holds the committed streams against the plain receiver.
func TestStreams(t *testing.T) {
	streams := Streams(t, "testdata/streams/*.txt")
	seen := map[frame.Violation]bool{}
	for _, s := range streams {
		t.Run(s.Name, func(t *testing.T) {
			if s.Section == "" || len(s.Wire) == 0 {
				t.Error("a stream needs a section and bytes")
			}
			events, v := receive(s.Wire, s.From, s.Limit)
			if diff := cmp.Diff(s.Events, events, cmp.Comparer(bytes.Equal)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if v != s.Violation {
				t.Fatalf("violation %v, want %v", v, s.Violation)
			}
			if v == 0 {
				return
			}
			seen[v] = true
			if _, v := receive(s.Wire[:s.FailAt], s.From, s.Limit); v != s.Violation {
				t.Errorf("with %d bytes the violation is %v, want %v", s.FailAt, v, s.Violation)
			}
			if _, v := receive(s.Wire[:s.FailAt-1], s.From, s.Limit); v != 0 {
				t.Errorf("with %d bytes there is a violation already: %v", s.FailAt-1, v)
			}
		})
	}
	for i, name := range violations {
		// Without an extension nothing is compressed, and without a clock nothing floods.
		if v := frame.Violation(i + 1); !seen[v] && v != frame.MessageCorrupt && v != frame.ControlFlood {
			t.Errorf("no stream shows %s", name)
		}
	}
}

func TestDecodeStream(t *testing.T) {
	const file = `# a comment
name: two messages
section: 5.4
from: client
limit: 10
# a comment inside
hex: 81 00  # a comment behind
  8200 61*3
events:
  text "a\u00e9"

  binary 00 ff
  pong ""
  close 1000 "bye"
  close 1005
`
	// The empty line ends the record: the rest has nothing to go on with.
	if _, err := decodeAll(file, decodeStream); err == nil || !strings.Contains(err.Error(), "12: nothing to go on with") {
		t.Errorf("an empty line inside: %v", err)
	}
	got, err := decodeAll(strings.Replace(file, "\n\n", "\n", 1)+"fail: TextNotUTF8 at 7\n", decodeStream)
	want := []Stream{{
		Name: "two messages", Section: "5.4", From: frame.Client, Limit: 10,
		Wire: []byte("\x81\x00\x82\x00aaa"),
		Events: []Event{
			{Opcode: frame.Text, Data: []byte("aé")},
			{Opcode: frame.Binary, Data: []byte{0, 0xff}},
			{Opcode: frame.Pong, Data: []byte{}},
			{Opcode: frame.Close, Code: 1000, Reason: "bye"},
			{Opcode: frame.Close, Code: 1005},
		},
		Violation: frame.TextNotUTF8,
		FailAt:    7,
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, streams (-want +got):\n%s", err, diff)
	}
}

func TestDecodeStreamErrors(t *testing.T) {
	const good = "name: x\nfrom: client\nhex: 8100\n"
	for name, tt := range map[string]struct{ text, want string }{
		"empty file":          {"# only a comment\n", "no records"},
		"no name":             {"from: client\n", "name"},
		"a name twice":        {good + "\n" + good, "5: name"},
		"a field twice":       {good + "hex: 00\n", "4:"},
		"no field":            {good + "hello\n", "4:"},
		"unknown field":       {good + "helo: 1\n", "helo"},
		"indented at the top": {"  x\n", "nothing to go on with"},
		"role":                {"name: x\nfrom: peer\nhex: 8100\n", "role"},
		"limit":               {good + "limit: ten\n", "limit"},
		"odd digits":          {"name: x\nfrom: client\nhex: 810\n", "odd"},
		"repetition":          {"name: x\nfrom: client\nhex: 81*x\n", "repetition"},
		"negative repetition": {"name: x\nfrom: client\nhex: 81*-1\n", "repetition"},
		"event":               {good + "events: hello\n", "no event"},
		"event data":          {good + "events: text \"\n", "invalid syntax"},
		"close code":          {good + "events: close 70000\n", "close"},
		"close reason":        {good + "events: close 1000 bye\n", "close reason"},
		"violation":           {good + "fail: Nothing at 2\n", "no violation"},
		"place missing":       {good + "fail: TextNotUTF8\n", "no place"},
		"place beyond":        {good + "fail: TextNotUTF8 at 3\n", "no place"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := decodeAll(tt.text, decodeStream); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
