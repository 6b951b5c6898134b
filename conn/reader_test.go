package conn

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/duplexws/duplex/frame"
)

// openReader starts a message of three fragments whose last is still to come, and
// returns its reader, the data, and the frames that complete it.
func openReader(t *testing.T, ctx context.Context, c *Conn, p *rawPeer) (r io.ReadCloser, rest []wireFrame) {
	t.Helper()
	p.send(part(frame.Text, false, "abc"), pingFrame("1"), part(frame.Continuation, false, "def"))
	typ, r, err := c.Reader(ctx)
	if typ != Text || err != nil {
		t.Fatalf("Reader: %v, %v", typ, err)
	}
	return r, []wireFrame{part(frame.Continuation, false, ""), pingFrame("2"), part(frame.Continuation, true, "ghi")}
}

// readString reads n bytes, and expects these.
func readString(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); string(got[:n]) != want || err != nil {
		t.Fatalf("read %q, error %v, want %q", got[:n], err, want)
	}
}

// expectEOF reads at the end of a message, several times.
func expectEOF(t *testing.T, r io.Reader) {
	t.Helper()
	for range 3 {
		if n, err := r.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Fatalf("read %d bytes, error %v, want io.EOF", n, err)
		}
	}
}

// The reader gives bytes as they come, and behaves as an io.Reader should.
func TestReaderStreams(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		r, rest := openReader(t, t.Context(), c, p)
		if n, err := r.Read(nil); n != 0 || err != nil {
			t.Errorf("Read of nothing: %d, %v", n, err)
		}
		readString(t, r, "abcd")
		readString(t, r, "ef")
		p.expect(pongFrame("1"))
		var wg sync.WaitGroup
		wg.Go(func() {
			readString(t, r, "ghi")
			expectEOF(t, r)
		})
		synctest.Wait()
		p.send(rest...)
		wg.Wait()
		p.expect(pongFrame("2"))
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		expectEOF(t, r)

		for _, data := range []string{"", "x", strings.Repeat("0123456789", 5000)} {
			p.send(textFrame(data))
			_, r, err := c.Reader(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := iotest.TestReader(r, []byte(data)); err != nil {
				t.Errorf("%d bytes: %v", len(data), err)
			}
		}
	})
}

// While the message of a Reader is unfinished, other reads say so and change nothing.
func TestReaderOpen(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		r, rest := openReader(t, t.Context(), c, p)
		busy := func() {
			t.Helper()
			for _, read := range append(readOnes, readAllOfReader) {
				if _, _, err := read.read(t.Context(), c); !errors.Is(err, ErrReaderOpen) {
					t.Errorf("%s: %v", read.name, err)
				}
			}
			if err := c.Discard(t.Context()); err != ErrReaderOpen {
				t.Errorf("Discard: %v", err)
			}
		}
		busy()
		readString(t, r, "abc")
		busy()
		p.send(rest...)
		readString(t, r, "defghi")
		busy() // the end was not read yet
		expectEOF(t, r)
		p.send(textFrame("next"))
		expectMessage(t, c, t.Context(), Text, "next")
	})
}

// A reader that is closed early drops the rest of its message, whatever reads next.
func TestReaderClosedEarly(t *testing.T) {
	for _, second := range append(readOnes, readAllOfReader) {
		for _, read := range []string{"", "a", "abcd"} {
			t.Run(second.name, func(t *testing.T) {
				rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
					r, rest := openReader(t, t.Context(), c, p)
					readString(t, r, read)
					for range 2 {
						if err := r.Close(); err != nil {
							t.Error(err)
						}
					}
					if _, err := r.Read(make([]byte, 1)); err != errReaderOver {
						t.Errorf("Read of a closed reader: %v", err)
					}
					// Dropping can be cancelled too.
					cutRead(t, c, second.read)
					p.send(rest[0])
					cutRead(t, c, second.read)
					p.send(append(rest[1:], binaryFrame("next"))...)
					typ, data, err := second.read(t.Context(), c)
					if typ != Binary || string(data) != "next" || err != nil {
						t.Errorf("%v %q, error %v", typ, data, err)
					}
					p.expect(pongFrame("1"), pongFrame("2"))
				})
			})
		}
	}
}

// A message whose reader was cancelled is continued by another Reader. Any other read
// would have only a part of it, so it is refused.
func TestReaderCancelled(t *testing.T) {
	for _, read := range []string{"", "a", "abc", "abcd", "abcdef"} {
		t.Run("after "+read, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				ctx, cancel := context.WithCancel(t.Context())
				r, rest := openReader(t, ctx, c, p)
				readString(t, r, read)
				if read == "abcdef" {
					// In a Read that waits; else between two of them.
					cutRead(t, c, func(ctx context.Context, _ *Conn) (MessageType, []byte, error) {
						stop := context.AfterFunc(ctx, cancel)
						defer stop()
						_, err := r.Read(make([]byte, 1))
						return 0, nil, err
					})
				}
				cancel()
				for range 2 {
					if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, context.Canceled) {
						t.Errorf("Read of a cancelled reader: %d, %v", n, err)
					}
				}
				for _, other := range readOnes {
					if _, _, err := other.read(t.Context(), c); !errors.Is(err, ErrReaderOpen) {
						t.Errorf("%s: %v", other.name, err)
					}
				}
				if _, _, err := c.Reader(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("Reader with the same context: %v", err)
				}

				typ, second, err := c.Reader(t.Context())
				if typ != Text || err != nil {
					t.Fatalf("Reader: %v, %v", typ, err)
				}
				if _, err := r.Read(make([]byte, 1)); err != errReaderOver {
					t.Errorf("Read of a reader that has no message any more: %v", err)
				}
				if err := r.Close(); err != nil { // closes nothing
					t.Error(err)
				}
				p.send(rest...)
				got, err := io.ReadAll(second)
				if want := "abcdefghi"[len(read):]; string(got) != want || err != nil {
					t.Errorf("the second reader: %q, error %v, want %q", got, err, want)
				}
				p.expect(pongFrame("1"), pongFrame("2"))
				p.send(binaryFrame("next"))
				expectMessage(t, c, t.Context(), Binary, "next")
			})
		})
	}
}

