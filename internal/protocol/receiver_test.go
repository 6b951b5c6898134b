package protocol

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
)

// The opcodes, short for tables.
const (
	opCont   = frame.Continuation
	opText   = frame.Text
	opBinary = frame.Binary
	opClose  = frame.Close
	opPing   = frame.Ping
	opPong   = frame.Pong
)

// receiverTests are streams of frames by the rule that they keep or break.
var receiverTests = []struct {
	name    string
	allowed frame.RSV
	frames  []fr
	want    outcome

	// Where a violation shows: with the first two bytes of the header of frame bad,
	// or with so many bytes of its payload.
	bad, payload int
}{
	{
		name:   "a message in one frame (5.4-02)",
		frames: []fr{{opText, true, "Hello", 0}, {opBinary, true, "\xFF\x00", 0}},
		want:   outcome{Events: events(txt("Hello"), bin("\xFF\x00"))},
	},
	{
		name:   "an empty message in one frame (5.4-02)",
		frames: []fr{{opText, true, "", 0}, {opBinary, true, "", 0}, {opText, true, "", 0}},
		want:   outcome{Events: events(txt(""), bin(""), txt(""))},
	},
	{
		name:   "fragments are one message, of the type of the first (5.4-03, 5.4-15)",
		frames: []fr{{opText, false, "Hel", 0}, {opCont, false, "l", 0}, {opCont, true, "o", 0}, {opBinary, false, "\xFF", 0}, {opCont, true, "\xFE", 0}},
		want:   outcome{Events: events(txt("Hello"), bin("\xFF\xFE"))},
	},
	{
		name:   "an empty first fragment (5.4-09)",
		frames: []fr{{opText, false, "", 0}, {opCont, true, "Hello", 0}},
		want:   outcome{Events: events(txt("Hello"))},
	},
	{
		name:   "empty fragments in the middle (5.4-09)",
		frames: []fr{{opText, false, "Hel", 0}, {opCont, false, "", 0}, {opCont, false, "", 0}, {opCont, true, "lo", 0}},
		want:   outcome{Events: events(txt("Hello"))},
	},
	{
		name:   "an empty last fragment (5.4-09)",
		frames: []fr{{opText, false, "Hello", 0}, {opCont, true, "", 0}, {opText, true, "x", 0}},
		want:   outcome{Events: events(txt("Hello"), txt("x"))},
	},
	{
		name:   "nothing but empty fragments (5.4-09)",
		frames: []fr{{opBinary, false, "", 0}, {opCont, false, "", 0}, {opCont, true, "", 0}},
		want:   outcome{Events: events(bin(""))},
	},
	{
		name:   "fragments of one byte, cutting characters (5.4-09, 5.6-02)",
		frames: fragments(opText, "κ€😀", 1),
		want:   outcome{Events: events(txt("κ€😀"))},
	},
	{
		name:   "fragments of three bytes, cutting characters (5.6-02)",
		frames: fragments(opText, "aκ€b😀😀", 3),
		want:   outcome{Events: events(txt("aκ€b😀😀"))},
	},
	{
		name:   "control frames between fragments (5.4-08)",
		frames: []fr{{opText, false, "Hel", 0}, {opPing, true, "1", 0}, {opPong, true, "", 0}, {opPing, true, "", 0}, {opCont, true, "lo", 0}},
		want:   outcome{Events: events(pong("1"), pong(""), txt("Hello"))},
	},
	{
		name:   "a control frame inside a character (5.4-08, 5.6-02)",
		frames: []fr{{opText, false, "\xE2\x82", 0}, {opPing, true, "\xFF", 0}, {opCont, true, "\xAC", 0}},
		want:   outcome{Events: events(pong("\xFF"), txt("€"))},
	},
	{
		name:   "control frames after an empty first and before an empty last fragment (5.4-08)",
		frames: []fr{{opBinary, false, "", 0}, {opPing, true, "a", 0}, {opCont, false, "x", 0}, {opPing, true, "b", 0}, {opCont, true, "", 0}, {opPing, true, "c", 0}},
		want:   outcome{Events: events(pong("a"), pong("b"), bin("x"), pong("c"))},
	},
	{
		name:   "control frames of 125 bytes, of any bytes (5.5-02, 5.5.3-01)",
		frames: []fr{{opText, false, "a", 0}, {opPing, true, strings.Repeat("\xFF", 125), 0}, {opPong, true, strings.Repeat("p", 125), 0}, {opCont, true, "b", 0}},
		want:   outcome{Events: events(pong(strings.Repeat("\xFF", 125)), txt("ab"))},
	},
	{
		name:   "a close frame between fragments ends it (5.5.1-06)",
		frames: []fr{{opText, false, "Hel", 0}, {opClose, true, "\x03\xE8bye", 0}, {opCont, true, "lo", 0}},
		want:   outcome{Events: events(wstest.Event{Opcode: opClose, Code: 1000, Reason: "bye"})},
	},
	{
		name:   "an unfinished message stays unfinished",
		frames: []fr{{opText, false, "Hel", 0}, {opPing, true, "", 0}, {opCont, false, "", 0}},
		want:   outcome{Events: events(pong("")), Opcode: opText, Opened: true, Partial: []byte("Hel")},
	},
	{
		name:   "a continuation with nothing to continue (5.4-03)",
		frames: []fr{{opCont, true, "x", 0}},
		want:   outcome{Violation: frame.UnexpectedContinuation},
	},
	{
		name:   "an unfinished continuation with nothing to continue (5.4-03)",
		frames: []fr{{opCont, false, "", 0}},
		want:   outcome{Violation: frame.UnexpectedContinuation},
	},
	{
		name:   "a continuation after a message in one frame (5.4-03)",
		frames: []fr{{opText, true, "x", 0}, {opCont, true, "y", 0}},
		want:   outcome{Events: events(txt("x")), Violation: frame.UnexpectedContinuation}, bad: 1,
	},
	{
		name:   "a continuation after an empty last fragment (5.4-03)",
		frames: []fr{{opText, false, "x", 0}, {opCont, true, "", 0}, {opCont, true, "y", 0}},
		want:   outcome{Events: events(txt("x")), Violation: frame.UnexpectedContinuation}, bad: 2,
	},
	{
		name:   "a continuation after a ping only (5.4-03)",
		frames: []fr{{opPing, true, "x", 0}, {opCont, true, "y", 0}},
		want:   outcome{Events: events(pong("x")), Violation: frame.UnexpectedContinuation}, bad: 1,
	},
	{
		name:   "a text inside a text (5.4-07)",
		frames: []fr{{opText, false, "x", 0}, {opText, true, "y", 0}},
		want:   outcome{Violation: frame.MessageInterleaved}, bad: 1,
	},
	{
		name:   "a binary inside an empty unfinished text (5.4-07)",
		frames: []fr{{opText, false, "", 0}, {opBinary, true, "", 0}},
		want:   outcome{Violation: frame.MessageInterleaved}, bad: 1,
	},
	{
		name:   "a text after a ping inside a binary (5.4-07)",
		frames: []fr{{opBinary, false, "x", 0}, {opPing, true, "x", 0}, {opText, false, "y", 0}},
		want:   outcome{Events: events(pong("x")), Violation: frame.MessageInterleaved}, bad: 2,
	},
	{
		name:   "a fragmented ping (5.4-05)",
		frames: []fr{{opText, false, "x", 0}, {opPing, false, "x", 0}},
		want:   outcome{Violation: frame.ControlFragmented}, bad: 1,
	},
	{
		name:   "a ping of 126 bytes (5.5-02)",
		frames: []fr{{opPing, true, strings.Repeat("x", 126), 0}},
		want:   outcome{Violation: frame.ControlTooLong},
	},
	{
		name:   "a close of 65536 bytes (5.5-02)",
		frames: []fr{{opClose, true, strings.Repeat("x", 65536), 0}},
		want:   outcome{Violation: frame.ControlTooLong},
	},
	{
		name:   "a close body of one byte (5.5.1-02)",
		frames: []fr{{opClose, true, "\x03", 0}},
		want:   outcome{Violation: frame.CloseBodyTooShort}, payload: 1,
	},
	{
		name:   "reserved opcodes (5.2-05)",
		frames: []fr{{opText, true, "x", 0}, {3, true, "", 0}},
		want:   outcome{Events: events(txt("x")), Violation: frame.ReservedOpcode}, bad: 1,
	},
	{
		name:   "a reserved control opcode between fragments (5.2-05)",
		frames: []fr{{opText, false, "x", 0}, {0xB, true, "", 0}},
		want:   outcome{Violation: frame.ReservedOpcode}, bad: 1,
	},
	{
		name:   "RSV1 that nobody has defined (5.2-04)",
		frames: []fr{{opText, true, "x", frame.RSV1}},
		want:   outcome{Violation: frame.ReservedBit},
	},
	{
		name:    "RSV1 on the first frames of messages, when defined (D6-01)",
		allowed: frame.RSV1,
		frames:  []fr{{opText, true, "x", frame.RSV1}, {opText, true, "y", 0}, {opBinary, false, "z", frame.RSV1}, {opCont, true, "", 0}},
		want:    outcome{Events: events(txt("x"), txt("y"), bin("z"))},
	},
	{
		name:    "RSV1 on a continuation, though defined (D6.1)",
		allowed: frame.RSV1,
		frames:  []fr{{opText, false, "x", frame.RSV1}, {opCont, true, "y", frame.RSV1}},
		want:    outcome{Violation: frame.ReservedBit}, bad: 1,
	},
	{
		name:    "RSV1 on a control frame, though defined (D6-01)",
		allowed: frame.RSV1,
		frames:  []fr{{opText, false, "x", frame.RSV1}, {opPing, true, "y", frame.RSV1}},
		want:    outcome{Violation: frame.ReservedBit}, bad: 1,
	},
	{
		name:    "RSV2 with RSV1, where RSV1 is defined (5.2-04)",
		allowed: frame.RSV1,
		frames:  []fr{{opText, true, "x", frame.RSV1 | frame.RSV2}},
		want:    outcome{Violation: frame.ReservedBit},
	},
	{
		name:   "text that is not UTF-8, from its first bad byte (8.1-01)",
		frames: []fr{{opText, true, "ok", 0}, {opText, false, "ab\xFFcd", 0}, {opPing, true, "", 0}},
		want:   outcome{Events: events(txt("ok")), Violation: frame.TextNotUTF8}, bad: 1, payload: 3,
	},
	{
		name:   "text spoiled by its second fragment (8.1-01)",
		frames: []fr{{opText, false, "\xE2\x82", 0}, {opPing, true, "", 0}, {opCont, false, "a", 0}},
		want:   outcome{Events: events(pong("")), Violation: frame.TextNotUTF8}, bad: 2, payload: 1,
	},
	{
		name:   "text that ends inside a character (8.1-01)",
		frames: []fr{{opText, true, "a\xE2\x82", 0}},
		want:   outcome{Violation: frame.TextNotUTF8}, payload: 3,
	},
	{
		name:   "one message does not go on with the character of another (8.1-01)",
		frames: []fr{{opBinary, true, "\xE2\x82", 0}, {opText, true, "\xAC", 0}},
		want:   outcome{Events: events(bin("\xE2\x82")), Violation: frame.TextNotUTF8}, bad: 1, payload: 1,
	},
	{
		name:   "binary is arbitrary data (5.6-03)",
		frames: []fr{{opBinary, false, "\xFF\xE2", 0}, {opCont, true, "\xC0", 0}},
		want:   outcome{Events: events(bin("\xFF\xE2\xC0"))},
	},
}

