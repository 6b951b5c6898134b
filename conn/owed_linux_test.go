//go:build linux && (amd64 || arm64)

package conn

import (
	"io"
	"strings"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// A Pong that the socket takes at once waits for no goroutine and no timer, which a busy
// machine may keep waiting for longer than the read side has patience: it allocates
// nothing.
func TestPongAtOnce(t *testing.T) {
	for _, body := range []string{"", strings.Repeat("x", frame.MaxControlLen)} {
		a, b := tcpPair(t)
		c := New(a, Start{Role: Server}, &Options{ControlRate: -1})
		reading := async(func() error { return c.Discard(t.Context()) })
		out := pingFrame(body).append(nil, Client)
		want := pongFrame(body).append(nil, Server)
		in := make([]byte, len(want))
		n := allocs(t, func() {
			_, err := b.Write(out)
			must(t, err)
			_, err = io.ReadFull(b, in)
			must(t, err)
		})
		if n >= 1 || string(in) != string(want) {
			t.Errorf("%q: %v allocations", in, n)
		}
		must(t, c.CloseNow())
		mustBe(t, mustReturn(t, "Discard", reading), errCloseNow)
	}
}
