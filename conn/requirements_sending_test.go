package conn

import (
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// A message leaves in one valid frame, or a large one of a client in several, and when
// Write has returned all of it is there without a further call (6.1-03, 6.1-05, 6.1-08,
// 5.2-10).
func TestRequirementWrite(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 4096, 32 << 10, 65535, 65536, 100_000} {
		rawTestSize(t, nil, -1, func(t *testing.T, c *Conn, p *rawPeer) {
			body := strings.Repeat("x", size)
			must(t, c.Write(background, Text, []byte(body)))
			must(t, c.Write(background, Binary, []byte(body)))
			for _, want := range []wireFrame{textFrame(body), binaryFrame(body)} {
				got := p.nextMessage()
				if got.Op != want.Op || got.Body != body {
					t.Errorf("%d bytes: %v with %d", size, got.Op, len(got.Body))
				}
			}
			must(t, c.CloseNow())
			if more := p.rest(); len(more) > 0 {
				t.Errorf("%d bytes: more frames: %v", size, more)
			}
		})
	}
}

// A message that is written piece by piece is a series of frames, of which the first
// has the type and the last has FIN, and an empty one if need be; control frames go
// out between them, and every frame of a client has a key of its own, which the peer
// checks (5.4-04, 6.1-04, 6.1-06, 10.3-02).
func TestRequirementFragments(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		w := mustWriter(t, c, background, Text)
		mustWriteString(t, w, large)
		p.expect(part(frame.Text, false, large))

		ping := async(func() error { _, err := c.Ping(background); return err })
		f, err := p.next()
		must(t, err)
		if f.Op != frame.Ping || !f.Fin {
			t.Fatalf("frame %+v, want a Ping", f)
		}
		p.send(pingFrame("mine"), pongFrame(f.Body))
		p.expect(pongFrame("mine"))
		must(t, <-ping)

		mustWriteString(t, w, large)
		p.expect(part(frame.Continuation, false, large))
		must(t, w.Close())
		p.expect(part(frame.Continuation, true, ""))
	})
}

// Messages of several goroutines, in one frame or in fragments, never mix, and the
// fragments of each arrive in order (5.4-06, 5.4-07).
func TestRequirementMessagesDoNotMix(t *testing.T) {
	const writers, rounds = 4, 10
	rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
		go c.Discard(background)
		var writing sync.WaitGroup
		for n := range writers {
			letters := strings.Repeat(string(rune('a'+n)), 5000) + strings.Repeat(string(rune('A'+n)), 5000)
			writing.Go(func() {
				for range rounds {
					if err := c.Write(background, Text, []byte(letters)); err != nil {
						t.Error(err)
					}
					w, err := c.Writer(background, Text)
					if err != nil {
						t.Error(err)
						return
					}
					_, err1 := io.WriteString(w, letters[:5000])
					_, err2 := io.WriteString(w, letters[5000:])
					if err := errors.Join(err1, err2, w.Close()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		message, got := "", map[string]int{}
		for n := 0; n < writers*rounds*2; {
			f, err := p.next()
			must(t, err)
			if first := message == ""; first != (f.Op == frame.Text) {
				t.Fatalf("%v after %d bytes of a message", f.Op, len(message))
			}
			if message += f.Body; f.Fin {
				got[message]++
				message = ""
				n++
			}
		}
		writing.Wait()
		want := map[string]int{}
		for n := range writers {
			want[strings.Repeat(string(rune('a'+n)), 5000)+strings.Repeat(string(rune('A'+n)), 5000)] = 2 * rounds
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages (-want +got):\n%.2000s", diff)
		}
	})
}

// The caller's slice is only read, and what happens to it after Write has returned
// does not change what is on its way (10.3-01).
func TestRequirementPayloadIsFixed(t *testing.T) {
	for _, size := range []int{10, 5000, 100_000} {
		rawTestSize(t, nil, -1, func(t *testing.T, c *Conn, p *rawPeer) {
			want := strings.Repeat("x", size)
			body := []byte(want)
			must(t, c.Write(background, Binary, body))
			if string(body) != want {
				t.Errorf("Write has changed the caller's %d bytes", size)
			}
			clear(body)
			if f := p.nextMessage(); f.Op != frame.Binary || f.Body != want {
				t.Errorf("%v with %d bytes, want %d as they were", f.Op, len(f.Body), size)
			}

			w := mustWriter(t, c, background, Binary)
			body = []byte(want)
			_, err := w.Write(body)
			must(t, err)
			clear(body)
			must(t, w.Close())
			got := ""
			for {
				f, err := p.next()
				must(t, err)
				if got += f.Body; f.Fin {
					break
				}
			}
			if got != want {
				t.Errorf("the message of %d bytes has changed on its way", size)
			}
		})
	}
}

// A Pong answers the Ping that it names and those before; one that names none of ours
// answers none (5.5.3-02, 5.5.3-03).
func TestRequirementPongs(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		ping := func() error { _, err := c.Ping(background); return err }
		nextPing := func() string {
			f, err := p.next()
			must(t, err)
			if f.Op != frame.Ping {
				t.Fatalf("frame %+v, want a Ping", f)
			}
			return f.Body
		}
		first := async(ping)
		one := nextPing()
		second := async(ping)
		two := nextPing()
		third := async(ping)
		three := nextPing()
		p.send(pongFrame(""), pongFrame("nobody asked"), pongFrame(one+"x"), pongFrame(strings.Repeat("\xff", len(one))))
		mustWait(t, first, second, third)
		p.send(pongFrame(two))
		must(t, <-first)
		must(t, <-second)
		mustWait(t, third)
		p.send(pongFrame(three))
		must(t, <-third)
	})
}