// Closing a reader that was cancelled drops its message.
func TestReaderCancelledThenClosed(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		ctx, cancel := context.WithCancel(t.Context())
		r, rest := openReader(t, ctx, c, p)
		readString(t, r, "a")
		cancel()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		p.send(append(rest, binaryFrame("next"))...)
		expectMessage(t, c, t.Context(), Binary, "next")
	})
}

// A Reader takes over what cancelled Reads have had of a message, also in small pieces
// and when it is itself cancelled.
func TestReaderAfterCancelledRead(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(part(frame.Text, false, "abcdef"))
		for _, read := range readOnes {
			cutRead(t, c, read.read)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, r, err := c.Reader(ctx)
		if err != nil {
			t.Fatal(err)
		}
		readString(t, r, "ab")
		cancel()
		if _, r, err = c.Reader(t.Context()); err != nil {
			t.Fatal(err)
		}
		readString(t, r, "cd")
		p.send(part(frame.Continuation, true, "ghi"))
		readString(t, r, "efghi")
		expectEOF(t, r)
	})
}

// A broken message is never followed by io.EOF.
func TestReaderOfBrokenMessage(t *testing.T) {
	for _, tc := range []struct {
		name string
		rest []wireFrame
		want error
	}{
		{"not text", []wireFrame{part(frame.Continuation, false, "gh\xFF")}, frame.TextNotUTF8},
		{"cut in a character", []wireFrame{part(frame.Continuation, true, "gh\xCE")}, frame.TextNotUTF8},
		{"too big", []wireFrame{part(frame.Continuation, true, "ghijklm")}, frame.MessageTooBig},
		{"interleaved", []wireFrame{textFrame("g")}, frame.MessageInterleaved},
		{"vanishes", nil, io.ErrUnexpectedEOF},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, &Options{ReadLimit: 10}, func(t *testing.T, c *Conn, p *rawPeer) {
				r, _ := openReader(t, t.Context(), c, p)
				p.send(tc.rest...)
				p.closeWrite()
				got, err := io.ReadAll(r)
				if !strings.HasPrefix("abcdefgh\xCE", string(got)) || !errors.Is(err, tc.want) {
					t.Errorf("%q, error %v, want %v", got, err, tc.want)
				}
				if _, again := r.Read(make([]byte, 1)); again != err {
					t.Errorf("again: %v, want %v", again, err)
				}
			})
		})
	}
}

// A Close frame inside an unfinished message is a clean end: the rest will never come.
func TestReaderMeetsClose(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		r, _ := openReader(t, t.Context(), c, p)
		p.send(closeFrame(1000, ""))
		p.closeWrite()
		_, err := io.ReadAll(r)
		if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != StatusNormalClosure {
			t.Errorf("error %v", err)
		}
		p.expect(pongFrame("1"), closeFrame(1000, ""))
		p.expectEnd()
	})
}

// One reader in many hands: every byte is had once.
func TestReaderConcurrently(t *testing.T) {
	client, server := Pipe(nil, nil)
	defer client.CloseNow()
	defer server.CloseNow()
	const size = 200_000
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := client.Write(t.Context(), Binary, make([]byte, size)); err != nil {
			t.Error(err)
		}
	})
	_, r, err := server.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	total := 0
	for range 4 {
		wg.Go(func() {
			n, err := io.Copy(io.Discard, r)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			total += int(n)
			mu.Unlock()
		})
	}
	wg.Wait()
	if total != size {
		t.Errorf("%d bytes, want %d", total, size)
	}
}

// A Read of a reader that waits for another to be done ends with the context too, and
// with the connection.
func TestReaderWaitsForItsTurn(t *testing.T) {
	for _, end := range []string{"context", "connection"} {
		t.Run(end, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r, _ := openReader(t, ctx, c, p)
				readString(t, r, "abcdef")
				var wg sync.WaitGroup
				errs := make([]error, 3)
				for i := range errs {
					wg.Go(func() { _, errs[i] = r.Read(make([]byte, 1)) })
				}
				synctest.Wait()
				want := context.Canceled
				if end == "context" {
					cancel()
				} else {
					want = errCloseNow
					_ = c.CloseNow()
				}
				wg.Wait()
				for _, err := range errs {
					if !errors.Is(err, want) {
						t.Errorf("error %v, want %v", err, want)
					}
				}
			})
		})
	}
}

// What a closed reader has left is in nobody's way: a Ping sees its Pong behind it.
func TestPingBehindAClosedReader(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		r, rest := openReader(t, t.Context(), c, p)
		_ = r.Close()
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { _, err = c.Ping(t.Context()) })
		ping, pingErr := p.next()
		if pingErr != nil || ping.Op != frame.Ping {
			t.Fatalf("%+v, %v", ping, pingErr)
		}
		p.send(append(rest, pongFrame(ping.Body), textFrame("next"))...)
		wg.Wait()
		if err != nil {
			t.Errorf("Ping: %v", err)
		}
		p.expect(pongFrame("1"), pongFrame("2"))
		expectMessage(t, c, t.Context(), Text, "next")
	})
}
