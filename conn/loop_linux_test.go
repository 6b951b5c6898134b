//go:build linux && (amd64 || arm64)

package conn

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
)

// untold keeps a socket from telling how much is left to be read, as an old kernel would.
func untold(c *Conn) { c.untold = true }

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
				l.fd = fd
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

// A large reply that the stream took after its last byte was read tells what another read
// would: nothing is left. Nothing else does.
func TestLoopDoesNotReadInVain(t *testing.T) {
	large := binaryFrame(strings.Repeat("x", maxGathered))
	for name, test := range map[string]struct {
		f      func(*Replier, Message) error
		before func(c *Conn)
		after  func(s *server)
		want   error
	}{
		"answered": {f: echoing, want: errNothingYet},
		"answered twice": {f: func(r *Replier, m Message) error {
			return cmp.Or(echoing(r, m), echoing(r, m))
		}, want: errNothingYet},
		"answered, and then by a small one": {f: func(r *Replier, m Message) error {
			return cmp.Or(echoing(r, m), r.Write(Text, nil))
		}, want: errNothingYet},
		"not answered": {f: ignoring},
		"answered, but perhaps after what came before": {f: echoing, after: func(s *server) { s.took.Store(s.reads - 1) }},
		"answered too late":                            {f: echoing, after: func(s *server) { s.took.Store(0) }},
		"answered, and who knows what is left":         {f: echoing, before: untold},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := tcpPair(t)
			c, p := New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b)
			if test.before != nil {
				test.before(c)
			}
			c.socket.ask()
			l := &loop{s: serving(t.Context(), c, test.f)}
			p.send(large)
			must(t, c.socket.rc.Read(func(fd uintptr) bool {
				l.fd, l.drained, c.loop = fd, false, l
				defer func() { c.loop = nil }()
				if err := l.s.step(); err != nil {
					return err != errNothingYet
				}
				if test.after != nil {
					test.after(l.s)
				}
				p.send(textFrame("more"))
				if n, err := l.receive(nil); err != test.want || (n > 0) != (err == nil) {
					t.Errorf("%d bytes, %v; want %v", n, err, test.want)
				}
				return true
			}))
			_ = c.CloseNow()
			b.Close()
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
		if c.tellsInq == is {
			t.Errorf("multipath: %v; tells: %v", is, c.tellsInq)
		}
		must(t, c.CloseNow())
		must(t, peer.Close())
	}
}

// The system knows when the last bytes came, and still does after a while.
func TestSocketLastHeard(t *testing.T) {
	const tick = 10 * time.Millisecond // the system counts in these, or finer ones
	for name, streams := range map[string]func() (own, other net.Conn){
		"TCP": func() (own, other net.Conn) { return tcpPair(t) },
		"TLS": func() (own, other net.Conn) {
			a, b := tcpPair(t)
			client, server := secure(t, a, b)
			return server, client
		},
	} {
		t.Run(name, func(t *testing.T) {
			own, other := streams()
			c, p := New(own, Start{Role: Server}, &Options{KeepAlive: 100 * time.Millisecond}), newRawPeer(t, Client, other)
			before := time.Now().Add(-tick)
			p.send(textFrame("here I am"))
			serving := async(func() error { return c.Serve(t.Context(), echoing) })
			p.expect(textFrame("here I am"))
			sent := c.lastSent() // before the Ping
			after := time.Now().Add(tick)
			f, err := p.next()
			must(t, err)
			if f.Op != frame.Ping || time.Since(before) < 100*time.Millisecond {
				t.Errorf("frame %+v after %v, want a Ping after 100 ms", f, time.Since(before))
			}
			for what, at := range map[string]time.Time{"heard": c.socket.lastHeard(), "sent": sent} {
				if at.Before(before) || at.After(after) {
					t.Errorf("%s something %v after it had begun, want less than %v", what, at.Sub(before), after.Sub(before))
				}
			}
			must(t, c.CloseNow())
			mustBe(t, mustReturn(t, "Serve", serving), errCloseNow)
		})
	}
}

// A socket below TLS tells when bytes have come and left, and is used for nothing else.
func TestSocketTellsTimes(t *testing.T) {
	a, b := tcpPair(t)
	client, server := secure(t, a, b)
	x, y := pipe.New(0)
	defer y.Close()
	above, _ := secure(t, x, y)
	for name, tc := range map[string]struct {
		nc            net.Conn
		usable, tells bool
	}{
		"TCP":                  {a, true, true},
		"TLS over TCP":         {client, false, true},
		"a wrapper around TLS": {struct{ *tls.Conn }{server}, false, true},
		"TLS over a pipe":      {above, false, false},
		"a pipe":               {x, false, false},
		"a wrapper around TCP": {struct{ net.Conn }{a}, false, false},
	} {
		k := &New(tc.nc, Start{Role: Server}, nil).socket
		if got := [2]bool{k.usable(), k.tells()}; got != [2]bool{tc.usable, tc.tells} {
			t.Errorf("%s: usable, tells: %v", name, got)
		}
	}
}

// Where the stream below TLS is asked for and gone, nothing is known, and nothing lost.
func TestSocketTellsTimesNoMore(t *testing.T) {
	a, b := tcpPair(t)
	_, server := secure(t, a, b)
	gone := &uncovered{server, b}
	c := New(gone, Start{Role: Server}, nil)
	gone.below = nil
	if age := time.Since(c.socket.lastHeard()); age > time.Minute {
		t.Errorf("heard something %v ago", age)
	}
	if at := c.lastSent(); !at.IsZero() {
		t.Errorf("sent something %v ago", time.Since(at))
	}
}

// Where nobody can tell when bytes have left, keepalive finds a peer that is silent.
func TestKeepAliveWithoutTimes(t *testing.T) {
	a, b := tcpPair(t)
	client, server := secure(t, a, b)
	gone := &uncovered{server, b}
	c, p := New(gone, Start{Role: Server}, &Options{KeepAlive: 50 * time.Millisecond}), newRawPeer(t, Client, client)
	gone.below = nil
	read := async(readError(c, t.Context()))
	for _, want := range []frame.Opcode{frame.Ping, frame.Close} {
		f, err := p.next()
		must(t, err)
		if f.Op != want {
			t.Fatalf("frame %+v, want a %v", f, want)
		}
	}
	p.expectEnd()
	mustBe(t, mustReturn(t, "Read", read), ErrKeepAlive)
}

// Something that has come since a wait began came no earlier, whatever the system says: of
// Multipath TCP it knows only one stream.
func TestWaitHeard(t *testing.T) {
	a, b := tcpPair(t)
	c := New(a, Start{Role: Server}, nil)
	w := wait{c: c, pinged: true}
	for _, began := range []time.Time{time.Now().Add(time.Hour), {}} {
		w.heard(began)
		if now := time.Now(); w.pinged || w.since.Before(began) || began.IsZero() && now.Sub(w.since) > time.Minute {
			t.Errorf("the wait began %v from now, heard at %v from now", began.Sub(now), w.since.Sub(now))
		}
	}
	must(t, c.CloseNow())
	b.Close()
}

// uncovered says of itself on which stream it stands.
type uncovered struct {
	*tls.Conn
	below net.Conn
}

func (u *uncovered) NetConn() net.Conn { return u.below }
