package conn

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
)

// compressedWithPing is a compressed message of several frames, with a Ping in between
// and what refers to it later: the payload of a second one, with takeover.
func compressedWithPing(from Role) (bytes []byte, data, second string) {
	data = "κόσμε, κόσμε" + strings.Repeat(".", 130) + jsonText(60, 1)
	s := newStandardSender(6)
	body := s.message(data)
	frames := compressedParts(frame.Text, body[:5], "", body[5:20], body[20:])
	frames = append(frames[:1:1], append([]wireFrame{pingFrame("ping")}, frames[1:]...)...)
	return wire(from, frames...), data, s.message(data)
}

// A read that is cancelled anywhere in a compressed message loses nothing, whichever
// way it and the next one are done; nor does the window.
func TestInflateCancelledAnywhere(t *testing.T) {
	seconds := append(readOnes, readAllOfReader)
	for j, first := range readOnes {
		for k, second := range seconds {
			t.Run(first.name+", then "+second.name, func(t *testing.T) {
				inflateTest(t, withTakeover, nil, func(t *testing.T, _ *Conn, p *rawPeer) {
					message, data, again := compressedWithPing(p.role)
					for i := (j + k) % (3 * sample); i < len(message); i += 3 * sample {
						c, p := newInflating(t, p.role.Peer(), withTakeover, nil)
						if i > 0 {
							p.sendBytes(message[:i])
						}
						cutRead(t, c, first.read)
						cutRead(t, c, first.read)
						p.sendBytes(message[i:])
						for _, way := range []readOne{second, first} {
							typ, got, err := way.read(t.Context(), c)
							if typ != Text || string(got) != data || err != nil {
								t.Errorf("cut after %d bytes: %v %q, error %v", i, typ, got, err)
							}
							p.send(compressedFrame(frame.Text, again))
						}
						p.expect(pongFrame("ping"))
						c.CloseNow()
						p.nc.Close()
					}
				})
			})
		}
	}
}

// Every byte comes alone, and a read is cancelled after each, with takeover and without.
func TestInflateCancelledEverywhere(t *testing.T) {
	for _, w := range []deflate.Window{withTakeover, withoutTakeover} {
		for shift := range readOnes {
			inflateTest(t, w, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				message, data, again := compressedWithPing(p.role)
				for i, b := range message[:len(message)-1] {
					p.sendBytes([]byte{b})
					cutRead(t, c, readOnes[(i+shift)%len(readOnes)].read)
				}
				p.sendBytes(message[len(message)-1:])
				expectMessage(t, c, t.Context(), Text, data)
				if c.in.held != nil || c.message.kept != nil {
					t.Error("input is kept")
				}
				if !w.NoTakeover {
					p.send(compressedFrame(frame.Text, again))
					expectMessage(t, c, t.Context(), Text, data)
				}
				p.expect(pongFrame("ping"))
			})
		}
	}
}

// A Reader takes over from cancelled reads, another from a cancelled Reader, at any
// place in the message; then the message is read to its end, or dropped, and the next
// one refers to it.
func TestInflateReaderTakesOver(t *testing.T) {
	for _, end := range []string{"read", "closed", "closed, then cancelled", "closed, then Discard"} {
		for _, size := range []int{1, 7, 40, 1000} {
			t.Run(end, func(t *testing.T) {
				inflateTest(t, withTakeover, nil, func(t *testing.T, _ *Conn, p *rawPeer) {
					message, data, again := compressedWithPing(p.role)
					for i := (size * len(end)) % (2 * sample); i < len(message); i += 2 * sample {
						c, p := newInflating(t, p.role.Peer(), withTakeover, nil)
						takeOver(t, c, p, message, i, data, size, end)
						if end == "closed, then Discard" {
							ctx, cancel := context.WithCancel(t.Context())
							p.send(pingFrame("now"))
							go func() {
								p.expect(pongFrame("ping"), pongFrame("now"))
								cancel()
							}()
							mustBe(t, c.Discard(ctx), context.Canceled)
						}
						p.send(compressedFrame(frame.Text, again), textFrame("next"))
						expectMessage(t, c, t.Context(), Text, data)
						expectMessage(t, c, t.Context(), Text, "next")
						c.CloseNow()
						p.nc.Close()
					}
				})
			})
		}
	}
}

// takeOver lets the message come in two parts, cut after i bytes, with cancelled reads
// before and two Readers, size bytes at a time.
func takeOver(t *testing.T, c *Conn, p *rawPeer, message []byte, i int, data string, size int, end string) {
	t.Helper()
	if i > 0 {
		p.sendBytes(message[:i])
	}
	cutRead(t, c, readOnes[i%len(readOnes)].read)
	half := i + (len(message)-i)/2
	p.sendBytes(message[i:half])
	cutRead(t, c, readOnes[(i+1)%len(readOnes)].read)

	var got []byte
	ctx, cancel := context.WithCancel(t.Context())
	if c.rx.Opened() {
		_, r, err := c.Reader(ctx)
		must(t, err)
		if len(c.message.kept) > 0 { // so it does not wait
			buf := make([]byte, size)
			n, err := r.Read(buf)
			must(t, err)
			got = append(got, buf[:n]...)
		}
	}
	cancel()
	p.sendBytes(message[half:])
	_, r, err := c.Reader(t.Context())
	must(t, err)
	buf := make([]byte, size)
	if end == "read" {
		for err == nil {
			var n int
			n, err = r.Read(buf)
			got = append(got, buf[:n]...)
		}
		if err != io.EOF || string(got) != data {
			t.Errorf("cut after %d bytes, %d at a time: %q, error %v", i, size, got, err)
		}
		return
	}
	n, err := r.Read(buf)
	got = append(got, buf[:n]...)
	if all := string(got) == data; err != nil && !(all && err == io.EOF) || !strings.HasPrefix(data, string(got)) {
		t.Errorf("cut after %d bytes, %d at a time: %q, error %v", i, size, got, err)
	}
	must(t, r.Close())
	if end == "closed, then cancelled" {
		cutRead(t, c, readOnes[i%len(readOnes)].read)
	}
}

// A dropped message is in the window as one that was read (D7.2.2-02, D7.2.2-03).
func TestInflateDroppedIsInTheWindow(t *testing.T) {
	inflateTest(t, withTakeover, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		s := newStandardSender(6)
		texts := []string{jsonText(20_000, 1), jsonText(9000, 2), jsonText(20_000, 1)[3000:]}
		for i, text := range texts {
			body := s.message(text)
			for k, f := range compressedParts(frame.Text, cutString(body, 1+len(body)/5)...) {
				p.send(f)
				if i == 1 && k == 2 {
					// Discard, cancelled in the middle.
					cutRead(t, c, func(ctx context.Context, c *Conn) (MessageType, []byte, error) {
						return 0, nil, c.Discard(ctx)
					})
				}
			}
			if i == 0 {
				_, r, err := c.Reader(t.Context())
				must(t, err)
				readString(t, r, text[:100])
				must(t, r.Close())
			}
		}
		expectMessage(t, c, t.Context(), Text, texts[2])
	})
}
