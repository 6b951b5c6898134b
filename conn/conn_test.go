package conn

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/internal/pipe"
)

// background is the context of calls that only the connection ends.
var background = context.Background()

// rawTestSize is rawTest over a pipe that holds at most size bytes each way, so that
// writes get stuck.
func rawTestSize(t *testing.T, o *Options, size int, f func(t *testing.T, c *Conn, p *rawPeer)) {
	for _, role := range []Role{Client, Server} {
		t.Run(role.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(size)
				c := New(a, Start{Role: role}, o)
				defer b.Close()
				defer c.CloseNow()
				f(t, c, newRawPeer(t, role.Peer(), b))
			})
		})
	}
}

// async makes a call on a goroutine of its own. What it returns can be received once.
func async[T any](call func() T) <-chan T {
	result := make(chan T, 1)
	go func() { result <- call() }()
	return result
}

// mustWait fails the test if one of the calls has returned already, all goroutines of
// the bubble being idle.
func mustWait[T any](t *testing.T, results ...<-chan T) {
	t.Helper()
	synctest.Wait()
	for i, result := range results {
		select {
		case got := <-result:
			t.Fatalf("call %d of %d does not wait: it has returned %v", i+1, len(results), got)
		default:
		}
	}
}

// mustBe fails the test unless err matches all of targets.
func mustBe(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("error %v (%T), want one that matches %v", err, err, target)
		}
	}
}

// must fails the test if err is not nil.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The end is what calls report that wait for a turn, also if their context has ended
// as well.
func TestTheEndComesFirst(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, _ *rawPeer) {
		_, err := c.Writer(background, Text) // holds the message turn
		must(t, err)
		ctx, cancel := context.WithCancel(background)
		cancel()
		must(t, c.CloseNow())
		for range 100 {
			if err := c.Write(ctx, Text, nil); err != c.terminal() {
				t.Fatalf("Write returned %v, want %v", err, c.terminal())
			}
		}
	})
}

// A connection with an extension that nobody here understands ends at once.
func TestNewWithUnknownExtension(t *testing.T) {
	nc := newScript(wire(Client, textFrame("hello")))
	c := New(nc, Start{Role: Server, Extensions: []handshake.Extension{{Name: "x-unheard-of"}}}, nil)
	_, _, err := c.Read(background)
	mustBe(t, err, net.ErrClosed)
	if !strings.Contains(err.Error(), "x-unheard-of") || !nc.closed {
		t.Errorf("Read returned %v; the stream is closed: %v", err, nc.closed)
	}
}
