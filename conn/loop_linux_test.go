//go:build linux && (amd64 || arm64)

package conn

import (
	"context"
	"net"
	"testing"
)

// untold keeps a socket from telling how much is left to be read, as an old kernel would.
func untold(c *Conn) { c.socket.mute = true }

// The loop looks whether it is to end with every read, not only when it waits.
func TestLoopLooksUp(t *testing.T) {
	for name, end := range map[string]func(c *Conn, cancel func()) error{
		"cancelled": func(_ *Conn, cancel func()) error { cancel(); return context.Canceled },
		"ended":     func(c *Conn, _ func()) error { _ = c.CloseNow(); return errCloseNow },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := tcpPair(t)
			c := New(a, Start{Role: Server}, nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l := &loop{s: &server{c: c, ctx: ctx}}
			newRawPeer(t, Client, b).send(textFrame("there"))
			var want, got error
			must(t, c.socket.rc.Read(func(fd uintptr) bool {
				c.socket.fd = fd
				n, err := l.receive(nil)
				if err == errNothingYet {
					return false
				}
				if err != nil || n == 0 {
					t.Errorf("%d bytes, %v", n, err)
				}
				c.mu.Lock()
				c.inLoop = true
				c.mu.Unlock()
				want = end(c, cancel)
				_, got = l.receive(nil)
				return true
			}))
			c.leaveLoop()
			mustBe(t, got, want)
			_ = c.CloseNow()
		})
	}
}

// Only plain TCP is trusted to tell how much is left.
func TestSocketTells(t *testing.T) {
	for _, multipath := range []bool{false, true} {
		var lc net.ListenConfig
		lc.SetMultipathTCP(multipath)
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		must(t, err)
		var d net.Dialer
		d.SetMultipathTCP(multipath)
		nc, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		must(t, err)
		peer, err := l.Accept()
		must(t, err)
		must(t, l.Close())
		is, err := nc.(*net.TCPConn).MultipathTCP()
		must(t, err)
		c := New(nc, Start{}, nil)
		c.socket.ask()
		if c.socket.tellsInq == is {
			t.Errorf("multipath: %v; tells: %v", is, c.socket.tellsInq)
		}
		must(t, c.CloseNow())
		must(t, peer.Close())
	}
}
