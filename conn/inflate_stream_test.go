package conn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
)

// What can be inflated of what has arrived is had at once, however small the buffer: a
// sender that flushes may wait for an answer before it goes on.
func TestInflateReaderStreams(t *testing.T) {
	for _, text := range []string{"H", "Hello", strings.Repeat("a", 1000), jsonText(3000, 1)} {
		for _, size := range []int{1, 3, 258, 4096, 100_000} {
			for _, w := range []deflate.Window{withTakeover, withoutTakeover} {
				inflateTest(t, w, nil, func(t *testing.T, c *Conn, p *rawPeer) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					s := newStandardSender(6)
					op, rsv := frame.Text, frame.RSV1
					p.send(wireFrame{Op: op, RSV: rsv})
					_, r, err := c.Reader(ctx)
					must(t, err)
					for range 2 {
						p.send(part(frame.Continuation, false, s.flush(text)))
						var got []byte
						for buf := make([]byte, size); len(got) < len(text); {
							n, err := r.Read(buf)
							got = append(got, buf[:n]...)
							if err != nil {
								t.Fatalf("%d bytes at a time: after %d of %d: %v", size, len(got), len(text), err)
							}
						}
						if string(got) != text {
							t.Fatalf("%d bytes at a time: something else", size)
						}
					}
					p.send(part(frame.Continuation, true, "\x00"))
					expectEOF(t, r)
				})
			}
		}
	}
}

// Text that is not UTF-8 is refused with the first byte that shows it, before its
// message and even its frame is complete, whatever room there is (D6.1-06).
func TestInflateFailsFast(t *testing.T) {
	ways := append(inflatingWays, inflatingWay{name: "Discard", read: func(ctx context.Context, c *Conn) ([]Message, error) {
		return nil, c.Discard(ctx)
	}})
	for _, way := range ways {
		for before := range 9 {
			t.Run(fmt.Sprintf("%s, after %d", way.name, before), func(t *testing.T) {
				inflateTest(t, withTakeover, nil, func(t *testing.T, c *Conn, p *rawPeer) {
					text := strings.Repeat("a", before) + "\xff" + strings.Repeat("a", 100)
					body := newStandardSender(6).flush(text)
					h := wire(p.role, wireFrame{Op: frame.Text, RSV: frame.RSV1, Body: body + strings.Repeat("\x00", 100)})
					p.sendBytes(h[:len(h)-100])
					var err error
					done := make(chan struct{})
					go func() {
						defer close(done)
						_, err = way.read(t.Context(), c)
					}()
					synctest.Wait()
					if !c.over.Load() {
						t.Error("the connection goes on")
					}
					p.closeWrite()
					<-done
					if !errors.Is(err, frame.TextNotUTF8) {
						t.Errorf("error %v", err)
					}
				})
			})
		}
	}
}

// A message is checked wholly before what comes after it is looked at: which rule is
// said to be broken does not depend on the buffer.
func TestInflateVerdictIsTheSame(t *testing.T) {
	bad := wireFrame{Op: frame.Text, Fin: true, Body: "interleaved"}
	var streams []compressedStream
	for _, before := range []int{0, 1, 2, 4, 5, 6, 7, 30} {
		flushed := func(text string) wireFrame {
			return wireFrame{Op: frame.Text, RSV: frame.RSV1, Body: newStandardSender(6).flush(strings.Repeat("a", before) + text)}
		}
		streams = append(streams,
			compressedStream{name: "not text, then a frame out of order", frames: []wireFrame{flushed("\xff"), bad}, fail: frame.TextNotUTF8},
			compressedStream{name: "text, then a frame out of order", frames: []wireFrame{flushed("a"), bad}, fail: frame.MessageInterleaved},
			compressedStream{name: "too big, then a frame out of order", limit: int64(before) + 9, frames: []wireFrame{flushed("aaaaaaaaaa"), bad}, fail: frame.MessageTooBig},
			compressedStream{name: "the limit, then a frame out of order", limit: int64(before) + 10, frames: []wireFrame{flushed("aaaaaaaaaa"), bad}, fail: frame.MessageInterleaved},
			compressedStream{name: "too big, then not text", limit: int64(before) + 2, frames: []wireFrame{flushed("aaa\xff"), bad}, fail: frame.MessageTooBig},
			compressedStream{name: "not text, then too big", limit: int64(before) + 2, frames: []wireFrame{flushed("\xffaaa"), bad}, fail: frame.TextNotUTF8},
		)
	}
	runCompressedStreams(t, streams)
}