func events(list ...wstest.Event) []wstest.Event { return list }

// fragments cuts a message into frames of n bytes.
func fragments(op frame.Opcode, s string, n int) []fr {
	var list []fr
	for len(s) > n {
		list = append(list, fr{op: op, body: s[:n]})
		op, s = opCont, s[n:]
	}
	return append(list, fr{op: op, fin: true, body: s})
}

func TestReceiver(t *testing.T) {
	for _, test := range receiverTests {
		for _, from := range roles {
			t.Run(test.name+"/from "+from.String(), func(t *testing.T) {
				p := peer{from, test.allowed, -1}
				b := wire(from, test.frames...)
				got, at := judge(t, p, b, 3)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if test.want.Violation != nil {
					want := len(wire(from, test.frames[:test.bad]...)) + 2
					if test.payload > 0 {
						want += test.frames[test.bad].header(from).Len() - 2 + test.payload
					}
					if at != want {
						t.Errorf("shown by byte %d, reported with byte %d", want, at)
					}
				}
				for cut, pieces := range wstest.Cuts(b) {
					if got, _ := drive(t, p, pieces, takeAll, longer); diff(test.want, got) != "" {
						t.Errorf("%s (-want +got):\n%s", cut, diff(test.want, got))
					}
				}
			})
		}
	}
}

