package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/nettest"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
)

// netConnTest runs f in a bubble for a net.Conn over a connection in each role.
func netConnTest(t *testing.T, m MessageType, size int, f func(t *testing.T, n net.Conn, c *Conn, p *rawPeer)) {
	rawTestSize(t, nil, size, func(t *testing.T, c *Conn, p *rawPeer) { f(t, AsNetConn(c, m), c, p) })
}

// readNet reads once and returns what came.
func readNet(n net.Conn) (string, error) {
	p := make([]byte, 100)
	m, err := n.Read(p)
	return string(p[:m]), err
}

// Of several calls of Close one does it, and the others say that it was done.
func TestNetConnCloseOnce(t *testing.T) {
	netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
		var closes []<-chan error
		for range 50 {
			closes = append(closes, async(n.Close))
		}
		done := 0
		for _, result := range closes {
			if err := <-result; err == nil {
				done++
			} else {
				mustBe(t, err, net.ErrClosed)
			}
		}
		if done != 1 {
			t.Errorf("%d calls have closed", done)
		}
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		p.expectEnd()
	})
}

// After Close, and after a deadline, that is what reads and writes report, whatever
// the peer has done.
func TestNetConnOwnEndComesFirst(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(n net.Conn)
		want error
	}{
		{"Close", func(n net.Conn) { n.Close() }, net.ErrClosed},
		{"deadline", func(n net.Conn) { n.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, c *Conn, p *rawPeer) {
				tc.do(n)
				p.send(closeFrame(StatusNormalClosure, ""))
				p.closeWrite()
				go c.Discard(background)
				p.rest()
				<-c.Context().Done()
				for range 2 {
					for name, call := range map[string]func([]byte) (int, error){"Read": n.Read, "Write": n.Write} {
						for _, size := range []int{0, 1} {
							_, err := call(make([]byte, size))
							op, ok := errors.AsType[*net.OpError](err)
							if !errors.Is(err, tc.want) || !ok || op.Op != strings.ToLower(name) {
								t.Errorf("%s of %d bytes: %v (%T), want %v", name, size, err, err, tc.want)
							}
						}
					}
				}
			})
		})
	}
}

// A message of the other type fails the connection, for good.
func TestNetConnWrongType(t *testing.T) {
	for own, other := range map[MessageType]wireFrame{Text: binaryFrame("x"), Binary: textFrame("x")} {
		netConnTest(t, own, 0, func(t *testing.T, n net.Conn, c *Conn, p *rawPeer) {
			p.send(wireFrame{Op: frame.Opcode(own), Fin: true, Body: "good"}, other)
			if got, err := readNet(n); got != "good" || err != nil {
				t.Fatalf("Read: %q, %v", got, err)
			}
			read := async(func() error { _, err := readNet(n); return err })
			p.expect(closeFrame(StatusUnsupportedData, ""))
			p.expectEnd()
			p.nc.Close()
			err := <-read
			mustBe(t, err, net.ErrClosed)
			for range 2 {
				_, again := readNet(n)
				if diff := cmp.Diff(err.Error(), again.Error()); diff != "" {
					t.Error(diff)
				}
			}
			_, err = n.Write([]byte("x"))
			mustBe(t, err, net.ErrClosed)
		})
	}
}

// breakingWriter takes a part of what is written to it, and then breaks.
type breakingWriter struct{ net.Conn }

func (b breakingWriter) Write(p []byte) (int, error) { return min(len(p), 5), io.ErrClosedPipe }

// What is left of a frame when the stream breaks has not been taken over: it counts neither
// as written nor, for Hooks, as sent.
func TestNetConnBrokenInAFrame(t *testing.T) {
	for _, z := range []*Compression{nil, {MinSize: -1}} {
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe.New(0)
			var sent atomic.Int32
			c := New(breakingWriter{a}, Start{Role: Server, Extensions: z.choose(z.offers())}, &Options{Hooks: &Hooks{
				Received: func(*Conn, Traffic) { <-time.After(time.Minute) }, // puts Closed off
				Sent:     func(*Conn, Traffic) { sent.Add(1) },
			}})
			newRawPeer(t, Client, b).send(textFrame("x"))
			read := async(readError(c, background))
			synctest.Wait()
			n, err := AsNetConn(c, Binary).Write(make([]byte, 10_000))
			mustBe(t, err, io.ErrClosedPipe, net.ErrClosed)
			if n != 0 || sent.Load() != 0 {
				t.Errorf("%d bytes written, %d messages sent", n, sent.Load())
			}
			_ = b.Close()
			<-read
			_ = c.CloseNow()
		})
	}
}

// Large Writes of several goroutines do not mix, as they do not on a socket.
func TestNetConnConcurrentWrites(t *testing.T) {
	const writers, size = 4, 5*maxNetFrame + 1
	netConnTest(t, Text, 10_000, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
		for i := range writers {
			go fmt.Fprint(n, strings.Repeat(fmt.Sprint(i), size))
		}
		var got strings.Builder
		for got.Len() < writers*size {
			f, err := p.next()
			must(t, err)
			got.WriteString(f.Body)
		}
		for s := got.String(); s != ""; s = s[size:] {
			if s[:size] != strings.Repeat(s[:1], size) {
				t.Fatal("the bytes of several Writes are mixed")
			}
		}
	})
}

// A Read of nothing does not wait, as on a socket.
func TestNetConnEmptyCalls(t *testing.T) {
	netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
		for name, call := range map[string]func([]byte) (int, error){"Read": n.Read, "Write": n.Write} {
			if m, err := call(nil); m != 0 || err != nil {
				t.Errorf("%s of nothing: %d, %v", name, m, err)
			}
		}
		frames := timeline(p)
		synctest.Wait()
		n.(*netConn).c.CloseNow()
		if got := <-frames; len(got) > 0 {
			t.Errorf("frames %v", got)
		}
	})
}

