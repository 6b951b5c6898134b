package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// noiseText returns n bytes that do not compress.
func noiseText(n int) string {
	b := make([]byte, n)
	x := uint64(1)
	for i := range b {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = byte(x >> 56)
	}
	return string(b)
}

// The read limit counts inflated bytes, exactly, whatever the sender's compressor makes
// of them: a message of the limit gets through, with one byte more it does not.
func TestInflateLimitIsExact(t *testing.T) {
	const limit = 1000
	var streams []compressedStream
	for size := limit; size <= limit+1; size++ {
		zeros := strings.Repeat("\x00", size)
		for name, message := range map[string]struct{ text, body string }{
			"zeros":                     {zeros, deflatedText(zeros)},
			"incompressible":            {noiseText(size), deflatedText(noiseText(size))},
			"stored":                    {noiseText(size), storedText(noiseText(size), size)},
			"a bad compressor":          {noiseText(size), storedText(noiseText(size), 5)},
			"a worse one":               {noiseText(size), storedText(noiseText(size), 1)},
			"with nothing at the start": {noiseText(size), strings.Repeat("\x00\x00\x00\xff\xff", 500) + storedText(noiseText(size), size)},
			"with nothing at the end":   {noiseText(size), storedText(noiseText(size), size) + strings.Repeat("\x00\x00\xff\xff\x00", 500)},
		} {
			for n, frames := range map[string][]wireFrame{
				"frame":     {compressedFrame(frame.Binary, message.body)},
				"fragments": compressedParts(frame.Binary, cutString(message.body, 1+len(message.body)/3)...),
			} {
				s := compressedStream{
					name: fmt.Sprintf("%s, %d bytes, %s", name, size, n), limit: limit,
					frames: append(frames, compressedFrame(frame.Text, "\x00")),
				}
				if size > limit {
					s.fail = frame.MessageTooBig
				} else {
					s.messages = []Message{{Binary, []byte(message.text)}, {Text, []byte{}}}
				}
				streams = append(streams, s)
			}
		}
	}
	for i, s := range streams {
		for _, role := range []Role{Client, Server} {
			if i%2 == int(role)%2 {
				continue
			}
			t.Run(s.name+", "+role.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					start, stream := Start{Role: role, Extensions: inflateAgreed(role, withTakeover)}, s.in(role)
					ways := append(inflatingWays,
						inflatingWay{name: "room for the limit", read: readAppendTo(limit)},
						inflatingWay{name: "the limit at a time", read: readPieces(limit)},
						inflatingWay{name: "room for one less", read: readAppendTo(limit - 1)},
						inflatingWay{name: "one more at a time", read: readPieces(limit + 1)})
					for k, way := range ways {
						if (i+k)%min(sample, 5) != 0 {
							continue
						}
						want := s.want()
						want.Messages = way.of(want.Messages)
						if way.drops && s.fail == 0 {
							want.Messages = want.Messages[:1]
						}
						for _, size := range []int{len(stream.Wire), 1 + (k+i)%3*500} {
							pieces := [][]byte{}
							for _, piece := range cutString(string(stream.Wire), size) {
								pieces = append(pieces, []byte(piece))
							}
							got := playAs(t, start, stream, pieces, k%2 == 0, way.read)
							if diff := diff(want, got); diff != "" {
								t.Fatalf("%s (-want +got):\n%s", way.name, diff)
							}
						}
					}
				})
			})
		}
	}
}

