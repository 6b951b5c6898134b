package hostile

import (
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duplexws/duplex/conn"
)

// usage is what the process holds.
type usage struct {
	memory     int64 // heap and stacks
	goroutines int
}

func measure() usage {
	// Twice, since what is in a pool survives the first.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{int64(m.HeapAlloc + m.StackInuse), runtime.NumGoroutine()}
}

// allocated is how many bytes were allocated so far.
func allocated() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.TotalAlloc)
}

// expectUsage checks that n connections, with the ends of the test, hold no more than so
// much each.
func expectUsage(t *testing.T, before usage, n int, memory int64, goroutines int) {
	t.Helper()
	now := measure()
	each := (now.memory - before.memory) / int64(n)
	t.Logf("%d connections: %d bytes and %d goroutines each", n, each, (now.goroutines-before.goroutines)/n)
	if each > slack*memory {
		t.Errorf("%d bytes for each of %d connections, want at most %d", each, n, memory)
	}
	// A few may be on their way out.
	if more := now.goroutines - before.goroutines; more > goroutines*n+n/10 {
		t.Errorf("%d goroutines more for %d connections, want at most %d for each", more, n, goroutines)
	}
}

// spare is how many goroutines a server may keep to receive the next clients.
const spare = 16

// expectCalm waits until nothing is left of n connections: the goroutines are as many as
// before, but for a few of the server, and the memory is nearly what it was.
func expectCalm(t *testing.T, before usage, n int) {
	t.Helper()
	end := time.Now().Add(patience)
	for {
		now := measure()
		if now.goroutines <= before.goroutines+spare && now.memory-before.memory < slack*(int64(n)<<10+1<<20) {
			return
		}
		if time.Now().After(end) {
			t.Errorf("%d goroutines and %d bytes more than before", now.goroutines-before.goroutines, now.memory-before.memory)
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// crowd is many clients of one server.
type crowd struct {
	s     *server
	conns []*net.TCPConn
}

// gather connects n clients, which send the given bytes and get back, first of all, the
// bytes of want.
func gather(t *testing.T, s *server, n int, bytes, want string) *crowd {
	t.Helper()
	c := &crowd{s: s, conns: make([]*net.TCPConn, n)}
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for i := w; i < n; i += 8 {
				nc, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Error(err)
					return
				}
				c.conns[i] = prepare(nc)
				_, _ = io.WriteString(nc, bytes)
				got := make([]byte, len(want))
				if _, err := io.ReadFull(nc, got); err != nil || string(got) != want {
					t.Errorf("%v, got %.200q", err, got)
					return
				}
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return c
}

// warmUp has the process open n connections, each with a goroutine, and close them. It keeps
// something of each for as long as it lives, whoever opens them: the runtime never frees what
// describes a goroutine.
func warmUp(t *testing.T, n int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			ended.Go(func() {
				_, _ = io.Copy(io.Discard, nc)
				_ = nc.Close()
			})
		}
	})
	for _, nc := range gather(t, &server{addr: ln.Addr().String()}, n, "", "").conns {
		_ = nc.Close()
	}
	_ = ln.Close()
	ended.Wait()
}

// leave has all clients hang up, and waits until their applications have ended.
func (c *crowd) leave(t *testing.T) {
	t.Helper()
	for _, nc := range c.conns {
		ended := c.s.end(nc.LocalAddr().String())
		_ = nc.Close()
		await(t, ended)
	}
	c.s.forget()
}

// forget forgets the clients that were there.
func (s *server) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.ended)
}

// A friend is served while others attack.
func befriend(t *testing.T, s *server) {
	t.Helper()
	nc := s.dial(t)
	ended := s.end(nc.LocalAddr().String())
	_, _ = io.WriteString(nc, request("")+encode(send(f(0x81, "Hello"), f(0x88, "")), true))
	var got strings.Builder
	if _, err := io.Copy(&got, nc); err != nil || got.String() != response("")+friendly {
		t.Errorf("a friend got %v, %q", err, got.String())
	}
	_ = nc.Close()
	await(t, ended)
}

var friendly = got(0x81, "Hello") + got(0x88, "")

// everyServer runs f for a server of each kind, one after the other.
func everyServer(t *testing.T, o conn.Options, f func(t *testing.T, s *server)) {
	for _, over := range []string{"net/http", "Listen"} {
		for name, e := range map[string]echo{"Read": byRead, "Serve": byServe} {
			t.Run(over+", "+name, func(t *testing.T) {
				s := start(t, over, e, o)
				befriend(t, s) // warms up what is made once
				s.forget()
				f(t, s)
			})
		}
	}
}
