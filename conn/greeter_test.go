package conn

import (
	"context"
	"io"
	"log"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/duplexws/duplex/handshake"
)

// greeterID returns the number of the goroutine that runs.
func greeterID() string {
	b := make([]byte, 64)
	id, _, _ := strings.Cut(strings.TrimPrefix(string(b[:runtime.Stack(b, false)]), "goroutine "), " ")
	return id
}

// awaitGreeters waits until so many greeters are there, all of them idle.
func awaitGreeters(l *reception, n int) {
	for {
		l.mu.Lock()
		idle, inside := l.idle, len(l.inside)
		l.mu.Unlock()
		if idle == n && inside == n {
			return
		}
		runtime.Gosched()
	}
}

// A greeter does one handshake after the other, and is replaced if Route ends it. Not more
// than a few wait for work, and none does when Listen has returned.
func TestGreeters(t *testing.T) {
	var mu sync.Mutex
	greeters := map[string]int{}
	hold := make(chan struct{})
	route := func(_ context.Context, r *handshake.Request) (func(context.Context, *Conn) error, error) {
		mu.Lock()
		greeters[greeterID()]++
		mu.Unlock()
		switch r.Target {
		case "/exit":
			runtime.Goexit()
		case "/panic":
			panic("panic")
		case "/hold":
			<-hold
		}
		return func(ctx context.Context, c *Conn) error { return c.Discard(ctx) }, nil
	}
	ctx, cancel := context.WithCancel(background)
	l := newReception(ctx, nil, &ListenOptions{Route: route, ErrorLog: log.New(io.Discard, "", 0)})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	opened := async(func() error { return l.open(ctx, ln) })
	dial := func(path string) bool {
		c, err := Dial(ctx, "ws://"+ln.Addr().String()+path, nil)
		if err == nil {
			_ = c.CloseNow()
		}
		return err == nil
	}
	for i, step := range []struct {
		path      string
		connected bool
		greeters  int // that there were so far
		idle      int
	}{
		{"/", true, 1, 1},
		{"/", true, 1, 1},
		{"/panic", false, 1, 1},
		{"/", true, 1, 1},
		{"/exit", false, 1, 0},
		{"/", true, 2, 1},
	} {
		if got := dial(step.path); got != step.connected {
			t.Errorf("%d, %s: connected: %v", i, step.path, got)
		}
		awaitGreeters(l, step.idle)
		mu.Lock()
		if len(greeters) != step.greeters {
			t.Errorf("%d, %s: %d greeters so far, want %d", i, step.path, len(greeters), step.greeters)
		}
		mu.Unlock()
	}
	var wg sync.WaitGroup
	for range maxIdle + 10 {
		wg.Go(func() {
			if !dial("/hold") {
				t.Error("not connected")
			}
		})
	}
	for n := 0; n < maxIdle+10; runtime.Gosched() {
		l.mu.Lock()
		n = len(l.inside) - l.idle
		l.mu.Unlock()
	}
	close(hold)
	wg.Wait()
	awaitGreeters(l, maxIdle)
	cancel()
	_ = ln.Close()
	<-opened
	l.close()
	if n := len(l.inside); n != 0 {
		t.Errorf("%d greeters are left", n)
	}
}
