package conn

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/pipe"
)

// newQueue returns a turn that is held, and a connection to wait with.
func newQueue() (*Conn, *turn) {
	a, _ := pipe.New(0)
	t := new(turn)
	t.try()
	return New(a, Start{}, nil), t
}

// turnQueue is goroutines that ask for a turn, note their number when they get it, and
// pass the turn on.
type turnQueue struct {
	c     *Conn
	turn  *turn
	order []int // written under the turn
	wg    sync.WaitGroup
}

func (q *turnQueue) join(ctx context.Context, number int) {
	q.wg.Go(func() {
		if q.c.acquire(ctx, q.turn, nil) == nil {
			q.order = append(q.order, number)
			q.turn.release()
		}
	})
	synctest.Wait()
}

func TestTurnFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, turn := newQueue()
		defer c.CloseNow()
		q := turnQueue{c: c, turn: turn}
		var want []int
		for i := range 10 {
			q.join(t.Context(), i)
			want = append(want, i)
		}
		turn.release()
		q.wg.Wait()
		if diff := cmp.Diff(want, q.order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if !turn.try() {
			t.Error("the turn is not free in the end")
		}
	})
}

// Whoever gives up leaves the order of the others as it was, wherever in the queue
// they stood.
func TestTurnCancelWhileQueued(t *testing.T) {
	const n = 4
	for mask := range 1 << n {
		synctest.Test(t, func(t *testing.T) {
			c, turn := newQueue()
			defer c.CloseNow()
			q := turnQueue{c: c, turn: turn}
			var want []int
			var cancels []context.CancelFunc
			for i := range n {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				q.join(ctx, i)
				if mask>>i&1 == 1 {
					cancels = append(cancels, cancel)
				} else {
					want = append(want, i)
				}
			}
			for _, cancel := range cancels {
				cancel()
				synctest.Wait()
			}
			q.join(t.Context(), n)
			turn.release()
			q.wg.Wait()
			if diff := cmp.Diff(append(want, n), q.order); diff != "" {
				t.Errorf("set %04b given up (-want +got):\n%s", mask, diff)
			}
			if !turn.try() {
				t.Errorf("set %04b given up: the turn is not free in the end", mask)
			}
		})
	}
}

// Waiting ends with the context, with the event, and with the connection; the errors
// tell which.
func TestTurnWaitEnds(t *testing.T) {
	why := errors.New("why")
	for _, tc := range []struct {
		name   string
		act    func(c *Conn, cancel context.CancelCauseFunc, event chan struct{})
		expect []error
	}{
		{
			"context", func(_ *Conn, cancel context.CancelCauseFunc, _ chan struct{}) { cancel(why) },
			[]error{context.Canceled, why},
		},
		{
			"event", func(_ *Conn, _ context.CancelCauseFunc, event chan struct{}) { close(event) },
			[]error{errEvent},
		},
		{
			"end", func(c *Conn, _ context.CancelCauseFunc, _ chan struct{}) { _ = c.CloseNow() },
			[]error{net.ErrClosed, errCloseNow},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, turn := newQueue()
				defer c.CloseNow()
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				event := make(chan struct{})
				var err error
				var wg sync.WaitGroup
				wg.Go(func() { err = c.acquire(ctx, turn, event) })
				synctest.Wait()
				if !turn.contended() {
					t.Error("nobody seems to wait")
				}
				tc.act(c, cancel, event)
				wg.Wait()
				for _, want := range tc.expect {
					if !errors.Is(err, want) {
						t.Errorf("%v does not match %v", err, want)
					}
				}
				turn.release()
				if !turn.try() {
					t.Error("the turn is not free in the end")
				}
			})
		})
	}
}

// A turn that is handed to somebody who gives up in the same moment goes to the next,
// and is never lost and never held twice.
func TestTurnHandOverRacesCancel(t *testing.T) {
	c, turn := newQueue()
	defer c.CloseNow()
	turn.release()
	for range 2000 {
		turn.try()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		got := 0 // under the turn
		for _, ctx := range []context.Context{ctx, t.Context()} {
			wg.Go(func() {
				if c.acquire(ctx, turn, nil) == nil {
					got++
					turn.release()
				}
			})
		}
		for !turn.contended() {
			runtime.Gosched()
		}
		wg.Go(cancel)
		turn.release()
		wg.Wait()
		if got == 0 || got > 2 {
			t.Fatalf("the turn was had %d times", got)
		}
		if turn.state.Load() != turnFree || turn.queue.Load().first != nil {
			t.Fatalf("in the end the turn is in state %d", turn.state.Load())
		}
	}
}

func TestTurnStress(t *testing.T) {
	c, turn := newQueue()
	defer c.CloseNow()
	turn.release()
	var wg sync.WaitGroup
	held, had := 0, 0 // under the turn: a second holder is a data race
	for i := range 32 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 0))
			for range 300 {
				ctx, cancel := context.WithCancel(t.Context())
				if r.IntN(3) == 0 {
					go cancel()
				}
				if c.acquire(ctx, turn, nil) == nil {
					if held++; held != 1 {
						t.Errorf("held %d times", held)
					}
					if r.IntN(2) == 0 {
						runtime.Gosched()
					}
					had++
					held--
					turn.release()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if had == 0 || turn.state.Load() != turnFree || turn.queue.Load().first != nil {
		t.Errorf("had %d times; in the end the turn is in state %d", had, turn.state.Load())
	}
}

// Whoever is about to join the queue takes the turn if it has become free meanwhile.
func TestTurnBecomesFree(t *testing.T) {
	var turn turn
	if w := turn.enqueue(); w != nil || turn.try() {
		t.Error("a free turn was not taken")
	}
	if w := turn.enqueue(); w == nil {
		t.Error("a held turn was taken")
	}
}

func TestTurnAllocatesNothingWhileNobodyWaits(t *testing.T) {
	c, turn := newQueue()
	defer c.CloseNow()
	turn.release()
	got := testing.AllocsPerRun(100, func() {
		if c.acquire(t.Context(), turn, nil) != nil {
			t.Error("the turn is not free")
		}
		turn.release()
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}
