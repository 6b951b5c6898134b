package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// noise returns n bytes that cannot be compressed.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// A sendOne is a way to send one message.
type sendOne struct {
	name string
	send func(ctx context.Context, c *Conn, t MessageType, text string) error
}

var sendOnes = []sendOne{
	{"Write", func(ctx context.Context, c *Conn, t MessageType, text string) error {
		return c.Write(ctx, t, []byte(text))
	}},
	{"WritePrepared", func(ctx context.Context, c *Conn, t MessageType, text string) error {
		m, err := Prepare(t, []byte(text))
		if err != nil {
			return err
		}
		return c.WritePrepared(ctx, m)
	}},
	{"Writer", func(ctx context.Context, c *Conn, t MessageType, text string) error {
		return writeInPieces(ctx, c, t, text, max(len(text), 1))
	}},
	{"Writer, in pieces", func(ctx context.Context, c *Conn, t MessageType, text string) error {
		return writeInPieces(ctx, c, t, text, 1000)
	}},
	{"AsNetConn", func(_ context.Context, c *Conn, t MessageType, text string) error {
		_, err := AsNetConn(c, t).Write([]byte(text))
		return err
	}},
}

// writeInPieces sends a message by a Writer, in pieces of size n.
func writeInPieces(ctx context.Context, c *Conn, t MessageType, text string, n int) error {
	w, err := c.Writer(ctx, t)
	if err != nil {
		return err
	}
	for ; err == nil && text != ""; text = text[min(n, len(text)):] {
		_, err = io.WriteString(w, text[:min(n, len(text))])
	}
	return errors.Join(err, w.Close())
}

// Messages under MinSize go out as they are, with RSV1 clear; all others compressed, with
// RSV1 and the opcode of the message. That holds for each way to send, and none moves
// the window by a message that was not compressed (D6-01, D6.1-01, D6.1-02, D6.1-05).
func TestMinSize(t *testing.T) {
	for _, test := range []struct {
		minSize int // as it is set
		from    int // the least size that is compressed
		sizes   []int
	}{
		{0, 128, []int{0, 1, 127, 128, 129, 5000}},
		{-1, 0, []int{0, 1, 2, 3, 10, 127, 5000}},
		{1, 1, []int{0, 1, 2}},
		{1000, 1000, []int{0, 999, 1000, 1001}},
		{smallOutput, smallOutput, []int{smallOutput - 1, smallOutput, smallOutput + 1}},
		{10_000, 10_000, []int{1000, smallOutput}},
	} {
		for name, params := range takeovers {
			for _, way := range sendOnes {
				t.Run(fmt.Sprintf("%d, %s, %s", test.minSize, name, way.name), func(t *testing.T) {
					flateTest(t, 0, params, Compression{MinSize: test.minSize}, func(t *testing.T, c *Conn, p *flatePeer) {
						for i, n := range slices.Concat(test.sizes, test.sizes) {
							typ := []MessageType{Text, Binary}[i%2]
							text := strings.Repeat("<a>", n/3+1)[:n]
							if n == 0 && way.name == "AsNetConn" {
								continue // sends nothing
							}
							// A message that does not become smaller is not worth the trouble where
							// that is known before it is sent.
							compressed := n >= test.from && (way.name != "WritePrepared" || n > 3)
							must(t, way.send(t.Context(), c, typ, text))
							p.expectText(typ, compressed, text)
						}
					})
				})
			}
		}
	}
}

// An empty message is one byte when it is compressed (D7.2.3.6-01).
func TestEmptyCompressed(t *testing.T) {
	for _, params := range takeovers {
		flateTest(t, 0, params, Compression{MinSize: -1}, func(t *testing.T, c *Conn, p *flatePeer) {
			for range 2 {
				must(t, c.Write(background, Text, nil))
				if m := p.expectText(Text, true, ""); m.Wire != "\x00" {
					t.Errorf("Write: payload %x", m.Wire)
				}
				w := mustWriter(t, c, background, Binary)
				for range 3 {
					mustWriteString(t, w, "")
				}
				must(t, w.Close())
				if m := p.expectText(Binary, true, ""); m.Wire != "\x00" {
					t.Errorf("Writer: payload %x", m.Wire)
				}
			}
		})
	}
}

