package conn

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// Writes are cut by many tiny deadlines, in a stream that holds little. What was
// reported as written arrives, once, and nothing else does; text is cut at characters.
func TestNetConnWriteDeadlines(t *testing.T) {
	for _, size := range []int{7, 100, 5000, maxNetFrame + 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			netConnTest(t, Text, 64+size/50, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
				random := rand.New(rand.NewPCG(1, uint64(size)))
				slow := &slowConn{Conn: p.nc, most: 61 + size/50, pause: time.Millisecond}
				p.nc = slow
				received := async(func() []wireFrame { return p.rest() })
				var sent strings.Builder
				cuts := 0
				for i := range min(300, 5+30_000/size) {
					text := strings.Repeat(fmt.Sprintf("%d\u20ac", i), size)[:size]
					text = strings.ToValidUTF8(text, "")
					for text != "" {
						must(t, n.SetWriteDeadline(time.Now().Add(time.Duration(random.IntN(5e6)))))
						m, err := io.WriteString(n, text)
						sent.WriteString(text[:m])
						if text = text[m:]; err != nil {
							cuts++
							mustBe(t, err, os.ErrDeadlineExceeded)
						} else if text != "" {
							t.Fatalf("%d bytes are left and there is no error", len(text))
						}
					}
				}
				slow.fast.Store(true)
				must(t, n.Close())
				slow.Conn.Write(wire(p.role, closeFrame(1000, "")))
				closeWrite(slow.Conn)
				if cuts < 10 {
					t.Errorf("%d deadlines have cut something, too few for a test", cuts)
				}
				frames := <-received
				last := len(frames) - 1
				if diff := cmp.Diff(closeFrame(1000, ""), frames[last]); diff != "" {
					t.Errorf("last frame (-want +got):\n%s", diff)
				}
				var got strings.Builder
				for i, f := range frames[:last] {
					got.WriteString(f.Body)
					if f.Op != frame.Text || !f.Fin || !utf8.ValidString(f.Body) || len(f.Body) > maxNetFrame {
						t.Fatalf("frame %d: %v, FIN %v, %d bytes, valid UTF-8 %v", i, f.Op, f.Fin, len(f.Body), utf8.ValidString(f.Body))
					}
				}
				if sent.String() != got.String() {
					t.Errorf("%d bytes were reported as written, %d arrived, or others", sent.Len(), got.Len())
				}
			})
		})
	}
}

// slowConn reads little at a time, with pauses, until it is told to be fast.
type slowConn struct {
	net.Conn
	most  int
	pause time.Duration
	fast  atomic.Bool
}

func (c *slowConn) Read(p []byte) (int, error) {
	if !c.fast.Load() {
		<-time.After(c.pause)
		p = p[:min(len(p), c.most)]
	}
	return c.Conn.Read(p)
}

// A Pong, a Ping or a Close that comes after a Write which was cut sends the rest of
// its frame first.
func TestNetConnRestOfAFrame(t *testing.T) {
	for name, tc := range map[string]struct {
		call func(n net.Conn, c *Conn, p *rawPeer)
		want wireFrame
	}{
		"Pong": {func(_ net.Conn, c *Conn, p *rawPeer) {
			p.send(pingFrame("x"))
			go c.Discard(background)
		}, pongFrame("x")},
		"Close": {func(n net.Conn, _ *Conn, _ *rawPeer) { go n.Close() }, closeFrame(StatusNormalClosure, "")},
		"Write": {func(n net.Conn, _ *Conn, _ *rawPeer) { go n.Write([]byte("next")) }, textFrame("next")},
	} {
		t.Run(name, func(t *testing.T) {
			netConnTest(t, Text, 100, func(t *testing.T, n net.Conn, c *Conn, p *rawPeer) {
				text := strings.Repeat("x", 200)
				must(t, n.SetWriteDeadline(time.Now().Add(time.Second)))
				m, err := io.WriteString(n, text)
				mustBe(t, err, os.ErrDeadlineExceeded)
				if m != len(text) {
					t.Errorf("%d bytes are reported as written, want all: the connection has them", m)
				}
				_, err = io.WriteString(n, "too late")
				mustBe(t, err, os.ErrDeadlineExceeded)
				must(t, n.SetWriteDeadline(time.Time{}))
				tc.call(n, c, p)
				p.expect(textFrame(text), tc.want)
			})
		})
	}
}

// Over TLS, which does not survive a write that is cut, the connection has ended.
func TestNetConnWriteDeadlineOverTLS(t *testing.T) {
	tlsTest(t, nil, 3000, func(t *testing.T, c *Conn, p *rawPeer, raw net.Conn) {
		n := AsNetConn(c, Binary)
		must(t, n.SetWriteDeadline(time.Now().Add(time.Second)))
		_, err := n.Write(make([]byte, 10_000))
		mustBe(t, err, os.ErrDeadlineExceeded)
		mustBe(t, c.terminal(), os.ErrDeadlineExceeded, net.ErrClosed)
		must(t, n.SetWriteDeadline(time.Time{}))
		for range 2 {
			_, err := n.Write([]byte("x"))
			mustBe(t, err, net.ErrClosed)
		}
		<-c.Context().Done()
		raw.Close()
	})
}

// A Write whose deadline passes while it waits for its turn has written nothing, and the
// connection goes on.
func TestNetConnDeadlineBeforeItsTurn(t *testing.T) {
	for name, occupy := range map[string]func(c *Conn, p *rawPeer){
		"another Write": func(c *Conn, _ *rawPeer) { go c.Write(background, Text, []byte(large)) },
		"a Pong": func(c *Conn, p *rawPeer) {
			go c.Discard(background)
			p.send(pingFrame(strings.Repeat("x", 98)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			netConnTest(t, Text, 100, func(t *testing.T, n net.Conn, c *Conn, p *rawPeer) {
				occupy(c, p)
				synctest.Wait()
				must(t, n.SetWriteDeadline(time.Now().Add(time.Second)))
				m, err := io.WriteString(n, "never sent")
				mustBe(t, err, os.ErrDeadlineExceeded)
				if m != 0 {
					t.Errorf("%d bytes are reported as written", m)
				}
				must(t, n.SetWriteDeadline(time.Time{}))
				written := async(func() error { _, err := io.WriteString(n, "sent"); return err })
				if f, err := p.next(); err != nil || f.Op != frame.Pong && f.Body != large {
					t.Fatalf("frame %+v, %v", f, err)
				}
				p.expect(textFrame("sent"))
				must(t, <-written)
			})
		})
	}
}

// After Close there are no deadlines to set.
func TestNetConnDeadlineAfterClose(t *testing.T) {
	netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
		must(t, n.Close())
		for name, set := range map[string]func(time.Time) error{
			"SetDeadline": n.SetDeadline, "SetReadDeadline": n.SetReadDeadline, "SetWriteDeadline": n.SetWriteDeadline,
		} {
			if err := set(time.Now()); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
		mustBe(t, n.Close(), net.ErrClosed)
		p.nc.Close()
	})
}
