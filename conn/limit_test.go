package conn

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/duplexws/duplex/frame"
)

// A message of exactly the limit is delivered, one byte more is refused, however it is
// fragmented and however the reads before it were cut (10.4-01).
func TestReadLimitIsExact(t *testing.T) {
	const limit = 10
	for _, tc := range []struct {
		name  string
		limit int64
		parts []int // sizes of the fragments
		fails bool
	}{
		{"one frame", limit, []int{10}, false},
		{"one frame, one over", limit, []int{11}, true},
		{"fragments", limit, []int{0, 4, 0, 6, 0}, false},
		{"fragments, one over", limit, []int{0, 4, 0, 6, 1}, true},
		{"a fragment of the limit, and one over", limit, []int{10, 1}, true},
		{"one over in a large fragment", limit, []int{1, 60_000}, true},
		{"the default", 0, []int{1 << 10, 1<<20 - 1<<10}, false},
		{"the default, one over", 0, []int{1 << 10, 1<<20 - 1<<10 + 1}, true},
		{"none", -1, []int{1 << 20, 1}, false},
	} {
		for _, read := range append(readOnes, readAllOfReader) {
			t.Run(tc.name+", "+read.name, func(t *testing.T) {
				rawTest(t, &Options{ReadLimit: tc.limit}, func(t *testing.T, c *Conn, p *rawPeer) {
					var frames []wireFrame
					size := 0
					for i, n := range tc.parts {
						f := part(frame.Continuation, i == len(tc.parts)-1, strings.Repeat("x", n))
						if i == 0 {
							f.Op = frame.Binary
						}
						frames = append(frames, f, pongFrame("does not count"))
						size += n
					}
					go func() {
						// A peer that is refused may not get rid of all.
						_, _ = p.nc.Write(wire(p.role, frames...))
						_, _ = p.nc.Write(wire(p.role, textFrame("next")))
						p.closeWrite()
					}()
					_, data, err := read.read(t.Context(), c)
					if tc.fails {
						fe, ok := errors.AsType[*FailError](err)
						if !ok || fe.Violation != frame.MessageTooBig {
							t.Errorf("%d bytes, error %v", len(data), err)
						}
						reason, _ := closeBody(StatusMessageTooBig, frame.MessageTooBig.Error())
						p.expect(wireFrame{Op: frame.Close, Fin: true, Body: string(reason)})
						p.expectEnd()
						return
					}
					if err != nil || len(data) != size {
						t.Errorf("%d bytes of %d, error %v", len(data), size, err)
					}
					expectMessage(t, c, t.Context(), Text, "next")
				})
			})
		}
	}
}

// The limit counts what cancelled reads have had of the message.
func TestReadLimitAcrossCancelledReads(t *testing.T) {
	for _, size := range []int{10, 11} {
		rawTest(t, &Options{ReadLimit: 10}, func(t *testing.T, c *Conn, p *rawPeer) {
			for i := range size - 1 {
				f := part(frame.Continuation, false, "x")
				if i == 0 {
					f.Op = frame.Binary
				}
				p.send(f)
				cutRead(t, c, readOnes[i%len(readOnes)].read)
			}
			p.send(part(frame.Continuation, true, "x"))
			p.closeWrite()
			_, data, err := c.Read(t.Context())
			if fails := size > 10; errors.Is(err, frame.MessageTooBig) != fails || !fails && len(data) != size {
				t.Errorf("%d bytes of %d, error %v", len(data), size, err)
			}
		})
	}
}

// SetReadLimit holds from the next frame on: a frame that was let in is read whole.
func TestSetReadLimit(t *testing.T) {
	rawTest(t, &Options{ReadLimit: 10}, func(t *testing.T, c *Conn, p *rawPeer) {
		read := func(size int) {
			t.Helper()
			data := strings.Repeat("x", size)
			p.send(binaryFrame(data))
			expectMessage(t, c, t.Context(), Binary, data)
		}
		read(10)
		c.SetReadLimit(1000)
		read(1000)
		c.SetReadLimit(0)
		read(50_000)
		c.SetReadLimit(-1)
		read(50_000)
		c.SetReadLimit(5)
		read(5)

		// Larger while a read waits.
		done := make(chan struct{})
		go func() {
			defer close(done)
			expectMessage(t, c, t.Context(), Binary, "123456")
		}()
		synctest.Wait()
		c.SetReadLimit(6)
		p.send(binaryFrame("123456"))
		<-done

		// Smaller inside a frame, and inside a message.
		first := wire(p.role, part(frame.Binary, false, "abcdef"))
		p.sendBytes(first[:len(first)-3])
		cutRead(t, c, readOnes[0].read)
		c.SetReadLimit(2)
		p.sendBytes(first[len(first)-3:])
		cutRead(t, c, readOnes[0].read)
		c.SetReadLimit(7)
		p.send(part(frame.Continuation, true, "g"))
		expectMessage(t, c, t.Context(), Binary, "abcdefg")
		p.send(part(frame.Binary, false, "abcdef"))
		cutRead(t, c, readOnes[0].read)
		c.SetReadLimit(2)
		p.send(part(frame.Continuation, true, ""))
		p.closeWrite()
		if _, _, err := c.Read(t.Context()); !errors.Is(err, frame.MessageTooBig) {
			t.Errorf("Read: %v", err)
		}
	})
}

// A message that is too big is refused with its header, before any of it has come.
func TestReadLimitFailsFast(t *testing.T) {
	for _, read := range []func(context.Context, *Conn) (MessageType, []byte, error){readOnes[0].read, readAllOfReader.read} {
		rawTest(t, &Options{ReadLimit: 100}, func(t *testing.T, c *Conn, p *rawPeer) {
			h := frame.Header{Opcode: frame.Text, Fin: true, Length: 101, Masked: p.role == Client}
			p.sendBytes(h.Append(nil)[:2])
			p.closeWrite()
			if _, _, err := read(t.Context(), c); !errors.Is(err, frame.MessageTooBig) {
				t.Errorf("read: %v", err)
			}
		})
	}
}
