//go:build linux && (amd64 || arm64)

package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// awaitLulls waits until so many goroutines are in a lull.
func awaitLulls(t testing.TB, n int) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		k := runtime.Stack(buf, true)
		if k == len(buf) {
			buf = make([]byte, 2*k)
			continue
		}
		lulls := 0
		for g := range strings.SplitSeq(string(buf[:k]), "\n\n") {
			if state, _, _ := strings.Cut(g, "\n"); strings.Contains(state, "[IO wait") && strings.Contains(g, ".lull(") {
				lulls++
			}
		}
		if lulls == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are in a lull, want %d", lulls, n)
		}
	}
}

// What can happen to a read happens to one that waits for the very first bytes, too.
func TestLull(t *testing.T) {
	text := []Message{{Text, []byte("one")}, {Text, []byte("two")}}
	for name, event := range map[string]struct {
		happen func(c *Conn, p *rawPeer, cancel func())
		want   []Message
		err    []error // all of them
	}{
		"messages and the end": {func(_ *Conn, p *rawPeer, _ func()) {
			p.send(textFrame("one"), textFrame("two"))
			_ = p.nc.Close()
		}, text, []error{net.ErrClosed, io.ErrUnexpectedEOF}},
		"a ping, then messages": {func(_ *Conn, p *rawPeer, _ func()) {
			p.send(pingFrame("ping"))
			p.expect(pongFrame("ping"))
			p.send(textFrame("one"), textFrame("two"))
			_ = p.nc.Close()
		}, text, []error{net.ErrClosed, io.ErrUnexpectedEOF}},
		"the end":   {func(_ *Conn, p *rawPeer, _ func()) { _ = p.nc.Close() }, nil, []error{net.ErrClosed, io.ErrUnexpectedEOF}},
		"a reset":   {func(_ *Conn, p *rawPeer, _ func()) { reset(p) }, nil, []error{net.ErrClosed, syscall.ECONNRESET}},
		"cancelled": {func(_ *Conn, _ *rawPeer, cancel func()) { cancel() }, nil, []error{context.Canceled}},
		"CloseNow":  {func(c *Conn, _ *rawPeer, _ func()) { _ = c.CloseNow() }, nil, []error{errCloseNow}},
		"Close": {func(c *Conn, p *rawPeer, _ func()) {
			closed := goClose(c, background)
			p.expect(closeFrame(StatusNormalClosure, ""))
			p.send(closeFrame(StatusNormalClosure, ""))
			_ = p.nc.Close()
			must(t, <-closed)
		}, nil, []error{net.ErrClosed}},
	} {
		for _, way := range []string{"Serve", "ReadAppend"} {
			for whose, derive := range map[string]bool{"its own context": false, "another one": true} {
				t.Run(name+", "+way+", "+whose, func(t *testing.T) {
					a, b := tcpPair(t)
					c, p := New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b)
					defer c.CloseNow()
					ctx, cancel := c.Context(), func() { _ = c.end(context.Canceled, cut) }
					if derive {
						ctx, cancel = context.WithCancel(background)
						defer cancel()
					}
					var got []Message
					done := async(func() error {
						if way == "Serve" {
							return c.Serve(ctx, func(_ *Replier, m Message) error {
								got = append(got, Message{m.Type, append([]byte(nil), m.Data...)})
								return nil
							})
						}
						for {
							typ, data, err := c.ReadAppend(ctx, nil)
							if err != nil {
								return err
							}
							got = append(got, Message{typ, data})
						}
					})
					awaitLulls(t, 1)
					event.happen(c, p, cancel)
					err := <-done
					for _, want := range event.err {
						if !errors.Is(err, want) {
							t.Errorf("error %v, want %v", err, want)
						}
					}
					if diff := cmp.Diff(event.want, got); diff != "" {
						t.Errorf("messages (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

// reset has the peer break the connection off.
func reset(p *rawPeer) {
	nc := p.nc.(*net.TCPConn)
	_ = nc.SetLinger(0)
	_ = nc.Close()
}

// Keepalive is as patient in a lull as ever. A machine that is busy may make it late, but
// not every time.
func TestKeepAliveInALull(t *testing.T) {
	const patience = minLook + 200*time.Millisecond
	var waited []time.Duration
	for range 4 {
		took := pingInALull(t, patience)
		if took < patience {
			t.Fatalf("the Ping came after %v, want %v", took, patience)
		}
		if took < patience+minLook/2 {
			return
		}
		waited = append(waited, took)
	}
	t.Errorf("the Pings came after %v, want %v", waited, patience)
}

// pingInALull returns how long a connection that hears nothing waits before it sends a Ping.
func pingInALull(t *testing.T, patience time.Duration) time.Duration {
	a, b := tcpPair(t)
	c, p := New(a, Start{Role: Server}, &Options{KeepAlive: patience}), newRawPeer(t, Client, b)
	began := time.Now()
	discarding := async(func() error { return c.Discard(c.Context()) })
	awaitLulls(t, 1)
	f, err := p.next()
	must(t, err)
	took := time.Since(began)
	if f.Op != frame.Ping {
		t.Errorf("%v came, want a Ping", f.Op)
	}
	must(t, c.CloseNow())
	mustBe(t, mustReturn(t, "Discard", discarding), errCloseNow)
	return took
}
