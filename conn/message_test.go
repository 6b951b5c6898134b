package conn

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

func TestMessageTypeString(t *testing.T) {
	got := []string{Text.String(), Binary.String()}
	if diff := cmp.Diff([]string{"text", "binary"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMessageTypeCheck(t *testing.T) {
	for _, tc := range []struct {
		name string
		t    MessageType
		p    string
		want error
	}{
		{"text", Text, "κόσμε", nil},
		{"empty text", Text, "", nil},
		{"no text", Text, "\xC0\xAF", frame.TextNotUTF8},
		{"binary", Binary, "\xC0\xAF", nil},
		{"zero", 0, "", ErrMessageType},
		{"control", MessageType(frame.Ping), "", ErrMessageType},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := tc.t.check([]byte(tc.p)); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

// Messages ends without an error when the peer closes normally or goes away, and with
// the error as the last pair otherwise.
func TestMessagesEnd(t *testing.T) {
	for _, tc := range []struct {
		name string
		last []wireFrame
		want error // nil: silent
	}{
		{"1000", []wireFrame{closeFrame(1000, "bye")}, nil},
		{"1001", []wireFrame{closeFrame(1001, "")}, nil},
		{"no code", []wireFrame{closeFrame(StatusNoStatusReceived, "")}, &CloseError{Code: 1005}},
		{"1008", []wireFrame{closeFrame(1008, "no")}, &CloseError{Code: 1008, Reason: "no"}},
		{"4000", []wireFrame{closeFrame(4000, "")}, &CloseError{Code: 4000}},
		{"vanishes", nil, &CloseError{Code: 1006}},
		{"a violation", []wireFrame{part(frame.Continuation, true, "")}, &FailError{Violation: frame.UnexpectedContinuation}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				p.send(append([]wireFrame{textFrame("one"), binaryFrame("")}, tc.last...)...)
				p.closeWrite()
				var got []Message
				var last error
				for m, err := range c.Messages(t.Context()) {
					if last != nil {
						t.Errorf("after the error: %v, %v", m, err)
					}
					if last = err; err == nil {
						got = append(got, m)
					} else if diff := cmp.Diff(Message{}, m); diff != "" {
						t.Errorf("with the error (-want +got):\n%s", diff)
					}
				}
				if diff := cmp.Diff([]Message{{Text, []byte("one")}, {Binary, []byte{}}}, got); diff != "" {
					t.Errorf("messages (-want +got):\n%s", diff)
				}
				switch want := tc.want.(type) {
				case nil:
					if last != nil {
						t.Errorf("error %v", last)
					}
				case *CloseError:
					ce, ok := errors.AsType[*CloseError](last)
					if !ok || ce.Code != want.Code || ce.Reason != want.Reason {
						t.Errorf("error %v, want %v", last, want)
					}
				case *FailError:
					if !errors.Is(last, want.Violation) || !errors.Is(last, net.ErrClosed) {
						t.Errorf("error %v, want %v", last, want)
					}
				}
				// And the same again.
				again := 0
				for _, err := range c.Messages(t.Context()) {
					if again++; err != last {
						t.Errorf("again: %v, want %v", err, last)
					}
				}
				if want := 1; tc.want == nil && again != 0 || tc.want != nil && again != want {
					t.Errorf("again: %d pairs", again)
				}
			})
		})
	}
}

// Breaking off loses nothing, and leaves the connection open.
func TestMessagesBreak(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(textFrame("one"), textFrame("two"), textFrame("three"))
		for _, want := range []string{"one", "two"} {
			for m, err := range c.Messages(t.Context()) {
				if string(m.Data) != want || err != nil {
					t.Errorf("%q, error %v, want %q", m.Data, err, want)
				}
				break
			}
		}
		expectMessage(t, c, t.Context(), Text, "three")
	})
}

// A context that ends is an error, also if it ends because another connection was
// closed normally.
func TestMessagesCancelled(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		other, peer := newRaw(t, Server, nil)
		peer.send(closeFrame(StatusNormalClosure, ""))
		peer.closeWrite()
		if err := other.Discard(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
		ctx := other.Context()
		var got error
		for _, err := range c.Messages(ctx) {
			got = err
		}
		if !errors.Is(got, context.Canceled) || !errors.Is(got, context.Cause(ctx)) {
			t.Errorf("error %v", got)
		}
		// Nothing has happened to this connection.
		synctest.Wait()
		p.send(textFrame("hello"))
		expectMessage(t, c, t.Context(), Text, "hello")
	})
}
