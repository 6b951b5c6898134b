package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// netConnTest runs f in a bubble for a net.Conn over a connection in each role.
func netConnTest(t *testing.T, m MessageType, size int, f func(t *testing.T, n net.Conn, c *Conn, p *rawPeer)) {
	rawTestSize(t, nil, size, func(t *testing.T, c *Conn, p *rawPeer) { f(t, AsNetConn(c, m), c, p) })
}

// readNet reads once and returns what came.
func readNet(n net.Conn) (string, error) {
	p := make([]byte, 100)
	m, err := n.Read(p)
	return string(p[:m]), err
}

// Of several calls of Close one does it, and the others say that it was done.
func TestNetConnCloseOnce(t *testing.T) {
	netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
		var closes []<-chan error
		for range 50 {
			closes = append(closes, async(n.Close))
		}
		done := 0
		for _, result := range closes {
			if err := <-result; err == nil {
				done++
			} else {
				mustBe(t, err, net.ErrClosed)
			}
		}
		if done != 1 {
			t.Errorf("%d calls have closed", done)
		}
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		p.expectEnd()
	})
}

// After Close, and after a deadline, that is what reads and writes report, whatever
// the peer has done.
func TestNetConnOwnEndComesFirst(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(n net.Conn)
		want error
	}{
		{"Close", func(n net.Conn) { n.Close() }, net.ErrClosed},
		{"deadline", func(n net.Conn) { n.SetDeadline(time.Unix(1, 0)) }, os.ErrDeadlineExceeded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, c *Conn, p *rawPeer) {
				tc.do(n)
				p.send(closeFrame(StatusNormalClosure, ""))
				p.closeWrite()
				go c.Discard(background)
				p.rest()
				<-c.Context().Done()
				for range 2 {
					for name, call := range map[string]func([]byte) (int, error){"Read": n.Read, "Write": n.Write} {
						for _, size := range []int{0, 1} {
							_, err := call(make([]byte, size))
							op, ok := errors.AsType[*net.OpError](err)
							if !errors.Is(err, tc.want) || !ok || op.Op != strings.ToLower(name) {
								t.Errorf("%s of %d bytes: %v (%T), want %v", name, size, err, err, tc.want)
							}
						}
					}
				}
			})
		})
	}
}

// A message of the other type fails the connection, for good.
func TestNetConnWrongType(t *testing.T) {
	for own, other := range map[MessageType]wireFrame{Text: binaryFrame("x"), Binary: textFrame("x")} {
		netConnTest(t, own, 0, func(t *testing.T, n net.Conn, c *Conn, p *rawPeer) {
			p.send(wireFrame{Op: frame.Opcode(own), Fin: true, Body: "good"}, other)
			if got, err := readNet(n); got != "good" || err != nil {
				t.Fatalf("Read: %q, %v", got, err)
			}
			read := async(func() error { _, err := readNet(n); return err })
			p.expect(closeFrame(StatusUnsupportedData, ""))
			p.expectEnd()
			p.nc.Close()
			err := <-read
			mustBe(t, err, net.ErrClosed)
			for range 2 {
				_, again := readNet(n)
				if diff := cmp.Diff(err.Error(), again.Error()); diff != "" {
					t.Error(diff)
				}
			}
			_, err = n.Write([]byte("x"))
			mustBe(t, err, net.ErrClosed)
		})
	}
}

// Large Writes of several goroutines do not mix, as they do not on a socket.
func TestNetConnConcurrentWrites(t *testing.T) {
	const writers, size = 4, 5*maxNetFrame + 1
	netConnTest(t, Text, 10_000, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
		for i := range writers {
			go fmt.Fprint(n, strings.Repeat(fmt.Sprint(i), size))
		}
		var got strings.Builder
		for got.Len() < writers*size {
			f, err := p.next()
			must(t, err)
			got.WriteString(f.Body)
		}
		for s := got.String(); s != ""; s = s[size:] {
			if s[:size] != strings.Repeat(s[:1], size) {
				t.Fatal("the bytes of several Writes are mixed")
			}
		}
	})
}

// A Read of nothing does not wait, as on a socket.
func TestNetConnEmptyCalls(t *testing.T) {
	netConnTest(t, Text, 0, func(t *testing.T, n net.Conn, _ *Conn, p *rawPeer) {
		for name, call := range map[string]func([]byte) (int, error){"Read": n.Read, "Write": n.Write} {
			if m, err := call(nil); m != 0 || err != nil {
				t.Errorf("%s of nothing: %d, %v", name, m, err)
			}
		}
		frames := timeline(p)
		synctest.Wait()
		n.(*netConn).c.CloseNow()
		if got := <-frames; len(got) > 0 {
			t.Errorf("frames %v", got)
		}
	})
}

var _ = context.Background
var _ = io.EOF
