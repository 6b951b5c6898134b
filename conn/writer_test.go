package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// split cuts frames to the size of those that a client sends.
func split(sizes []int) (cut []int) {
	for _, n := range sizes {
		for ; n > maxMasked; n -= maxMasked {
			cut = append(cut, maxMasked)
		}
		cut = append(cut, n)
	}
	return cut
}

// What is written goes out in as few frames as 4 KiB of memory allow: a short message
// in one. The first frame has the type, the last has FIN (5.4-02, 5.4-03, 6.1-06).
func TestWriter(t *testing.T) {
	x := func(n int) string { return string(pattern(n)) }
	for _, tc := range []struct {
		name   string
		writes []string
		want   []int // bytes in each frame
	}{
		{"nothing written", nil, []int{0}},
		{"nothing, written twice", []string{"", ""}, []int{0}},
		{"short", []string{x(5)}, []int{5}},
		{"bytes", []string{x(1), x(1), "", x(1)}, []int{3}},
		{"just gathered", []string{x(smallOutput)}, []int{smallOutput}},
		{"just gathered, in two", []string{x(100), x(smallOutput - 100)}, []int{smallOutput}},
		{"one more", []string{x(smallOutput + 1)}, []int{smallOutput + 1, 0}},
		{"one more, in two", []string{x(100), x(smallOutput - 99)}, []int{100, smallOutput - 99}},
		{"gathered again", []string{x(4000), x(200), x(200)}, []int{4000, 400}},
		{"large between small", []string{x(3), x(10_000), x(4)}, []int{3, 10_000, 4}},
		{"large", []string{x(100_000), x(70_000), x(300_000)}, []int{100_000, 70_000, 300_000, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				for range 2 { // the second message is like the first
					written := async(func() error {
						w, err := c.Writer(background, Binary)
						for _, s := range tc.writes {
							if err == nil {
								var n int
								if n, err = w.Write([]byte(s)); n != len(s) && err == nil {
									err = io.ErrShortWrite
								}
							}
						}
						return errors.Join(err, w.Close())
					})
					var got []int
					var text strings.Builder
					for fin := false; !fin; {
						f, err := p.next()
						must(t, err)
						if first := len(got) == 0; f.Op != frame.Binary && first || f.Op != frame.Continuation && !first {
							t.Errorf("frame %d is %v", len(got), f.Op)
						}
						got = append(got, len(f.Body))
						text.WriteString(f.Body)
						fin = f.Fin
					}
					must(t, <-written)
					want := tc.want
					if c.role == Client {
						want = split(want)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("bytes in frames (-want +got):\n%s", diff)
					}
					if text.String() != strings.Join(tc.writes, "") {
						t.Error("the bytes are not those that were written")
					}
				}
			})
		})
	}
}

// Control frames go out between the fragments (5.4-04); messages wait for their turn.
func TestWriterBetweenFragments(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		go c.Discard(background)
		w := mustWriter(t, c, background, Text)
		mustWriteString(t, w, large)
		p.expect(part(frame.Text, false, large))
		write := async(func() error { return c.Write(background, Text, []byte("next")) })
		mustWait(t, write)
		p.send(pingFrame("p"))
		p.expect(pongFrame("p"))
		ping := goPing(c, background)
		p.send(nextPing(t, p))
		must(t, (<-ping).err)
		mustWriteString(t, w, large)
		p.expect(part(frame.Continuation, false, large))
		mustWait(t, write)
		must(t, w.Close())
		p.expect(part(frame.Continuation, true, ""), textFrame("next"))
		must(t, <-write)
	})
}

// Text may be cut anywhere between Writes and fragments, not at the end (5.6-02).
func TestWriterText(t *testing.T) {
	text := strings.Repeat("a\u00e9\u20ac\U0001f600", 1200)
	for size := 1; size < len(text); size = 3*size + 1 {
		rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
			w := mustWriter(t, c, background, Text)
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				mustWriteString(t, w, rest[:n])
				rest = rest[n:]
			}
			must(t, w.Close())
			var got strings.Builder
			for fin := false; !fin; {
				f, err := p.next()
				must(t, err)
				got.WriteString(f.Body)
				fin = f.Fin
			}
			if got.String() != text {
				t.Error("the text is not the one that was written")
			}
		})
	}
}