// A type for plain messages keeps them plain, whichever way they are sent, and out of
// the window (D6.1-02, D7.2.3.2-01).
func TestPlain(t *testing.T) {
	if diff := cmp.Diff([]string{"text", "binary", "text"}, []string{Text.Plain().String(), Binary.Plain().String(), Text.Plain().Plain().String()}); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for name, params := range takeovers {
		for _, way := range sendOnes {
			t.Run(name+", "+way.name, func(t *testing.T) {
				flateTest(t, 0, params, Compression{MinSize: -1}, func(t *testing.T, c *Conn, p *flatePeer) {
					for i := range 12 {
						typ := []MessageType{Text, Binary}[i/2%2]
						text := jsonText(300+2000*(i%4), i/2) // each comes twice
						sent := typ
						if i%2 == 1 {
							sent = typ.Plain()
						}
						must(t, way.send(t.Context(), c, sent, text))
						p.expectText(typ, i%2 == 0, text)
					}
				})
			})
		}
	}
	flateTest(t, 0, "", Compression{}, func(t *testing.T, c *Conn, _ *flatePeer) {
		for _, typ := range []MessageType{0, 3, 8} {
			for _, way := range sendOnes {
				mustBe(t, way.send(t.Context(), c, typ.Plain(), "x"), ErrMessageType)
			}
		}
		mustBe(t, c.Write(background, Text.Plain(), []byte("\xff")), frame.TextNotUTF8)
	})
}

// A message of many fragments has RSV1 on the first only, and control frames in between
// have none: the peer's Pings are answered, ours leave (D6-01, D6.1-03).
func TestCompressedFragments(t *testing.T) {
	text := string(noise(300_000)) // does not compress: it has many fragments
	for name, params := range takeovers {
		for _, way := range sendOnes[:4] {
			t.Run(name+", "+way.name, func(t *testing.T) {
				flateTest(t, 4000, params, Compression{MinSize: -1}, func(t *testing.T, c *Conn, p *flatePeer) {
					go c.Discard(background)
					sent := async(func() error { return way.send(background, c, Binary, text+strings.Repeat("x", 200_000)) })
					// The first comes when the stream takes no more of the message.
					synctest.Wait()
					p.send(pingFrame("ping"))
					synctest.Wait()
					go func() {
						for range 20 {
							_, _ = p.nc.Write(wire(p.role, pingFrame("ping")))
						}
					}()
					m := p.expectText(Binary, true, text+strings.Repeat("x", 200_000))
					must(t, <-sent)
					if one := way.name == "WritePrepared" && c.role == Server; len(m.Frames) < 4 != one {
						t.Errorf("%d frames", len(m.Frames))
					}
					if len(m.Frames) > 1 && len(p.control) == 0 {
						t.Error("no Pong has come in between")
					}
					for _, f := range p.control {
						if diff := cmp.Diff(pongFrame("ping"), f); diff != "" {
							t.Errorf("control frame (-want +got):\n%s", diff)
						}
					}
				})
			})
		}
	}
}