// TestReceiverMessage follows the accessors through a message of two frames with a
// ping between.
func TestReceiverMessage(t *testing.T) {
	type view struct {
		Kind   Kind
		N      int
		Opcode frame.Opcode
		Opened bool
		Left   uint64
	}
	rx := NewReceiver(frame.Server, 0, -1)
	look := func(step string, b string, want view) Event {
		t.Helper()
		ev, n, err := rx.Next([]byte(b))
		got := view{ev.Kind, n, rx.Opcode(), rx.Opened(), rx.Left()}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%s: error %v (-want +got):\n%s", step, err, diff)
		}
		return ev
	}
	look("nothing", "", view{})
	look("half a header", "\x01", view{})
	ev := look("a header", "\x01\x03Hel", view{Kind: Begin, N: 2, Opcode: opText, Left: 3})
	if ev.Opcode != opText {
		t.Errorf("Begin: opcode %v", ev.Opcode)
	}
	look("Begin is not acted upon", "", view{Kind: Begin, Opcode: opText, Left: 3})
	rx.Open()
	look("payload", "Hel", view{Kind: Payload, Opcode: opText, Opened: true, Left: 3})
	rx.Frame([]byte("He"))
	look("a part of it was taken", "l", view{Kind: Payload, Opcode: opText, Opened: true, Left: 1})
	rx.Frame([]byte("l"))
	look("a control header: its payload is not the message's", "\x89\x02", view{N: 2, Opcode: opText, Opened: true})
	look("a half control body", "p", view{Opcode: opText, Opened: true})
	ev = look("a control frame", "pi\x80\x00", view{Kind: Control, N: 2, Opcode: opText, Opened: true})
	if ev.Opcode != opPing || string(ev.Body) != "pi" {
		t.Errorf("Control: %v %q", ev.Opcode, ev.Body)
	}
	look("an empty last frame", "\x80\x00", view{Kind: End, N: 2, Opcode: opText, Opened: true})
	look("End is not acted upon", "\x81\x01", view{Kind: End, Opcode: opText, Opened: true})
	if err := rx.EndMessage(); err != nil {
		t.Errorf("EndMessage: %v", err)
	}
	look("after the message", "", view{})
}

