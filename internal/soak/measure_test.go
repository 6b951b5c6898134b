package soak

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// A measure is what a process holds.
type measure struct {
	heap        uint64 // bytes of objects that the last collection has found alive
	stacks      uint64 // bytes
	resident    uint64 // bytes of the process in memory; 0 where that cannot be read
	goroutines  int
	descriptors int // 0 where they cannot be counted
}

func (m measure) String() string {
	const MiB = 1 << 20
	return fmt.Sprintf("heap %.2f MiB, stacks %.2f MiB, resident %.1f MiB, %d goroutines, %d descriptors",
		float64(m.heap)/MiB, float64(m.stacks)/MiB, float64(m.resident)/MiB, m.goroutines, m.descriptors)
}

// take measures.
func take() measure {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return measure{live(), s.StackInuse, resident(), runtime.NumGoroutine(), descriptors()}
}

// live returns how many bytes of objects the last collection of garbage has found alive. How
// much garbage there is besides depends on when that was.
func live() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// descriptors counts the open file descriptors, where Linux tells.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// resident returns what the process has in memory, where Linux tells.
func resident() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	pages, _ := strconv.ParseUint(string(fields[1]), 10, 64)
	return pages * uint64(os.Getpagesize())
}

// settle waits until no more goroutines and descriptors are open than at some time before,
// 15 s at most, and measures what is left after the garbage was collected. What is
// wanted is nil the first time: then it waits for them to stay the same.
func settle(want *measure) measure {
	var last measure
	for same, end := 0, time.Now().Add(15*time.Second); same < 10 && time.Now().Before(end); {
		debug.FreeOSMemory() // twice: what is in a sync.Pool outlives one collection
		debug.FreeOSMemory()
		now := take()
		switch {
		case want != nil && now.goroutines <= want.goroutines && now.descriptors <= want.descriptors:
			same = 10
		case want == nil && now.goroutines == last.goroutines && now.descriptors == last.descriptors:
			same++
		default:
			same = 0
		}
		last = now
		pause(context.Background(), 20*time.Millisecond)
	}
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	return take()
}

// How much more there may be at the end than at the beginning, and what there may be
// meanwhile for each client, on top of that.
const (
	heapSlack           = 256 << 10
	heapPerClient       = 768 << 10
	goroutinesPerClient = 25
	descriptorsEach     = 10
)

// above says what a measure has too much of, compared with the one at the beginning.
func (m measure) above(base measure) (list []string) {
	if m.goroutines > base.goroutines {
		list = append(list, fmt.Sprintf("%d goroutines more than at the beginning", m.goroutines-base.goroutines))
	}
	if m.descriptors > base.descriptors {
		list = append(list, fmt.Sprintf("%d descriptors more than at the beginning", m.descriptors-base.descriptors))
	}
	if m.heap > base.heap+heapSlack {
		list = append(list, fmt.Sprintf("%d bytes in the heap more than at the beginning", m.heap-base.heap))
	}
	return list
}

// What is measured how often, and when the process counts as one that has stood still:
// a machine that is busy with other things may keep it from running at all. Then time that
// has passed says nothing.
const (
	watchEvery = 250 * time.Millisecond
	standstill = 2 * time.Second
	stutter    = 2 * watchEvery // long enough for a failure to miss its 250 ms for a Close frame
)

// stood reports whether the process stood still at some time in the last d. It looks after
// a moment: others may have to find out, too.
func (w *world) stood(d time.Duration) bool { return w.sinceThen(&w.still, d) }

// stuttered is stood for a stutter.
func (w *world) stuttered(d time.Duration) bool { return w.sinceThen(&w.stutter, d) }

func (w *world) sinceThen(at *atomic.Int64, d time.Duration) bool {
	since := time.Now().Add(-d)
	pause(w.hard, 2*watchEvery)
	return time.Unix(0, at.Load()).After(since)
}

// watch measures every now and then until stop ends, and sees to it that nothing grows
// beyond its bounds meanwhile.
func (w *world) watch(stop context.Context, base measure, clients int) {
	for stop.Err() == nil {
		begun := time.Now()
		pause(stop, watchEvery)
		if time.Since(begun) > stutter {
			w.stutter.Store(time.Now().UnixNano())
			w.tally.add("stood still", "times for a moment", 1)
		}
		if d := time.Since(begun); d > standstill {
			w.still.Store(time.Now().UnixNano())
			w.tally.add("stood still", "times", 1)
			w.tally.most("stood still", "ms at most", d.Milliseconds())
		}
		now := take()
		w.tally.most("most at a time", "bytes of heap", int64(now.heap))
		w.tally.most("most at a time", "bytes of stacks", int64(now.stacks))
		w.tally.most("most at a time", "bytes resident", int64(now.resident))
		w.tally.most("most at a time", "goroutines", int64(now.goroutines))
		w.tally.most("most at a time", "descriptors", int64(now.descriptors))
		for _, c := range []struct {
			what       string
			now, bound uint64
		}{
			{"bytes of heap", now.heap, base.heap + uint64(clients)*heapPerClient},
			{"goroutines", uint64(now.goroutines), uint64(base.goroutines + clients*goroutinesPerClient)},
			{"descriptors", uint64(now.descriptors), uint64(base.descriptors + clients*descriptorsEach)},
		} {
			if c.now > c.bound {
				w.ledger.wrongf("%d %s, more than %d", c.now, c.what, c.bound)
			}
		}
	}
}

func TestAbove(t *testing.T) {
	base := measure{heap: 5 << 20, goroutines: 3, descriptors: 8}
	for name, test := range map[string]struct {
		now  measure
		want int
	}{
		"the same":    {base, 0},
		"less":        {measure{heap: 4 << 20, goroutines: 2, descriptors: 7}, 0},
		"goroutines":  {measure{heap: 5 << 20, goroutines: 4, descriptors: 8}, 1},
		"descriptors": {measure{heap: 5 << 20, goroutines: 3, descriptors: 9}, 1},
		"some heap":   {measure{heap: 5<<20 + heapSlack, goroutines: 3, descriptors: 8}, 0},
		"heap":        {measure{heap: 5<<20 + heapSlack + 1, goroutines: 3, descriptors: 8}, 1},
		"all":         {measure{heap: 7 << 20, goroutines: 4, descriptors: 9}, 3},
	} {
		if got := test.now.above(base); len(got) != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
