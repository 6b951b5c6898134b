package wstest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// Stream is what one side sends after the handshake, byte for byte, and what the
// other side must make of it. In a file it has the fields
//
//	name     what is shown
//	section  of RFC 6455
//	from     client or server, who sent it
//	limit    the receiver's message limit in bytes; none if left out
//	hex      the bytes on the wire
//	events   one a line, in order:
//	           text (bytes), binary (bytes): a whole message was received
//	           pong (bytes): a pong with these bytes is owed
//	           close (code) (quoted reason): a close frame was received; what
//	             follows it in the stream is not looked at
//	fail     if the stream breaks a rule: the name of the frame.Violation, "at" and
//	         the number of bytes after which a receiver can tell
//
// Without a close event and a failure the connection is still open at the end.
type Stream struct {
	Name    string
	Section string
	From    frame.Role
	Limit   int64 // negative: none
	Wire    []byte

	Events    []Event
	Violation frame.Violation // zero: none

	// FailAt is the number of bytes that show the violation: with one byte less,
	// all may still be well. A rule that a header breaks shows with the first two
	// bytes of that header, or with the last of its extended length; invalid text
	// with its first wrong byte, or with the last of a message that ends too early;
	// a bad close body with its last byte.
	FailAt int
}

// Event is one thing that a receiver makes of a [Stream].
type Event struct {
	// Opcode is Text or Binary for a message, Pong for a pong that is owed, Close
	// for a close frame that was received.
	Opcode frame.Opcode
	Data   []byte           // of the message or pong; never nil for these
	Code   frame.StatusCode // of the close frame
	Reason string           // of the close frame
}

// Streams loads the streams of all files that match glob, relative to the package
// under test. It fails the test if there is no such file, or on any error in one.
func Streams(t testing.TB, glob string) []Stream {
	t.Helper()
	return load(t, glob, decodeStream)
}

func decodeStream(r record) (s Stream, err error) {
	f := r.fields
	if err := r.only("name", "section", "from", "limit", "hex", "events", "fail"); err != nil {
		return s, err
	}
	s.Name, s.Section, s.Limit = f["name"], f["section"], -1
	if s.From, err = decodeRole(f["from"]); err != nil {
		return s, err
	}
	if f["limit"] != "" {
		if s.Limit, err = strconv.ParseInt(f["limit"], 10, 64); err != nil {
			return s, fmt.Errorf("limit: %w", err)
		}
	}
	if s.Wire, err = hexBytes(f["hex"]); err != nil {
		return s, err
	}
	for line := range strings.Lines(f["events"]) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		e, err := decodeEvent(line)
		if err != nil {
			return s, err
		}
		s.Events = append(s.Events, e)
	}
	if f["fail"] == "" {
		return s, nil
	}
	name, at, _ := strings.Cut(f["fail"], " at ")
	if s.Violation, err = decodeViolation(name); err != nil {
		return s, err
	}
	if s.FailAt, err = strconv.Atoi(at); err != nil || s.FailAt < 2 || s.FailAt > len(s.Wire) {
		return s, fmt.Errorf("fail: no place %q in %d bytes", at, len(s.Wire))
	}
	return s, nil
}

func decodeEvent(line string) (e Event, err error) {
	kind, value, _ := strings.Cut(line, " ")
	switch kind {
	case "text":
		e.Opcode = frame.Text
	case "binary":
		e.Opcode = frame.Binary
	case "pong":
		e.Opcode = frame.Pong
	case "close":
		e.Opcode = frame.Close
		e.Code, e.Reason, err = decodeClose(value)
		return e, err
	default:
		return e, fmt.Errorf("no event %q", line)
	}
	e.Data, err = data(value)
	return e, err
}
