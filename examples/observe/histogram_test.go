package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHistogram(t *testing.T) {
	var h histogram
	for _, d := range []time.Duration{0, 100 * time.Microsecond, 100*time.Microsecond + 1, 300 * time.Millisecond, time.Minute} {
		h.add(d)
	}
	type result struct {
		Count   int
		Seconds float64
		UpTo    map[string]int `json:"up_to"`
	}
	want := result{5, 60.300200001, map[string]int{
		"100µs": 2, "1ms": 3, "10ms": 3, "30ms": 3, "100ms": 3, "300ms": 4, "1s": 4, "10s": 4, "any": 5,
	}}
	var got result
	if err := json.Unmarshal([]byte(h.String()), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
