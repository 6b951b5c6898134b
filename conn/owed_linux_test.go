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

// Nor does it come into the middle of a frame of which a part has left: see AsNetConn.
func TestPongAtOnceBehindATail(t *testing.T) {
	a, b := tcpPair(t)
	c := New(a, Start{Role: Server}, nil)
	want := string(append(textFrame("cut").append(nil, Server), pongFrame("p").append(nil, Server)...))
	tail := []byte(want[2:5])
	c.tail = &tail
	_, err := io.WriteString(a, want[:2])
	must(t, err)
	_, err = b.Write(pingFrame("p").append(nil, Client))
	must(t, err)
	reading := async(func() error { return c.Discard(t.Context()) })
	in := make([]byte, len(want))
	if _, err := io.ReadFull(b, in); err != nil || string(in) != want {
		t.Errorf("got %q, %v, want %q", in, err, want)
	}
	must(t, c.CloseNow())
	mustBe(t, mustReturn(t, "Discard", reading), errCloseNow)
}
