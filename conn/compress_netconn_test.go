package conn

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/nettest"

	"github.com/duplexws/duplex/frame"
)

// TestNetConnCompressed: everything that golang.org/x/net/nettest asks of a net.Conn
// holds with compression at both ends, too.
func TestNetConnCompressed(t *testing.T) {
	overConns := func(c, s *Conn) (net.Conn, net.Conn, func(), error) {
		if c.deflate == nil || s.deflate == nil {
			return nil, nil, nil, errors.New("no compression was agreed")
		}
		return AsNetConn(c, Binary), AsNetConn(s, Binary), func() { c.CloseNow(); s.CloseNow() }, nil
	}
	o := &Options{Compression: &Compression{MinSize: -1}}
	for name, make := range map[string]nettest.MakePipe{
		"over a pipe": func() (net.Conn, net.Conn, func(), error) {
			c, s := Pipe(o, o)
			return overConns(c, s)
		},
		"over TCP": func() (net.Conn, net.Conn, func(), error) {
			accepted := make(chan *Conn, 1)
			server := httptest.NewServer(Handler(func(ctx context.Context, c *Conn) error {
				accepted <- c
				<-ctx.Done()
				return nil
			}, o))
			c, err := Dial(background, server.URL, &DialOptions{Options: *o})
			if err != nil {
				return nil, nil, nil, err
			}
			a, b, stop, err := overConns(c, <-accepted)
			return a, b, func() { stop(); server.Close() }, err
		},
	} {
		t.Run(name, func(t *testing.T) { nettest.TestConn(t, make) })
	}
}

// A stream arrives as it was, in compressed messages of one frame each, of at most 32
// KiB also if it does not compress; text is cut at characters.
func TestNetConnCompressedFrames(t *testing.T) {
	for name, params := range takeovers {
		for what, text := range map[string]string{
			"small":      "x",
			"text":       jsonText(100_000, 1),
			"noise":      string(noise(100_000)),
			"characters": strings.Repeat("\u20ac\u00e9x\U0001f600", 5_000),
		} {
			for _, typ := range []MessageType{Text, Binary} {
				if typ == Text && !utf8.ValidString(text) {
					continue
				}
				t.Run(name+", "+what+", "+typ.String(), func(t *testing.T) {
					flateTest(t, 1000, params, Compression{MinSize: -1}, func(t *testing.T, c *Conn, p *flatePeer) {
						written := async(func() error { _, err := io.WriteString(AsNetConn(c, typ), text+text); return err })
						var got strings.Builder
						for got.Len() < 2*len(text) {
							m, err := p.message()
							must(t, err)
							if m.Op != typ.opcode() || !m.Compressed || len(m.Frames) != 1 || m.Frames[0] > maxNetFrame || typ == Text && !utf8.ValidString(m.Text) {
								t.Fatalf("%v, compressed %v, in frames of %v", m.Op, m.Compressed, m.Frames)
							}
							got.WriteString(m.Text)
						}
						if got.String() != text+text {
							t.Error("the bytes are not those that were written")
						}
						must(t, <-written)
					})
				})
			}
		}
	}
}

// A deadline that cuts a write in the middle of a frame loses nothing: the rest is kept
// and sent first by whatever is sent next. What was not begun was never there: neither
// sent nor in the window.
func TestNetConnCompressedDeadlines(t *testing.T) {
	for name, params := range takeovers {
		t.Run(name, func(t *testing.T) {
			flateTest(t, 100, params, Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
				n := AsNetConn(c, Text)
				sent := async(func() error { _, err := io.WriteString(n, jsonText(3000, 0)); return err })
				p.expectText(Text, true, jsonText(3000, 0))
				must(t, <-sent)
				for round := range 3 {
					var texts []string
					for i := range 4 {
						texts = append(texts, jsonText(3000, 4*round+i))
					}
					must(t, n.SetWriteDeadline(time.Now().Add(time.Second)))
					m, err := io.WriteString(n, texts[1])
					mustBe(t, err, os.ErrDeadlineExceeded)
					if m != len(texts[1]) {
						t.Fatalf("%d bytes are reported as written of a frame that was begun", m)
					}
					for range 3 { // nothing is begun as long as that is stuck
						must(t, n.SetWriteDeadline(time.Now().Add(time.Second)))
						m, err = io.WriteString(n, texts[2])
						mustBe(t, err, os.ErrDeadlineExceeded)
						if m != 0 {
							t.Fatalf("%d bytes are reported as written behind a frame that is stuck", m)
						}
					}
					must(t, n.SetWriteDeadline(time.Time{}))
					sent := async(func() error {
						_, err1 := io.WriteString(n, texts[3])
						_, err2 := io.WriteString(n, texts[1])
						return errors.Join(err1, err2)
					})
					p.expectText(Text, true, texts[1])
					p.expectText(Text, true, texts[3])
					p.expectText(Text, true, texts[1])
					must(t, <-sent)
					idle(t, c, "after deadlines")
				}
				must(t, c.terminal())
			})
		})
	}
}

