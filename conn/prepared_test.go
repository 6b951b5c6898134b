package conn

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/pipe"
)

// A prepared message is the same as a written one, on every connection.
func TestWritePrepared(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		for name, ends := range map[string]func() (a, b net.Conn){
			"pipe": func() (a, b net.Conn) { return pipe.New(0) },
			"TCP":  func() (a, b net.Conn) { return tcpPair(t) },
		} {
			t.Run(fmt.Sprintf("%v over %s", role, name), func(t *testing.T) {
				a, b := ends()
				c := New(a, Start{Role: role}, nil)
				defer c.CloseNow()
				p := newRawPeer(t, role.Peer(), b)
				sameFrames(t, p, sizes(), func(b []byte) error {
					m, err := Prepare(Binary, b)
					if err != nil {
						return err
					}
					return c.WritePrepared(background, m)
				})
			})
		}
	}
}

// The message is what it was when it was prepared, however it is used: by many at the
// same time, and with a fresh key for each frame of a client (5.3-03).
func TestPreparedNeverChanges(t *testing.T) {
	const times = 50
	text := []byte("\u20ac 1000")
	m, err := Prepare(Text, text)
	must(t, err)
	copy(text, "changed")
	var all sync.WaitGroup
	for _, role := range []Role{Client, Server} {
		a, b := pipe.New(0)
		c, p := New(a, Start{Role: role}, nil), newRawPeer(t, role.Peer(), b)
		defer c.CloseNow()
		all.Go(func() {
			for range times {
				if err := c.WritePrepared(background, m); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range times {
				f, err := p.next()
				if diff := cmp.Diff(textFrame("\u20ac 1000"), f); diff != "" || err != nil {
					t.Errorf("error %v, frame (-want +got):\n%s", err, diff)
				}
			}
		})
	}
	all.Wait()
}

// Turns, contexts and the end hold for it as for Write.
func TestWritePreparedFails(t *testing.T) {
	rawTestSize(t, nil, 100, func(t *testing.T, c *Conn, p *rawPeer) {
		m, err := Prepare(Binary, bytes.Repeat([]byte("x"), 200))
		must(t, err)
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		err = c.WritePrepared(ctx, m)
		mustBe(t, err, context.DeadlineExceeded, net.ErrClosed)
		for range 2 {
			if again := c.WritePrepared(background, m); again != err {
				t.Errorf("later: %v, want %v", again, err)
			}
		}
		p.nc.Close()
	})
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		m, err := Prepare(Text, nil)
		must(t, err)
		closed := goClose(c, background)
		p.expect(closeFrame(StatusNormalClosure, ""))
		mustBe(t, c.WritePrepared(background, m), net.ErrClosed)
		mustWait(t, closed)
	})
}
