package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
		{[]float64{7, 7, 1, 7, 100}, 7},
	} {
		before := append([]float64(nil), test.values...)
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v) = %v, want %v", test.values, got, test.want)
		}
		if diff := cmp.Diff(before, test.values); diff != "" {
			t.Errorf("median changed its argument:\n%s", diff)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("median(nil) = %v", got)
	}
}

// TestRounds shows that a figure that only some rounds have found counts for those.
func TestRounds(t *testing.T) {
	var e entry
	e.add(figures{cpu: 1, replySize: 500})
	e.add(figures{cpu: 3})
	e.add(figures{cpu: 2})
	if diff := cmp.Diff(figures{cpu: 2, replySize: 500}, e.Median); diff != "" {
		t.Errorf("medians (-want +got):\n%s", diff)
	}
}

func TestUnrest(t *testing.T) {
	entries := []*entry{
		{Contender: "peer", Rounds: []figures{{cpu: 1}, {cpu: 9}}},
		{Contender: "raw", Yardstick: true, Rounds: []figures{{cpu: 4, rate: 1}, {cpu: 5, rate: 9}, {cpu: 4.5}}},
	}
	if got := unrest(entries); got != 1.25 {
		t.Errorf("unrest is %v, want that of the yardstick, 1.25", got)
	}
	if got := unrest(entries[:1]); got != 1 {
		t.Errorf("unrest without a yardstick is %v, want 1", got)
	}
}

func TestDuels(t *testing.T) {
	entries := []*entry{
		{Case: "a", Contender: "raw", Yardstick: true},
		{Case: "a", Contender: "peer"},
		{Case: "a", Contender: "duplex", Ours: true},
		{Case: "b", Contender: "other"},
	}
	for i, e := range entries {
		e.add(figures{cpu: float64(10 * (i + 1)), replySize: float64(i + 4)})
	}
	var b strings.Builder
	if err := duels(&b, entries, cpu, replySize); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("  a  duplex  by peer  1.50  1.200\n", b.String()); diff != "" {
		t.Errorf("duels (-want +got):\n%s", diff)
	}
}

func TestTable(t *testing.T) {
	entries := []*entry{
		{Workload: "echo", Case: "1 KiB", Contender: "raw", Yardstick: true},
		{Workload: "echo", Case: "1 KiB", Contender: "a"},
		{Workload: "echo", Case: "1 KiB", Contender: "b"},
		{Workload: "echo", Case: "1 KiB", Contender: "duplex", Ours: true},
		{Workload: "echo", Case: "2 KiB", Contender: "a"},
	}
	for round := range 3 {
		for i, e := range entries {
			e.add(figures{cpu: float64((i + 1) * (round + 1))})
		}
	}
	var b strings.Builder
	if err := table(&b, entries, []column{{name: cpu, title: "CPU µs", format: "%.1f", spread: true, ratios: true}}); err != nil {
		t.Fatal(err)
	}
	const want = `
echo, 1 KiB (medians of 3 rounds)
  contender  CPU µs  least  most  × raw  × best peer
        raw     2.0    1.0   3.0   1.00         0.50
          a     4.0    2.0   6.0   2.00         1.00
          b     6.0    3.0   9.0   3.00         1.50
     duplex     8.0    4.0  12.0   4.00         2.00

echo, 2 KiB (medians of 3 rounds)
  contender  CPU µs  least  most  × raw  × best peer
          a    10.0    5.0  15.0      -         1.00
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestJSON(t *testing.T) {
	want := []*entry{{Workload: "echo", Case: "a", Contender: "duplex", Ours: true}}
	want[0].add(figures{cpu: 1.5, allocs: 0})
	want[0].add(figures{cpu: 2.5, allocs: 0})
	name := filepath.Join(t.TempDir(), "figures.json")
	if err := writeJSON(name, want); err != nil {
		t.Fatal(err)
	}
	got, err := readJSON(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readJSON(writeJSON) (-want +got):\n%s", diff)
	}
}
