package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// bounds are those of the buckets of a histogram. One more takes what is above them.
var bounds = [...]time.Duration{
	100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond,
	100 * time.Millisecond, 300 * time.Millisecond, time.Second, 10 * time.Second,
}

// histogram counts times. It is an expvar.Var.
type histogram struct {
	counts [len(bounds) + 1]atomic.Int64
	sum    atomic.Int64 // nanoseconds
}

func (h *histogram) add(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	h.sum.Add(int64(d))
}

// String returns JSON: how many there were, their sum in seconds, and for each bound how
// many were no longer than that.
func (h *histogram) String() string {
	var buckets strings.Builder
	total := int64(0)
	for i, bound := range bounds {
		total += h.counts[i].Load()
		fmt.Fprintf(&buckets, "%q: %d, ", bound, total)
	}
	total += h.counts[len(bounds)].Load()
	return fmt.Sprintf(`{"count": %d, "seconds": %g, "up_to": {%s"any": %d}}`,
		total, time.Duration(h.sum.Load()).Seconds(), &buckets, total)
}
