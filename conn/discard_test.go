package conn

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// A Discard answers Pings, drops messages and returns when the connection ends.
func TestDiscard(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { err = c.Discard(t.Context()) })
		p.send(textFrame("dropped"), pingFrame("1"), part(frame.Binary, false, "also"), pingFrame("2"), part(frame.Continuation, true, "dropped"))
		p.expect(pongFrame("1"), pongFrame("2"))
		if err := c.Write(t.Context(), Text, []byte("pushed")); err != nil {
			t.Error(err)
		}
		p.expect(textFrame("pushed"))
		p.send(closeFrame(1001, "gone"))
		p.expect(closeFrame(1001, "gone"))
		p.nc.Close()
		wg.Wait()
		var o outcome
		o.ended(t, c, err)
		if diff := cmp.Diff(outcome{Close: &CloseError{Code: 1001, Reason: "gone"}}, o); diff != "" {
			t.Errorf("Discard (-want +got):\n%s", diff)
		}
	})
}

// What is dropped is checked as if it were delivered.
func TestDiscardChecks(t *testing.T) {
	for want, f := range map[frame.Violation]wireFrame{
		frame.TextNotUTF8:   textFrame("abc\xFF"),
		frame.MessageTooBig: binaryFrame(strings.Repeat("x", 101)),
	} {
		rawTest(t, &Options{ReadLimit: 100}, func(t *testing.T, c *Conn, p *rawPeer) {
			p.send(textFrame(strings.Repeat("x", 100)), f)
			p.closeWrite()
			if err := c.Discard(t.Context()); !errors.Is(err, want) {
				t.Errorf("Discard: %v, want %v", err, want)
			}
		})
	}
}

// A thousand connections that only push: their Pings are answered, and each sees its
// peer close.
func TestManyConnectionsThatOnlyPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const connections = 1000
		message, err := Prepare(Text, []byte("news"))
		if err != nil {
			t.Fatal(err)
		}
		var pushing, peers sync.WaitGroup
		var conns []*Conn
		for range connections {
			c, p := newRaw(t, Server, nil)
			conns = append(conns, c)
			pushing.Go(func() {
				ce, ok := errors.AsType[*CloseError](c.Discard(t.Context()))
				if !ok || ce.Code != StatusGoingAway {
					t.Errorf("Discard: %v", ce)
				}
			})
			peers.Go(func() {
				p.send(pingFrame("there?"))
				p.expect(pongFrame("there?"))
				for range 3 {
					p.expect(textFrame("news"))
				}
				p.send(pingFrame("still?"), closeFrame(StatusGoingAway, ""))
				p.expect(pongFrame("still?"), closeFrame(StatusGoingAway, ""))
				p.expectEnd()
				p.nc.Close()
			})
		}
		synctest.Wait()
		for range 3 {
			for _, c := range conns {
				if err := c.WritePrepared(t.Context(), message); err != nil {
					t.Error(err)
				}
			}
		}
		pushing.Wait()
		peers.Wait()
		for _, c := range conns {
			if c.Context().Err() == nil || c.in.held != nil {
				t.Error("a connection has not ended")
			}
		}
	})
}

// A Discard that is cancelled inside a message has dropped a part of it, so the rest
// is dropped too, by whoever reads next.
func TestDiscardCancelledAnywhere(t *testing.T) {
	for _, second := range append(readOnes, readAllOfReader) {
		t.Run(second.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, _ *Conn, p *rawPeer) {
				message, data := fragmented(p.role)
				dropped := 0
				for i := range message {
					c, p := newRaw(t, p.role.Peer(), nil)
					p.send(textFrame("dropped"))
					if i > 0 {
						p.sendBytes(message[:i])
					}
					discard := func(ctx context.Context, c *Conn) (MessageType, []byte, error) {
						return 0, nil, c.Discard(ctx)
					}
					cutRead(t, c, discard)
					p.sendBytes(message[i:])
					p.send(binaryFrame("next"))
					typ, got, err := second.read(t.Context(), c)
					switch m := (Message{typ, got}); {
					case err != nil:
						t.Errorf("cut after %d bytes: %v", i, err)
					case cmp.Equal(m, Message{Binary, []byte("next")}):
						dropped++
					case !cmp.Equal(m, Message{Text, []byte(data)}) || dropped > 0:
						t.Errorf("cut after %d bytes: %v %q is delivered", i, typ, got)
					}
					p.expect(pongFrame("ping"))
					c.CloseNow()
					p.nc.Close()
				}
				if dropped == 0 {
					t.Error("the message was never dropped")
				}
			})
		})
	}
}