// Text that is not: if nothing has left, nothing has happened; later the connection
// ends with 1011.
func TestWriterNotText(t *testing.T) {
	for name, bad := range map[string][]string{
		"invalid byte":          {"a\xff"},
		"invalid in the second": {"a", "\xff"},
		"cut, then another":     {"\xe2\x82", "a"},
		"cut at the end":        {"a\xe2\x82"},
	} {
		for begun, before := range map[string]string{"": "", ", after a fragment": large} {
			t.Run(name+begun, func(t *testing.T) {
				rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
					w := mustWriter(t, c, background, Text)
					mustWriteString(t, w, before)
					result := async(func() (err error) {
						for _, s := range bad {
							if _, err = io.WriteString(w, s); err != nil {
								break
							}
						}
						return errors.Join(err, w.Close())
					})
					if begun == "" {
						mustBe(t, <-result, frame.TextNotUTF8)
						must(t, c.terminal())
						must(t, c.Write(background, Text, []byte("next")))
						p.expect(textFrame("next"))
						return
					}
					p.expect(part(frame.Text, false, large), closeFrame(StatusInternalError, ""))
					p.expectEnd()
					p.nc.Close()
					mustBe(t, <-result, frame.TextNotUTF8, net.ErrClosed)
					mustBe(t, w.Close(), c.terminal())
					mustBe(t, c.terminal(), frame.TextNotUTF8)
				})
			})
		}
	}
}

// A context that ends before a part of the message has left drops the message; later
// it ends the connection.
func TestWriterCancelled(t *testing.T) {
	why := errors.New("why")
	for name, before := range map[string]string{"nothing written": "", "nothing sent": "small", "a fragment sent": large} {
		for _, call := range []string{"Write", "large Write", "Close"} {
			t.Run(name+", "+call, func(t *testing.T) {
				rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
					ctx, cancel := context.WithCancelCause(background)
					w := mustWriter(t, c, ctx, Text)
					mustWriteString(t, w, before)
					cancel(why)
					result := async(func() (err error) {
						switch call {
						case "Write":
							_, err = io.WriteString(w, "x")
						case "large Write":
							_, err = io.WriteString(w, large)
						}
						return errors.Join(err, w.Close())
					})
					if before != large {
						mustBe(t, <-result, why, context.Canceled)
						must(t, c.terminal())
						must(t, c.Write(background, Text, []byte("next")))
						p.expect(textFrame("next"))
						return
					}
					p.expect(part(frame.Text, false, large), closeFrame(StatusInternalError, ""))
					p.expectEnd()
					p.nc.Close()
					mustBe(t, <-result, why, context.Canceled, net.ErrClosed)
					mustBe(t, c.terminal(), why)
				})
			})
		}
	}
}

// Closing again changes nothing, writing after it is an error.
func TestWriterClosed(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		w := mustWriter(t, c, background, Text)
		must(t, w.Close())
		next := mustWriter(t, c, background, Binary)
		for range 2 {
			must(t, w.Close())
			for _, size := range []int{0, 1, 10_000} {
				if n, err := w.Write(make([]byte, size)); n != 0 || err != errWriterClosed {
					t.Errorf("Write returned %d, %v", n, err)
				}
			}
		}
		must(t, next.Close())
		p.expect(textFrame(""), binaryFrame(""))
	})
}

// A writer that is never closed keeps others waiting, who may give up, until the
// connection ends.
func TestWriterAbandoned(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		mustWriteString(t, mustWriter(t, c, background, Text), large)
		p.expect(part(frame.Text, false, large))
		waiting := []<-chan error{
			async(func() error { return c.Write(background, Text, nil) }),
			async(func() error { _, err := c.Writer(background, Text); return err }),
		}
		ctx, cancel := context.WithTimeout(background, time.Hour)
		defer cancel()
		mustBe(t, c.Write(ctx, Text, nil), context.DeadlineExceeded)
		mustWait(t, waiting...)
		closed := goClose(c, background)
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		must(t, <-closed)
		for _, result := range waiting {
			if err := <-result; err != c.terminal() {
				t.Errorf("error %v, want %v", err, c.terminal())
			}
		}
	})
}

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
