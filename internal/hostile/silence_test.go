package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duplexws/duplex/conn"
)

// flooded is the end for too many control frames or empty fragments.
var flooded = fails(1008, "10.4", "there are too many control frames or empty fragments")

// A flood of what nobody sees ends the connection of the one who floods, at the frame
// after the last that was free, and keeps no one else waiting. Nothing is stored for it.
func TestFloods(t *testing.T) {
	const n = 50
	for _, flood := range []struct {
		name  string
		first []part
		again part
	}{
		{"empty fragments", send(f(0x01, "a")), f(0x00, "")},
		{"empty fragments of nothing", send(f(0x01, "")), f(0x00, "")},
		{"Pongs", nil, f(0x8A, "")},
		{"large Pongs", nil, f(0x8A, x(125))},
	} {
		t.Run(flood.name, func(t *testing.T) {
			everyServer(t, conn.Options{ControlRate: 1}, func(t *testing.T, s *server) {
				before, begun := measure(), allocated()
				bytes := request("") + encode(flood.first, true) + strings.Repeat(encode(send(flood.again), true), 300)
				c := gather(t, s, n, bytes, response("")+flooded.bytes)
				spent := (allocated() - begun) / n
				if spent > slack*128<<10 {
					t.Errorf("%d bytes allocated for each flood", spent)
				}
				befriend(t, s)
				c.leave(t)
				expectCalm(t, before, n)
			})
		})
	}
}

// A flood of Pings from peers that take no Pongs holds one Pong for each.
func TestPingFlood(t *testing.T) {
	for _, over := range []string{"net/http", "Listen"} {
		t.Run(over, func(t *testing.T) {
			const n, size = 20, 300_000
			little := func(ctx context.Context, c *conn.Conn) error {
				_ = c.NetConn().(*net.TCPConn).SetWriteBuffer(4096) // so that it is soon full
				return byRead(ctx, c)
			}
			s := start(t, over, little, conn.Options{ControlRate: -1, WriteTimeout: -1})
			befriend(t, s)
			s.forget()
			before := measure()
			c := gather(t, s, n, request(""), response(""))
			flood := strings.Repeat(encode(send(f(0x89, x(125))), true), size/131)
			var group sync.WaitGroup
			for _, nc := range c.conns {
				group.Go(func() { _, _ = io.WriteString(nc, flood) })
			}
			group.Wait() // the server has taken all but what the sockets hold
			expectUsage(t, before, n, 64<<10, 3)
			befriend(t, s)
			c.leave(t)
			expectCalm(t, before, n)
		})
	}
}

// A peer that reads nothing holds a writer for a time, and no memory but its message.
func TestSlowReaders(t *testing.T) {
	push := func(ctx context.Context, c *conn.Conn) error {
		p := make([]byte, 64<<10)
		for {
			if err := c.Write(ctx, conn.Binary, p); err != nil {
				return err
			}
		}
	}
	for _, over := range []string{"net/http", "Listen"} {
		t.Run(over, func(t *testing.T) {
			const n = 20
			s := start(t, over, push, conn.Options{WriteTimeout: 200 * time.Millisecond})
			before := measure()
			c := gather(t, s, n, request(""), response(""))
			for _, nc := range c.conns {
				got := await(t, s.end(nc.LocalAddr().String()))
				if got != conn.ErrWriteTimeout.Error() {
					t.Errorf("the application got %q, want %q", got, conn.ErrWriteTimeout)
				}
				_ = nc.Close()
			}
			s.forget()
			expectCalm(t, before, n)
		})
	}
}

// What is posted to peers that do not read is bounded, and the poster does not wait.
func TestPostsToSlowReaders(t *testing.T) {
	refused := errors.New("refused")
	post := func(ctx context.Context, c *conn.Conn) error {
		m, err := conn.Prepare(conn.Binary, make([]byte, 10_000))
		for err == nil {
			err = c.Post(m)
		}
		if errors.Is(err, conn.ErrPostLimit) {
			_ = c.CloseNow()
			return fmt.Errorf("%w: %w", refused, c.Write(ctx, conn.Text, nil)) // matches net.ErrClosed
		}
		return err
	}
	s := start(t, "Listen", post, conn.Options{PostLimit: 100_000})
	c := gather(t, s, 10, request(""), response(""))
	for _, nc := range c.conns {
		want := "refused: duplex: the connection was closed by CloseNow"
		if got := await(t, s.end(nc.LocalAddr().String())); got != want {
			t.Errorf("the application got %q, want %q", got, want)
		}
		_ = nc.Close()
	}
}

// A peer that goes silent is sent a Ping and then given up.
func TestSilence(t *testing.T) {
	everyServer(t, conn.Options{KeepAlive: 100 * time.Millisecond}, func(t *testing.T, s *server) {
		nc := s.dial(t)
		ended := s.end(nc.LocalAddr().String())
		_, _ = io.WriteString(nc, request(""))
		answer, err := io.ReadAll(nc)
		_ = nc.Close()
		rest, ok := strings.CutPrefix(string(answer), response("")+"\x89\x08")
		if !ok || len(rest) < 8 || rest[8:] != got(0x88, closing(1011, "keepalive: no sign of life")) || err != nil {
			t.Errorf("got %q, %v, want a Ping with 8 bytes and a Close", answer, err)
		}
		if got := await(t, ended); got != conn.ErrKeepAlive.Error() {
			t.Errorf("the application got %q, want %q", got, conn.ErrKeepAlive)
		}
	})
}

// Peers that reset the stream in the middle of a frame end their own connections.
func TestResets(t *testing.T) {
	everyServer(t, conn.Options{}, func(t *testing.T, s *server) {
		const n = 50
		before := measure()
		c := gather(t, s, n, request("")+encode(send(f(0x89, "p"), claim(0x82, 0, 1000, "half")), true), response("")+got(0x8A, "p"))
		for _, nc := range c.conns {
			ended := s.end(nc.LocalAddr().String())
			_ = nc.Close()
			if got := await(t, ended); !strings.HasPrefix(got, "duplex: the connection was lost: ") {
				t.Errorf("the application got %q", got)
			}
		}
		s.forget()
		befriend(t, s)
		expectCalm(t, before, n)
	})
}