// SetReadLimit holds from the next frame on, here too: what was let in is read, also
// what has arrived and was not inflated yet.
func TestInflateSetReadLimit(t *testing.T) {
	text := strings.Repeat("abcdefghij", 100)
	for _, size := range []int{1, 100, 999, 1000} {
		inflateTest(t, withTakeover, &Options{ReadLimit: 1000}, func(t *testing.T, c *Conn, p *rawPeer) {
			s := newStandardSender(6)
			p.send(compressedFrame(frame.Text, s.message(text)))
			_, r, err := c.Reader(t.Context())
			must(t, err)
			readString(t, r, text[:size])
			c.SetReadLimit(5)
			readString(t, r, text[size:])
			expectEOF(t, r)

			p.send(compressedFrame(frame.Text, s.message("abcde")))
			expectMessage(t, c, t.Context(), Text, "abcde")
			c.SetReadLimit(1000)
			p.send(compressedFrame(frame.Text, s.message(text)))
			expectMessage(t, c, t.Context(), Text, text)

			// Smaller inside a message: with its next frame, even an empty one.
			p.send(compressedParts(frame.Text, s.flush(text), "\x00")[0])
			_, r, err = c.Reader(t.Context())
			must(t, err)
			readString(t, r, text[:size])
			c.SetReadLimit(5)
			readString(t, r, text[size:])
			p.send(part(frame.Continuation, size%2 == 0, ""))
			p.closeWrite()
			if _, err := r.Read(make([]byte, 1)); !errors.Is(err, frame.MessageTooBig) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// endless is a stream that gives a header and then the same bytes again and again, as
// a masked frame whose key is zero, or an unmasked one. It counts.
type endless struct {
	*script
	mu    sync.Mutex
	head  []byte
	cycle string
	at    int
	given int
	never chan struct{} // closed at the end
}

func newEndless(head []byte, cycle string) *endless {
	return &endless{script: newScript(), head: head, cycle: cycle, never: make(chan struct{})}
}

// Read implements net.Conn.
func (e *endless) Read(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.script.isClosed() {
		return 0, net.ErrClosed
	}
	n := copy(p, e.head)
	e.head = e.head[n:]
	for n < len(p) {
		m := copy(p[n:], e.cycle[e.at:])
		e.at = (e.at + m) % len(e.cycle)
		n += m
	}
	e.given += n
	return n, nil
}

func (s *script) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// endlessHead is the header of a frame with RSV1 of n bytes.
func endlessHead(from Role, op frame.Opcode, n uint64) []byte {
	h := frame.Header{Opcode: op, Length: n, Masked: from == Client, Key: mask.Key{}}
	if op != frame.Continuation {
		h.RSV = frame.RSV1
	}
	return h.Append(nil)
}

// bombWays are all calls that read.
var bombWays = []struct {
	name string
	most uint64 // bytes of memory for a message of 1 MiB
	read func(ctx context.Context, c *Conn) error
}{
	{"Read", 8 << 20, func(ctx context.Context, c *Conn) error {
		_, p, err := c.Read(ctx)
		return errors.Join(err, nothing(p))
	}},
	{"ReadAppend", 200_000, func(ctx context.Context, c *Conn) error {
		_, p, err := c.ReadAppend(ctx, bombSpace[:0])
		return errors.Join(err, nothing(p))
	}},
	{"Reader", 200_000, func(ctx context.Context, c *Conn) error {
		_, r, err := c.Reader(ctx)
		if err != nil {
			return err
		}
		n, total := 0, 0
		for err == nil {
			n, err = r.Read(bombSpace[:5000])
			total += n
		}
		if total > 1<<20 {
			err = fmt.Errorf("%d bytes were delivered: %w", total, err)
		}
		return err
	}},
	{"Reader, closed, then Read", 200_000, func(ctx context.Context, c *Conn) error {
		_, r, err := c.Reader(ctx)
		if err == nil {
			_, err = r.Read(bombSpace[:10])
		}
		if err != nil {
			return err
		}
		_ = r.Close()
		_, p, err := c.Read(ctx)
		return errors.Join(err, nothing(p))
	}},
	{"Discard", 200_000, func(ctx context.Context, c *Conn) error { return c.Discard(ctx) }},
	{"Ping", 200_000, func(ctx context.Context, c *Conn) error {
		if _, r, err := c.Reader(ctx); err != nil {
			return err
		} else {
			_ = r.Close()
		}
		_, err := c.Ping(ctx)
		return err
	}},
	{"Close", 200_000, func(ctx context.Context, c *Conn) error {
		return c.Close(ctx, StatusNormalClosure, "")
	}},
}

var bombSpace = make([]byte, 0, 2<<20)[:2<<20]

// nothing says so if there is something.
func nothing(p []byte) error {
	if len(p) > 0 {
		return fmt.Errorf("%d bytes were delivered", len(p))
	}
	return nil
}

// A message that grows a thousandfold is stopped at the limit, whoever reads, before
// more of it is inflated, received or allocated for (10.4-01).
func TestInflateBomb(t *testing.T) {
	zeros := newStandardSender(9).flush(strings.Repeat("\x00", 1<<20))
	if len(zeros) > 1100 {
		t.Fatalf("1 MiB of zeros are %d bytes", len(zeros))
	}
	// A GiB in one frame that the limit on the wire lets in.
	testEndless(t, uint64(1024*len(zeros)), zeros, len(zeros))
}

// A message that never grows is stopped too: by the header of the frame with which there
// would be too much of it, or in one that was announced to be too large.
func TestInflateNothing(t *testing.T) {
	for name, cycle := range map[string]string{
		"empty stored blocks": "\x00\x00\x00\xff\xff",
		"empty fixed blocks":  hexString("02 08 20 80 00"), // 4 blocks of 10 bits
	} {
		t.Run(name, func(t *testing.T) {
			testEndless(t, 2<<20+64<<10+1, cycle, 0)
			const limit = 100_000
			const size = 2*limit + 64<<10 // see protocol.Receiver.SetLimit
			for _, n := range []uint64{100_000, 10_000, 5 * sample} {
				// Frame after frame: the last is refused with its header.
				cycle := strings.Repeat(cycle, int(n)/5)
				next := string(endlessHead(Client, frame.Continuation, n)) + cycle
				nc := newEndless(append(endlessHead(Client, frame.Binary, n), cycle...), next)
				err := runEndless(t, nc, Server, limit, bombWays[4].read)
				if frames := size/int(n) + 1; nc.given > frames*(int(n)+14)+failBytes+maxInput {
					t.Errorf("frames of %d: %d bytes were read", n, nc.given)
				}
				if !errors.Is(err, frame.MessageTooBig) {
					t.Errorf("frames of %d: %v", n, err)
				}
			}
		})
	}
}

// testEndless lets every call read a frame of n bytes in which cycle comes again and
// again. At most so many of them may be needed to see that it is too large.
func testEndless(t *testing.T, n uint64, cycle string, needs int) {
	for _, way := range bombWays {
		for _, role := range []Role{Client, Server} {
			t.Run(way.name+", "+role.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					nc := newEndless(endlessHead(role.Peer(), frame.Binary, n), cycle)
					before, _ := total()
					err := runEndless(t, nc, role, 0, way.read)
					after, _ := total()
					if !errors.Is(err, frame.MessageTooBig) {
						t.Errorf("error %v", err)
					}
					if most := needs + failBytes + 3*inputSize; nc.given > most {
						t.Errorf("%d bytes were read, want at most %d", nc.given, most)
					}
					if size := after - before; size > way.most && sample == 1 { // the race detector empties pools
						t.Errorf("%d bytes were allocated, want at most %d", size, way.most)
					}
				})
			})
		}
	}
}

// runEndless lets a connection over nc read.
func runEndless(t *testing.T, nc *endless, role Role, limit int64, read func(ctx context.Context, c *Conn) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := New(nc, Start{Role: role, Extensions: inflateAgreed(role, withTakeover)}, &Options{ReadLimit: limit})
	defer c.CloseNow()
	err := read(ctx, c)
	sent := nc.script.frames(t, role)
	body, _ := closeBody(StatusMessageTooBig, frame.MessageTooBig.Error())
	want := wireFrame{Op: frame.Close, Fin: true, Body: string(body)}
	// Nothing follows a Close frame that was sent before.
	if n := len(sent); n == 0 || sent[n-1] != want && sent[n-1] != closeFrame(StatusNormalClosure, "") {
		t.Errorf("frames sent: %+v", sent)
	}
	return err
}
