package conn

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/duplexws/duplex/frame"
)

// While nothing is being read a connection holds no input buffer, unless there is
// input in it.
func TestNoInputBufferWhileIdle(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		idle := func(want bool, what string) {
			t.Helper()
			if got := c.in.held == nil && c.in.pooled == nil; got != want {
				t.Errorf("%s: no buffer is held: %v, want %v", what, got, want)
			}
		}
		idle(true, "at first")
		cutRead(t, c, readOnes[0].read)
		idle(true, "after a cancelled read")
		p.send(textFrame("one"), textFrame("two"))
		expectMessage(t, c, t.Context(), Text, "one")
		idle(false, "with a message in it")
		expectMessage(t, c, t.Context(), Text, "two")
		idle(true, "when all was read")
		large := strings.Repeat("x", 50_000)
		p.send(textFrame(large))
		expectMessage(t, c, t.Context(), Text, large)
		idle(true, "after a large message")
		p.send(pingFrame("ping"))
		cutRead(t, c, readOnes[0].read)
		idle(true, "after a control frame")
		p.sendBytes(wire(p.role, pingFrame("ping"))[:1])
		cutRead(t, c, readOnes[0].read)
		idle(false, "with the beginning of a header in it")
		_ = c.CloseNow()
		idle(true, "after the end")
	})
}

// total returns the bytes that were allocated so far, and in how many pieces.
func total() (size, pieces uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc, m.Mallocs
}

// Memory is taken for what has arrived, whatever a header announces.
func TestNoMemoryForDeclaredLength(t *testing.T) {
	for _, length := range []uint64{1 << 20, 1 << 31, 1 << 40, math.MaxInt64} {
		for _, arrived := range []int{0, 1, 10_000} {
			for _, read := range messageReaders {
				rawTest(t, &Options{ReadLimit: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
					h := frame.Header{Opcode: frame.Binary, Fin: true, Length: length, Masked: p.role == Client}
					before, _ := total()
					ctx, cancel := context.WithCancel(t.Context())
					var err error
					var wg sync.WaitGroup
					wg.Go(func() { _, err = read.read(ctx, c) })
					p.sendBytes(h.Append(nil))
					for n := arrived; n > 0; n -= 100 {
						p.sendBytes(make([]byte, min(n, 100)))
					}
					synctest.Wait()
					cancel()
					wg.Wait()
					after, _ := total()
					if !errors.Is(err, context.Canceled) {
						t.Errorf("read: %v", err)
					}
					// The pipe and the test itself allocate as well.
					if size := after - before; size > 700_000 {
						t.Errorf("%s, %d bytes announced and %d sent: %d allocated", read.name, length, arrived, size)
					}
					if kept := cap(c.message.kept); kept > 4096+3*arrived {
						t.Errorf("%s, %d bytes announced and %d sent: %d kept", read.name, length, arrived, kept)
					}
				})
			}
		}
	}
}

// A fragment costs its bytes, and an empty one nothing.
func TestFragmentsAllocateNothing(t *testing.T) {
	const fragments = 100_000
	for _, body := range []string{"", "x"} {
		for _, read := range messageReaders {
			frames := []byte(nil)
			frames = part(frame.Text, false, "").append(frames, Client)
			one := part(frame.Continuation, false, body).append(nil, Client)
			frames = append(frames, bytes.Repeat(one, fragments)...)
			frames = part(frame.Continuation, true, "").append(frames, Client)
			c := New(newScript(frames), Start{Role: Server}, &Options{ControlRate: -1})
			_, before := total()
			all, err := read.read(t.Context(), c)
			_, after := total()
			want := []Message{{Text, bytes.Repeat([]byte(body), fragments)}}
			if diff := diff(want, all); diff != "" {
				t.Errorf("%s: error %v, messages (-want +got):\n%s", read.name, err, diff)
			}
			if pieces := after - before; pieces > fragments/100 {
				t.Errorf("%s, fragments of %d bytes: %d allocations", read.name, len(body), pieces)
			}
		}
	}
}
