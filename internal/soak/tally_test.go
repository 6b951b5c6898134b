package soak

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A tally counts things by group and name.
type tally struct {
	mu     sync.Mutex
	counts map[string]map[string]int64
}

func (t *tally) add(group, name string, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]map[string]int64{}
	}
	if t.counts[group] == nil {
		t.counts[group] = map[string]int64{}
	}
	t.counts[group][name] += n
}

// most keeps the largest value.
func (t *tally) most(group, name string, n int64) {
	t.add(group, name, 0)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts[group][name] = max(t.counts[group][name], n)
}

// sum returns what a group comes to.
func (t *tally) sum(group string) (n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.counts[group] {
		n += c
	}
	return n
}

// get returns one count.
func (t *tally) get(group, name string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[group][name]
}

// String returns all counts, a line for each group.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, group := range slices.Sorted(maps.Keys(t.counts)) {
		fmt.Fprintf(&b, "%s:", group)
		sep := " "
		for _, name := range slices.Sorted(maps.Keys(t.counts[group])) {
			fmt.Fprintf(&b, "%s%d %s", sep, t.counts[group][name], name)
			sep = ", "
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestTally(t *testing.T) {
	var c tally
	c.add("faults", "reset", 1)
	c.add("faults", "cut", 2)
	c.add("faults", "reset", 3)
	c.most("most", "goroutines", 7)
	c.most("most", "goroutines", 5)
	if diff := cmp.Diff("faults: 2 cut, 4 reset\nmost: 7 goroutines\n", c.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c.sum("faults") != 6 || c.get("faults", "cut") != 2 {
		t.Errorf("sum %d, one of them %d", c.sum("faults"), c.get("faults", "cut"))
	}
}
