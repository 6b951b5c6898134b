package conn

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/internal/pipe"
)

// Many goroutines call everything on both sides, while one of them ends it.
func TestCallEverything(t *testing.T) {
	const callers = 100
	for name, end := range map[string]func(c *Conn) error{
		"Close":    func(c *Conn) error { return c.Close(background, StatusNormalClosure, "") },
		"CloseNow": func(c *Conn) error { return c.CloseNow() },
		"lost":     func(c *Conn) error { return c.NetConn().Close() },
		"violation": func(c *Conn) error {
			_, err := c.NetConn().Write([]byte{0xFF, 0xFF})
			return err
		},
	} {
		for _, size := range []int{50, 0} {
			t.Run(fmt.Sprintf("%s, %d", name, size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a, b := pipe.New(size)
					sides := []*Conn{New(a, Start{Role: Client}, nil), New(b, Start{Role: Server}, nil)}
					var all sync.WaitGroup
					for i := range callers {
						c := sides[i%2]
						random := rand.New(rand.NewPCG(1, uint64(i)))
						all.Go(func() {
							for c.terminal() == nil {
								callAnything(c, random)
							}
						})
					}
					<-time.After(3 * time.Second)
					all.Go(func() { _ = end(sides[0]) })
					all.Wait()
					for _, c := range sides {
						<-c.Context().Done()
						mustBe(t, c.Write(background, Text, nil), net.ErrClosed)
					}
				})
			})
		}
	}
}

// callAnything calls one of the methods, perhaps with a context that soon ends; not
// where that would end the connection.
func callAnything(c *Conn, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(background, time.Duration(random.IntN(2e9)))
	defer cancel()
	switch random.IntN(10) {
	case 0:
		_, _, _ = c.Read(ctx)
	case 1:
		_, _, _ = c.ReadAppend(ctx, make([]byte, 0, random.IntN(100)))
	case 2:
		if _, r, err := c.Reader(ctx); err == nil {
			_, _ = io.CopyN(io.Discard, r, int64(random.IntN(1000)))
			_ = r.Close()
		}
	case 3:
		_ = c.Discard(ctx)
	case 4:
		_ = c.Write(background, Binary, make([]byte, random.IntN(5000)))
	case 5:
		if w, err := c.Writer(background, Text); err == nil {
			_, _ = io.WriteString(w, large[:random.IntN(len(large))])
			_ = w.Close()
		}
	case 6:
		if m, err := Prepare(Text, []byte(large[:random.IntN(1000)])); err == nil {
			_ = c.WritePrepared(background, m)
		}
	case 7:
		for range c.Messages(ctx) {
			break
		}
	case 8:
		c.SetReadLimit(int64(10_000 + random.IntN(1000)))
	case 9:
		_ = c.Context()
	}
	<-time.After(time.Duration(random.IntN(1e8)))
}
