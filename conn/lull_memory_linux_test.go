//go:build linux && (amd64 || arm64) && !race

package conn

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// A connection that waits for its first message has the stack of a new goroutine, 2 KiB,
// whatever has accepted it, and however its function reads.
func TestStackInALull(t *testing.T) {
	// The runtime learns from the stacks of other tests how large new ones are to be.
	const learning = "adaptivestackstart=0"
	if !strings.Contains(os.Getenv("GODEBUG"), learning) {
		again := exec.Command(os.Args[0], "-test.run=^TestStackInALull$")
		again.Env = append(os.Environ(), "GODEBUG="+learning)
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	const conns, most = 200, 2048 + 512
	type function = func(context.Context, *Conn) error
	for by, serve := range map[string]func(net.Listener, function) error{
		"Listen":  func(ln net.Listener, f function) error { return Listen(background, ln, f, nil) },
		"Handler": func(ln net.Listener, f function) error { return http.Serve(ln, Handler(f, nil)) },
	} {
		for how, read := range map[string]function{
			"Serve": func(ctx context.Context, c *Conn) error {
				return c.Serve(ctx, func(r *Replier, m Message) error { return r.Write(m.Type, m.Data) })
			},
			"Serve with a context of its own": func(ctx context.Context, c *Conn) error {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				return c.Serve(ctx, func(r *Replier, m Message) error { return r.Write(m.Type, m.Data) })
			},
			"Read": func(ctx context.Context, c *Conn) error {
				for {
					typ, data, err := c.Read(ctx)
					if err != nil {
						return err
					}
					if err := c.Write(ctx, typ, data); err != nil {
						return err
					}
				}
			},
			"Discard": func(ctx context.Context, c *Conn) error { return c.Discard(ctx) },
		} {
			t.Run(by+", "+how, func(t *testing.T) {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				must(t, err)
				done := async(func() error { return serve(ln, read) })
				var clients []*Conn
				dial := func(n int) int {
					for range n {
						c, err := Dial(t.Context(), "ws://"+ln.Addr().String(), nil)
						must(t, err)
						clients = append(clients, c)
					}
					awaitLulls(t, len(clients))
					runtime.GC()
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					return int(m.StackInuse)
				}
				before := dial(50) // and with them all that is needed once
				after := dial(conns)
				if each := (after - before) / conns; each > most {
					t.Errorf("%d bytes of stack for each connection, want at most %d", each, most)
				}
				for _, c := range clients {
					_ = c.CloseNow()
				}
				_ = ln.Close()
				<-done
			})
		}
	}
}