// TestNetConn: everything that golang.org/x/net/nettest asks of a net.Conn.
func TestNetConn(t *testing.T) {
	overConns := func(c, s *Conn, m MessageType) (net.Conn, net.Conn, func(), error) {
		return AsNetConn(c, m), AsNetConn(s, m), func() { c.CloseNow(); s.CloseNow() }, nil
	}
	for name, make := range map[string]nettest.MakePipe{
		"over a pipe": func() (net.Conn, net.Conn, func(), error) {
			c, s := Pipe(nil, nil)
			return overConns(c, s, Binary)
		},
		"over TCP": func() (net.Conn, net.Conn, func(), error) {
			accepted := make(chan *Conn, 1)
			server := httptest.NewServer(Handler(func(ctx context.Context, c *Conn) error {
				accepted <- c
				<-ctx.Done()
				return nil
			}, nil))
			c, err := Dial(background, server.URL, nil)
			if err != nil {
				return nil, nil, nil, err
			}
			a, b, stop, err := overConns(c, <-accepted, Binary)
			return a, b, func() { stop(); server.Close() }, err
		},
	} {
		t.Run(name, func(t *testing.T) { nettest.TestConn(t, make) })
	}
}

// A normal end is io.EOF, any other an error; messages that came before are read.
func TestNetConnEnds(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(p *rawPeer)
		want error // nil: a CloseError with this code
		code StatusCode
	}{
		{"1000", func(p *rawPeer) { p.send(closeFrame(1000, "")) }, io.EOF, 0},
		{"1001", func(p *rawPeer) { p.send(closeFrame(1001, "later")) }, io.EOF, 0},
		{"1005", func(p *rawPeer) { p.send(closeFrame(1005, "")) }, nil, 1005},
		{"1011", func(p *rawPeer) { p.send(closeFrame(1011, "")) }, nil, 1011},
		{"no Close", func(*rawPeer) {}, io.ErrUnexpectedEOF, 1006},
		{"violation", func(p *rawPeer) { p.sendBytes([]byte{0xFF, 0xFF}) }, frame.ReservedOpcode, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, c *Conn, p *rawPeer) {
				p.send(textFrame("one"), textFrame(""), part(frame.Text, false, "t"), part(frame.Continuation, true, "wo"))
				tc.end(p)
				p.closeWrite()
				var got string
				var err error
				for err == nil {
					var s string
					s, err = readNet(n)
					got += s + "|"
				}
				if diff := cmp.Diff("one|t|wo||", got); diff != "" {
					t.Errorf("read (-want +got):\n%s", diff)
				}
				for range 2 {
					if tc.want != nil && !errors.Is(err, tc.want) {
						t.Errorf("Read: %v, want %v", err, tc.want)
					}
					if tc.want == io.EOF && err != io.EOF {
						t.Errorf("Read wraps io.EOF in %T", err)
					}
					if ce, _ := errors.AsType[*CloseError](err); tc.code != 0 && (ce == nil || ce.Code != tc.code) {
						t.Errorf("Read: %v, want code %d", err, tc.code)
					}
					_, err = readNet(n)
				}
				_, err = n.Write([]byte("x"))
				mustBe(t, err, net.ErrClosed)
				must(t, n.Close())
			})
		})
	}
}

// A read that a deadline cut is continued where it was, inside a message or not.
func TestNetConnReadDeadline(t *testing.T) {
	netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
		b := wire(p.role, part(frame.Text, false, "one"), part(frame.Continuation, true, "two"), textFrame("three"))
		var got string
		for i := range b {
			p.sendBytes(b[i : i+1])
			for {
				must(t, n.SetReadDeadline(time.Now().Add(time.Millisecond)))
				s, err := readNet(n)
				got += s
				if err != nil {
					mustBe(t, err, os.ErrDeadlineExceeded)
					break
				}
			}
		}
		if diff := cmp.Diff("onetwothree", got); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
	})
}

// What is not text is refused whole, and the stream goes on.
func TestNetConnNotText(t *testing.T) {
	netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
		m, err := n.Write([]byte("a\xff"))
		mustBe(t, err, frame.TextNotUTF8)
		if m != 0 {
			t.Errorf("%d bytes are reported as written", m)
		}
		_, err = n.Write([]byte("good"))
		must(t, err)
		p.expect(textFrame("good"))
	})
}

// Text is cut at characters, so that each message is text.
func TestNetConnCutsTextAtCharacters(t *testing.T) {
	for _, char := range []string{"x", "\u00e9", "\u20ac", "\U0001f600"} {
		for shift := range 4 {
			netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
				text := strings.Repeat("x", shift) + strings.Repeat(char, 70_000/len(char))
				written := async(func() error { _, err := io.WriteString(n, text); return err })
				var got strings.Builder
				for got.Len() < len(text) {
					f, err := p.next()
					must(t, err)
					got.WriteString(f.Body)
					if whole := got.Len() == len(text); f.Op != frame.Text || !f.Fin || !utf8.ValidString(f.Body) ||
						len(f.Body) > maxNetFrame || len(f.Body) < maxNetFrame-3 && !whole {
						t.Fatalf("%q: frame %v, FIN %v, %d bytes, valid UTF-8 %v", char, f.Op, f.Fin, len(f.Body), utf8.ValidString(f.Body))
					}
				}
				must(t, <-written)
				if got.String() != text {
					t.Errorf("%q: the text is not the one that was written", char)
				}
			})
		}
	}
}
