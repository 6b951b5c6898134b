//go:build !race

package conn_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/duplexws/duplex/conn"
)

// The handshake makes a stack grow, which does not shrink again as long as its goroutine
// lives. So the function for a connection begins on another one, whose stack is as small
// as that of any new goroutine, 2 KiB.
func TestStackOfConnections(t *testing.T) {
	// The runtime learns from the stacks of other tests how large new ones are to be.
	const learning = "adaptivestackstart=0"
	if !strings.Contains(os.Getenv("GODEBUG"), learning) {
		again := exec.Command(os.Args[0], "-test.run=^TestStackOfConnections$")
		again.Env = append(os.Environ(), "GODEBUG="+learning)
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	const conns, most = 400, 2048 + 512
	type function = func(context.Context, *conn.Conn) error
	for name, serve := range map[string]func(net.Listener, function) error{
		"Listen":  func(ln net.Listener, f function) error { return conn.Listen(context.Background(), ln, f, nil) },
		"Handler": func(ln net.Listener, f function) error { return http.Serve(ln, conn.Handler(f, nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			var running atomic.Int32
			f := func(context.Context, *conn.Conn) error {
				running.Add(1)
				<-release
				return nil
			}
			ln := newMemoryListener()
			done := make(chan error, 1)
			go func() { done <- serve(ln, f) }()
			var clients []*conn.Conn
			dial := func(n int) int {
				for range n {
					c, err := conn.Dial(testContext(t), "ws://h", ln.dial())
					if err != nil {
						t.Fatal(err)
					}
					clients = append(clients, c)
				}
				for int(running.Load()) < len(clients) {
					runtime.Gosched()
				}
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
			close(release)
			for _, c := range clients {
				_ = c.CloseNow()
			}
			_ = ln.Close()
			<-done
		})
	}
}
