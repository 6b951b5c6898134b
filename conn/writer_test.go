package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// mustWriter starts a message.
func mustWriter(t *testing.T, c *Conn, ctx context.Context, m MessageType) io.WriteCloser {
	t.Helper()
	w, err := c.Writer(ctx, m)
	must(t, err)
	return w
}

// mustWriteString writes to a message.
func mustWriteString(t *testing.T, w io.Writer, s string) {
	t.Helper()
	if n, err := io.WriteString(w, s); n != len(s) || err != nil {
		t.Fatalf("Write of %d bytes: %d, %v", len(s), n, err)
	}
}

// large does not fit in the buffer of a writer, so it leaves as a fragment at once.
var large = strings.Repeat("0123456789abcdef", 5000/16)

// A Close of ours ends an open message at the frame boundary. What its writer does
// then must not disturb the closing handshake (5.5.1-05).
func TestWriterMeetsOurClose(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		w := mustWriter(t, c, background, Text)
		mustWriteString(t, w, large)
		closed := async(func() error { return c.Close(background, StatusGoingAway, "") })
		p.expect(part(frame.Text, false, large), closeFrame(StatusGoingAway, ""))
		mustWait(t, closed)
		for range 2 {
			if _, err := io.WriteString(w, large); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Write after Close: %v", err)
			}
			mustBe(t, w.Close(), net.ErrClosed)
		}
		mustWait(t, closed)
		p.send(closeFrame(StatusGoingAway, ""))
		p.closeWrite()
		p.expectEnd()
		must(t, <-closed)
	})
}

// The peer's Close is answered with its own code, whatever an open writer does
// meanwhile (5.5.1-07).
func TestWriterMeetsThePeersClose(t *testing.T) {
	for name, text := range map[string]string{"small": "small", "large": large, "not text": "\xff"} {
		t.Run(name, func(t *testing.T) {
			rawTestSize(t, nil, 3000, func(t *testing.T, c *Conn, p *rawPeer) {
				w := mustWriter(t, c, background, Text)
				// The answer has to wait for a fragment that is stuck.
				stuck := async(func() error { _, err := io.WriteString(w, large); return err })
				mustWait(t, stuck)
				p.send(closeFrame(4321, "enough"))
				read := async(func() error { return c.Discard(background) })
				mustWait(t, read)
				next := async(func() error { _, err := io.WriteString(w, text); return errors.Join(err, w.Close()) })
				p.expect(part(frame.Text, false, large), closeFrame(4321, "enough"))
				p.closeWrite()
				p.expectEnd()
				must(t, <-stuck)
				mustBe(t, <-next, net.ErrClosed)
				if ce, ok := errors.AsType[*CloseError](<-read); !ok || ce.Code != 4321 {
					t.Errorf("Discard returned %v", ce)
				}
			})
		})
	}
}

// A call that waits for another on the same writer does not hold a mutex: it ends
// with the connection, and time goes on meanwhile.
func TestWriterOneCallAtATime(t *testing.T) {
	rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
		w := mustWriter(t, c, background, Binary)
		first := async(func() error { _, err := io.WriteString(w, large); return err })
		mustWait(t, first)
		second := async(func() error { _, err := io.WriteString(w, "more"); return err })
		third := async(w.Close)
		mustWait(t, first, second, third)
		p.expect(part(frame.Binary, false, large))
		must(t, <-first)
		must(t, <-third)
		// Which of the two that waited comes first is open.
		if err := <-second; err == nil {
			p.expect(part(frame.Continuation, true, "more"))
		} else {
			p.expect(part(frame.Continuation, true, ""))
		}
	})
}

func TestWriterAfterTheEnd(t *testing.T) {
	for name, written := range map[string]string{"nothing sent": "small", "a fragment sent": large} {
		t.Run(name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				w := mustWriter(t, c, background, Text)
				mustWriteString(t, w, written)
				must(t, c.CloseNow())
				for range 2 {
					if _, err := io.WriteString(w, "x"); err != c.terminal() {
						t.Errorf("Write returned %v, want %v", err, c.terminal())
					}
					if err := w.Close(); err != c.terminal() {
						t.Errorf("Close returned %v, want %v", err, c.terminal())
					}
				}
			})
		})
	}
}
