package main

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestChartValues(t *testing.T) {
	c := chart{name: cpu, raw: true}
	for _, e := range []struct {
		kind, contender string
		raw             bool
		cpu             float64
	}{{"a", "raw", true, 2}, {"a", "gws", false, 3}, {"b", "raw", true, 4}, {"b", "duplex", false, 2}} {
		c.entries = append(c.entries, &entry{Case: e.kind, Contender: e.contender, Yardstick: e.raw, Median: figures{cpu: e.cpu}})
	}
	cases, contenders := c.names()
	if diff := cmp.Diff([][]string{{"a", "b"}, {"raw", "gws", "duplex"}}, [][]string{cases, contenders}); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for name, want := range map[string][]float64{"raw": {1, 1}, "gws": {1.5, math.NaN()}, "duplex": {math.NaN(), 0.5}} {
		if diff := cmp.Diff(want, c.values(name, cases), cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