// The same at random: writes of all sizes with deadlines of all lengths, and a peer that
// reads slowly. What was reported as written is what arrives.
func TestNetConnCompressedRandomDeadlines(t *testing.T) {
	for name, params := range takeovers {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20 / min(sample, 4)) {
				flateTest(t, 500, params, Compression{MinSize: -1}, func(t *testing.T, c *Conn, p *flatePeer) {
					r := rand.New(rand.NewPCG(seed, 3))
					var want strings.Builder
					written := async(func() error {
						r := rand.New(rand.NewPCG(seed, 4))
						n := AsNetConn(c, Binary)
						for i := range 60 {
							text := jsonText(2+r.IntN(1<<r.IntN(16)), i%5)
							if r.IntN(4) == 0 {
								text = string(noise(len(text)))
							}
							if err := n.SetWriteDeadline(time.Now().Add(time.Duration(r.IntN(100)) * time.Millisecond)); err != nil {
								return err
							}
							m, err := io.WriteString(n, text)
							if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
								return err
							}
							want.WriteString(text[:m])
						}
						_ = n.SetWriteDeadline(time.Time{})
						_, err := io.WriteString(n, "the end")
						want.WriteString("the end")
						return err
					})
					var got strings.Builder
					for !strings.HasSuffix(got.String(), "the end") {
						time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
						m, err := p.message()
						must(t, err)
						got.WriteString(m.Text)
					}
					must(t, <-written)
					if got.String() != want.String() {
						t.Errorf("seed %d: %d bytes have arrived, %d were written, the same: %v", seed, got.Len(), want.Len(), got.String() == want.String())
					}
				})
			}
		})
	}
}

// Over TLS, which does not survive it, a deadline ends the connection, and nothing is
// kept.
func TestNetConnCompressedOverTLS(t *testing.T) {
	tlsTest(t, nil, 100, func(t *testing.T, c *Conn, p *rawPeer, _ net.Conn) {
		must(t, c.compress(agree(t, ""), &Compression{}))
		n := AsNetConn(c, Binary)
		must(t, n.SetWriteDeadline(time.Now().Add(time.Second)))
		_, err := n.Write(noise(100_000))
		mustBe(t, err, os.ErrDeadlineExceeded)
		mustBe(t, c.terminal(), net.ErrClosed)
		if kept := idle(t, c, "after the end"); kept > 0 {
			t.Errorf("a window of %d bytes is kept", kept)
		}
	})
}

// A stream of plain messages is not compressed, and reads either kind.
func TestNetConnPlain(t *testing.T) {
	flateTest(t, 0, "", Compression{MinSize: -1}, func(t *testing.T, c *Conn, p *flatePeer) {
		n := AsNetConn(c, Binary.Plain())
		for range 2 {
			_, err := io.WriteString(n, jsonText(2000, 1))
			must(t, err)
			p.expectText(Binary, false, jsonText(2000, 1))
		}
		p.send(binaryFrame("one"), p.compressedFrame(binaryFrame("two")))
		for _, want := range []string{"one", "two"} {
			if got, err := readNet(n); got != want || err != nil {
				t.Errorf("Read: %q, %v", got, err)
			}
		}
		p.send(textFrame("x"))
		read := async(func() error { _, err := readNet(n); return err })
		p.expect(closeFrame(StatusUnsupportedData, ""))
		p.nc.Close()
		err := <-read
		mustBe(t, err, net.ErrClosed)
		if !strings.Contains(err.Error(), "of binary messages") {
			t.Errorf("error %v", err)
		}
		if _, ok := errors.AsType[*FailError](err); ok || errors.Is(err, frame.TextNotUTF8) {
			t.Errorf("error %v", err)
		}
	})
}
