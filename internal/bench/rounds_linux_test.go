package main

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/internal/bench/server"
	"github.com/google/go-cmp/cmp"
)

// TestRoundsAgain shows that only the yardstick decides what is measured once more, and what
// stands: all of one time.
func TestRoundsAgain(t *testing.T) {
	for _, tt := range []struct {
		name     string
		patience time.Duration
		raw      []float64 // two rounds for each time
		want     []float64 // of the peer, which has 1, 2, 3 and so on
	}{
		{"steady at once", time.Minute, []float64{10, 12}, []float64{1, 2}},
		{"steady later", time.Minute, []float64{10, 13, 12, 10, 1, 1}, []float64{3, 4}},
		{"never steady", 2 * pause, []float64{10, 20, 10, 15, 10, 30}, []float64{3, 4}},
		{"no patience", 0, []float64{10, 20, 10, 10}, []float64{1, 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{count: 2, patience: tt.patience, progress: io.Discard}
				list := plain([]string{server.Raw, "gws"})
				raw, peer := tt.raw, 0.0
				entries, err := b.rounds("echo", "case", list, func(_ *bench, c contender, _ bool) (figures, error) {
					if !c.raw() {
						peer++
						return figures{cpu: peer}, nil
					}
					f := figures{cpu: raw[0]}
					raw = raw[1:]
					return f, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, entries[1].values(cpu)); diff != "" {
					t.Errorf("the peer's rounds (-want +got):\n%s", diff)
				}
			})
		})
	}
}
