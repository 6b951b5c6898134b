package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// Serve and the other ways to read take turns on a connection, are cancelled anywhere, and
// nothing is lost, with and without compression.
func TestServeTakesTurns(t *testing.T) {
	const messages, seed = 200, 1
	for _, z := range []*Compression{nil, {MinSize: 100}, {ServerNoContextTakeover: true, ClientNoContextTakeover: true}} {
		t.Run(fmt.Sprintf("%+v", z), func(t *testing.T) {
			a, b := tcpPair(t)
			o := &Options{Compression: z}
			var start Start
			if z != nil {
				start.Extensions = z.choose(z.offers())
			}
			client := New(b, start, o)
			start.Role = Server
			server := New(a, start, o)
			defer client.CloseNow()
			defer server.CloseNow()
			sent := async(func() error { return sendMixed(client, messages, seed) })
			r := rand.New(rand.NewPCG(seed, 1))
			for got := 0; got < messages; {
				ms, err := readMixed(server, r)
				for _, m := range ms {
					if want := mixedBody(got); !bytes.Equal(m, want) {
						t.Fatalf("message %d: %d bytes, want %d", got, len(m), len(want))
					}
					got++
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) && err != errEnough {
					t.Fatal(err)
				}
			}
			must(t, <-sent)
		})
	}
}

var errEnough = errors.New("enough")

// mixedBody is the payload of a message.
func mixedBody(i int) []byte {
	n := i * i % 700
	if i%20 == 0 {
		n = 100 * i
	}
	return bytes.Repeat([]byte{byte('a' + i%26)}, n)
}

// sendMixed sends messages in all ways.
func sendMixed(c *Conn, messages int, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range messages {
		p := mixedBody(i)
		var err error
		switch r.IntN(4) {
		case 0:
			var m *Prepared
			if m, err = Prepare(Text, p); err == nil {
				err = c.Post(m)
			}
		case 1:
			err = streamed(c, p)
		case 2:
			ctx, cancel := context.WithTimeout(background, time.Duration(r.IntN(2e6)))
			_, _, err = c.Read(ctx) // so that Pongs and the like are dealt with
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				err = c.Write(background, Binary, p)
			}
		default:
			err = c.Write(background, Text, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readMixed reads messages in one of the ways, for a moment.
func readMixed(c *Conn, r *rand.Rand) (ms [][]byte, err error) {
	ctx, cancel := context.WithTimeout(background, time.Duration(r.IntN(2e6)))
	defer cancel()
	if r.IntN(3) == 0 {
		_, p, err := readOnes[r.IntN(len(readOnes))].read(ctx, c)
		if err != nil {
			return nil, err
		}
		return [][]byte{bytes.Clone(p)}, nil
	}
	enough := 1 + r.IntN(10)
	err = c.Serve(ctx, func(_ *Replier, m Message) error {
		ms = append(ms, bytes.Clone(m.Data))
		clear(m.Data)
		if len(ms) == enough {
			return errEnough
		}
		return nil
	})
	return ms, err
}

// A peer that takes no replies does not keep Serve from ending.
func TestServeEndsWhenRepliesAreStuck(t *testing.T) {
	for _, size := range []int{100, 15_000, 50_000} { // gathered, and not
		for name, end := range map[string]func(c *Conn, cancel func()) error{
			"cancelled": func(_ *Conn, cancel func()) error { cancel(); return context.Canceled },
			"CloseNow":  func(c *Conn, _ func()) error { _ = c.CloseNow(); return errCloseNow },
			"Close": func(c *Conn, _ func()) error {
				ctx, cancel := context.WithTimeout(background, 10*time.Millisecond)
				defer cancel()
				_ = c.Close(ctx, StatusNormalClosure, "")
				return nil
			},
		} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				a, b := tcpPair(t)
				c := New(a, Start{Role: Server}, nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				serving := async(func() error { return c.Serve(ctx, echoing) })
				frames := bytes.Repeat(wire(Client, binaryFrame(string(make([]byte, size)))), 1+100_000/size)
				for {
					must(t, b.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
					if _, err := b.Write(frames); err != nil {
						break // both directions are full
					}
				}
				want := end(c, cancel)
				err := mustReturn(t, "Serve", serving)
				if want != nil {
					mustBe(t, err, want)
				}
				_ = c.CloseNow() // the context may have ended before a frame began to leave
				mustEnd(t, c)
			})
		}
	}
}

// Serve, on both ends of TCP, among all other calls, until one of them ends it: every call
// returns.
func TestServeAmongAll(t *testing.T) {
	for name, end := range map[string]func(c *Conn) error{
		"Close":    func(c *Conn) error { return c.Close(background, StatusNormalClosure, "") },
		"CloseNow": func(c *Conn) error { return c.CloseNow() },
		"lost":     func(c *Conn) error { return c.NetConn().Close() },
		"panic": func(c *Conn) error {
			defer func() { _ = recover() }()
			_ = c.Serve(background, func(*Replier, Message) error {
				defer c.CloseNow()
				panic("in the function")
			})
			return c.CloseNow()
		},
		"Close inside": func(c *Conn) error {
			return c.Serve(background, func(*Replier, Message) error {
				return c.Close(background, StatusGoingAway, "")
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := tcpPair(t)
			sides := []*Conn{New(a, Start{Role: Client}, nil), New(b, Start{Role: Server}, nil)}
			var all sync.WaitGroup
			for i := range 16 {
				c := sides[i%2]
				r := rand.New(rand.NewPCG(1, uint64(i)))
				all.Go(func() {
					for c.terminal() == nil {
						serveAmong(c, r)
					}
				})
			}
			<-time.After(50 * time.Millisecond) // for them to do something
			all.Go(func() { _ = end(sides[0]) })
			mustReturn(t, "one of the calls", async(func() bool { all.Wait(); return true }))
			for _, c := range sides {
				mustEnd(t, c)
				mustBe(t, c.Serve(background, ignoring), net.ErrClosed)
				mustBe(t, c.Post(prepared(t, "late")), net.ErrClosed)
			}
		})
	}
}

// serveAmong calls one of the methods.
func serveAmong(c *Conn, r *rand.Rand) {
	ctx, cancel := context.WithTimeout(background, time.Duration(r.IntN(5e6)))
	defer cancel()
	switch r.IntN(8) {
	case 0, 1:
		replies := r.IntN(20)
		_ = c.Serve(ctx, func(r *Replier, m Message) error {
			if replies--; replies < 0 {
				return errEnough
			}
			return r.Write(Binary, m.Data[:min(len(m.Data), 10)])
		})
	case 2:
		_, _, _ = c.Read(ctx)
	case 3:
		_ = c.Discard(ctx)
	case 4:
		_, _ = c.Ping(ctx)
	case 5:
		if m, err := Prepare(Binary, make([]byte, r.IntN(3000))); err == nil {
			_ = c.Post(m)
		}
	case 6:
		_ = c.Write(background, Binary, make([]byte, r.IntN(3000)))
	case 7:
		_ = streamed(c, bytes.Repeat([]byte("x"), r.IntN(3000)))
	}
}