// TestReceiverReservedBits: RFC 7692, section 6: the reserved bits of the first frame
// say how to read the message, so Begin tells them, for this message only.
func TestReceiverReservedBits(t *testing.T) {
	rx := NewReceiver(frame.Server, frame.RSV1|frame.RSV3, -1)
	b := wire(frame.Server,
		fr{opText, true, "", frame.RSV1},
		fr{opText, false, "", frame.RSV3},
		fr{opPing, true, "", 0},
		fr{opCont, true, "", 0},
		fr{opBinary, true, "", 0},
	)
	var got []frame.RSV
	for len(got) < 3 {
		ev, n, err := rx.Next(b)
		b = b[n:]
		switch {
		case err != nil || ev.Kind == More:
			t.Fatalf("Next: %+v, %v", ev, err)
		case ev.Kind == Begin:
			again, _, _ := rx.Next(nil)
			if again.RSV != ev.RSV {
				t.Errorf("RSV %#x, called again %#x", ev.RSV, again.RSV)
			}
			got = append(got, ev.RSV)
			rx.Open()
		case ev.RSV != 0:
			t.Errorf("RSV %#x on kind %d", ev.RSV, ev.Kind)
		case ev.Kind == End:
			if err := rx.EndMessage(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff([]frame.RSV{frame.RSV1, frame.RSV3, 0}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestReceiverBody: a control body is a part of the input, but appending to it does
// not write over what follows.
func TestReceiverBody(t *testing.T) {
	for _, from := range roles {
		rx := NewReceiver(from, 0, -1)
		b := wire(from, fr{opPing, true, "ping", 0}, fr{opPing, true, "more", 0})
		ev, n, err := rx.Next(b)
		if err != nil || string(ev.Body) != "ping" {
			t.Fatalf("%+v, %v", ev, err)
		}
		_ = append(ev.Body, "appended"...)
		ev, _, err = rx.Next(b[n:])
		if err != nil || string(ev.Body) != "more" {
			t.Errorf("from %v: %+v, %v", from, ev, err)
		}
	}
}

// TestReceiverBegun: of a control frame that is not whole the header was consumed.
func TestReceiverBegun(t *testing.T) {
	for _, from := range roles {
		rx := NewReceiver(from, 0, -1)
		f := fr{opPing, true, "ping", 0}
		header := f.header(from).Len()
		b := wire(from, f)
		begun := 0
		for i := range b {
			held := b[begun : i+1]
			_, n, err := rx.Next(held)
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			if i >= header-1 && i < len(b)-1 {
				want = header
			}
			if begun = rx.Begun(); begun != want {
				t.Errorf("from %v: %d bytes after %d, want %d", from, begun, i+1, want)
			}
			if i == len(b)-1 && n != len(held) {
				t.Errorf("from %v: %d bytes consumed at the end, want %d", from, n, len(held))
			}
		}
	}
}
