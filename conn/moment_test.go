package conn

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/duplexws/duplex/internal/pipe"
)

// Of those who take a turn, for a moment or longer, only one has it at any time, and sees
// what those before have done.
func TestTurnMoments(t *testing.T) {
	const rounds = 20_000 / sample
	a, _ := pipe.New(0)
	c := New(a, Start{}, nil)
	defer c.CloseNow()
	var turn turn
	var count, tries int // guarded by the turn
	moment := func() bool {
		if !turn.tryMoment() {
			return false
		}
		count++
		turn.endMoment()
		return true
	}
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for n := 0; n < rounds; {
				if moment() {
					n++
				}
			}
		})
		all.Go(func() {
			for range rounds {
				if err := c.acquire(t.Context(), &turn, nil); err != nil {
					t.Error(err)
					return
				}
				count++
				turn.release()
			}
		})
		all.Go(func() {
			for range rounds {
				if turn.try() {
					count++
					tries++
					turn.release()
				}
			}
		})
	}
	all.Wait()
	if want := 4*rounds + tries; count != want || !turn.free() {
		t.Errorf("%d, want %d; free: %t", count, want, turn.free())
	}
}

// A turn that somebody has for a moment looks free to everybody else, a little later.
func TestTurnAfterAMoment(t *testing.T) {
	var turn turn
	if !turn.tryMoment() || turn.tryMoment() {
		t.Fatal("a turn is had twice")
	}
	got := async(func() bool { return turn.try() })
	queued := async(func() *waiter { return turn.enqueue() })
	turn.endMoment()
	first, w := mustReturn(t, "try", got), mustReturn(t, "enqueue", queued)
	if first == (w == nil) {
		t.Errorf("try: %t, enqueue: %v; want one of them to have the turn", first, w)
	}
	if turn.tryMoment() {
		t.Error("a turn that is held is had for a moment")
	}
}

// A moment that passes while somebody tries does not make him give up: nobody would tell him
// that the turn is free, and whoever had it for a moment does nothing in his place.
func TestTurnTriedAsAMomentPasses(t *testing.T) {
	const rounds = 50_000 / sample
	var turn turn
	var over atomic.Bool
	var moments sync.WaitGroup
	moments.Go(func() {
		for !over.Load() {
			if turn.tryMoment() {
				turn.endMoment()
			}
		}
	})
	lost := 0
	for range rounds {
		if !turn.try() {
			lost++
			continue
		}
		turn.release()
	}
	over.Store(true)
	moments.Wait()
	if lost > 0 {
		t.Errorf("%d of %d times the turn was not had, and nobody else had it", lost, rounds)
	}
}