// However a message is cut into Writes, it arrives as it was, and so does the next one.
// Small ones leave in one frame; what an encoder holds back does not become a frame.
func TestCompressedWriter(t *testing.T) {
	x := func(n int) string { return jsonText(n, n) }
	for name, writes := range map[string][]string{
		"nothing":              nil,
		"only empty":           {"", "", ""},
		"bytes":                {x(2), "", x(2), x(2)},
		"just gathered":        {x(smallOutput)},
		"one more":             {x(smallOutput + 1)},
		"one more, in two":     {x(100), x(smallOutput - 99)},
		"gathered again":       {x(4000), x(200), x(200)},
		"large between small":  {x(3), x(10_000), x(4)},
		"empty ones around":    {"", x(10_000), ""},
		"a block":              {x(65535)},
		"one more than that":   {x(65536)},
		"a block, then empty":  {x(65535), ""},
		"pieces of 32 KiB":     {x(maxPiece), x(maxPiece), x(maxPiece)},
		"around 32 KiB":        {x(maxPiece - 1), x(maxPiece + 1), x(1<<16 + 1)},
		"large":                {x(100_000), x(70_000), x(300_000)},
		"noise":                {string(noise(100_000)), string(noise(10)), string(noise(70_000))},
		"text, noise and text": {x(50_000), string(noise(50_000)), x(50_000)},
	} {
		for takeover, params := range takeovers {
			t.Run(name+", "+takeover, func(t *testing.T) {
				flateTest(t, -1, params, Compression{MinSize: -1}, func(t *testing.T, c *Conn, p *flatePeer) {
					for range 1 + 2/sample {
						w := mustWriter(t, c, background, Binary)
						for _, s := range writes {
							mustWriteString(t, w, s)
						}
						must(t, w.Close())
						text := strings.Join(writes, "")
						m := p.expectText(Binary, true, text)
						if len(text) < 60_000 && len(m.Frames) > 1 && len(m.Wire) <= maxMasked {
							t.Errorf("%d bytes in frames of %v", len(text), m.Frames)
						}
					}
				})
			})
		}
	}
}

// What is known of a message when its first part leaves decides whether it is
// compressed; a Writer that is given much at once knows as much as Write does.
func TestMinSizeOfAWriter(t *testing.T) {
	for _, test := range []struct {
		writes []int
		want   bool
	}{
		{[]int{19_999}, false},
		{[]int{20_000}, true},
		{[]int{100, 19_899}, false},
		{[]int{100, 19_900}, true},
		{[]int{19_000, 19_000}, false}, // the first part has left when the second comes
	} {
		t.Run(fmt.Sprint(test.writes), func(t *testing.T) {
			flateTest(t, 0, "", Compression{MinSize: 20_000}, func(t *testing.T, c *Conn, p *flatePeer) {
				w := mustWriter(t, c, background, Binary)
				var text strings.Builder
				for _, n := range test.writes {
					text.WriteString(jsonText(n, n))
					mustWriteString(t, w, jsonText(n, n))
				}
				must(t, w.Close())
				p.expectText(Binary, test.want, text.String())
			})
		})
	}
}

// The slices that are given to Write are only read.
func TestCompressedKeepsTheSlice(t *testing.T) {
	flateTest(t, -1, "", Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
		for _, text := range []string{jsonText(1000, 1), jsonText(200_000, 2), string(noise(100_000))} {
			b := []byte(text)
			for range 2 {
				must(t, c.Write(background, Binary, b))
				p.expectText(Binary, true, text)
			}
			if !bytes.Equal(b, []byte(text)) {
				t.Error("the slice was changed")
			}
			// What becomes of it later changes nothing either.
			clear(b)
			must(t, c.Write(background, Binary, []byte(text)))
			p.expectText(Binary, true, text)
		}
	})
}

// Data that does not compress grows by a few bytes for each block of nearly 64 KiB.
func TestCompressedNoise(t *testing.T) {
	for name, params := range takeovers {
		t.Run(name, func(t *testing.T) {
			flateTest(t, -1, params, Compression{MinSize: -1}, func(t *testing.T, c *Conn, p *flatePeer) {
				for _, n := range []int{1, 10, 1000, 65_535, 65_536, 200_000} {
					for _, way := range sendOnes[:4] {
						text := string(noise(n))
						must(t, way.send(background, c, Binary, text))
						m := p.expectText(Binary, way.name != "WritePrepared", text)
						if most := n + 5*(n/65_535+1) + 1; len(m.Wire) > most {
							t.Errorf("%s, %d bytes: %d on the wire, want at most %d", way.name, n, len(m.Wire), most)
						}
					}
				}
			})
		})
	}
}
