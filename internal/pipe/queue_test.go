package pipe

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestQueue compares the ring with a bytes.Buffer.
func TestQueue(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{1, 7, minQueue / 2, minQueue, 5 * minQueue} {
		var q queue
		var want bytes.Buffer
		next := byte(0)
		for range 2000 {
			if rnd.IntN(2) == 0 {
				p := make([]byte, rnd.IntN(most+1))
				for i := range p {
					p[i], next = next, next+1
				}
				q.push(p)
				want.Write(p)
			} else {
				p := make([]byte, rnd.IntN(2*most))
				n := q.pop(p)
				if !bytes.Equal(p[:n], want.Next(len(p))) {
					t.Fatalf("pop of up to %d bytes = %x", len(p), p[:n])
				}
			}
			if q.n != want.Len() {
				t.Fatalf("the queue holds %d bytes, want %d", q.n, want.Len())
			}
		}
	}
}

// TestLateTimer has the timer of a deadline fire after that was moved or removed.
func TestLateTimer(t *testing.T) {
	var mu sync.Mutex
	for name, at := range map[string]time.Time{"moved": time.Now().Add(time.Hour), "removed": {}} {
		d := deadline{wake: sync.NewCond(&mu)}
		mu.Lock()
		d.set(time.Now().Add(time.Hour))
		d.set(at)
		mu.Unlock()
		d.fire()
		if d.passed {
			t.Errorf("%s: the deadline has passed", name)
		}
		d.stop()
	}
}

// TestCloseStopsTheTimers leaves deadlines far ahead and looks at their timers after
// Close.
func TestCloseStopsTheTimers(t *testing.T) {
	c, peer := New(0)
	defer peer.Close()
	if err := c.SetDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	e := c.(*end)
	if e.in.readTimeout.timer.Stop() || e.out.writeTimeout.timer.Stop() {
		t.Error("a timer was still running after Close")
	}
}
