package drain

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/conn"
)

// Connections are told one after the other, in times that are not all the same, and the
// rest when the time is over.
func TestDrainRate(t *testing.T) {
	const clients, rate = 500, 100
	for _, tc := range []struct {
		name  string
		limit time.Duration
		o     Options
	}{
		{"all", 0, Options{Rate: rate}},
		{"no limit", 0, Options{Rate: -1}},
		{"default", 0, Options{}},
		{"the rest", 2 * time.Second, Options{Rate: rate}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g Group
				var mu sync.Mutex
				var told []time.Duration
				var readers sync.WaitGroup
				var begun time.Time
				var peers []*conn.Conn // nobody else keeps them
				for range clients {
					c, peer := conn.Pipe(nil, &conn.Options{KeepAlive: -1})
					opened, err := g.Admit(t.Context(), nil)
					if err != nil {
						t.Fatal(err)
					}
					opened(peer)
					peers = append(peers, peer)
					readers.Go(func() {
						if code := closedWith(t, c); code != conn.StatusGoingAway {
							t.Errorf("closed with %v", code)
						}
						mu.Lock()
						told = append(told, time.Since(begun))
						mu.Unlock()
					})
				}
				begun = time.Now()
				got := <-drain(&g, tc.limit, &tc.o)
				readers.Wait()
				runtime.KeepAlive(peers)
				slices.Sort(told)
				switch tc.name {
				case "no limit":
					if got.took != 0 || got.report.Closed != clients {
						t.Errorf("%+v", got)
					}
				case "default":
					// A thousand in a second.
					if got.took < 400*time.Millisecond || got.took > 600*time.Millisecond || got.report.Closed != clients {
						t.Errorf("%+v", got)
					}
				case "the rest":
					n, _ := slices.BinarySearch(told, tc.limit)
					if n < rate || n > 3*rate || got.report.Closed != n || got.report.Cut != clients-n || got.err != errTime || got.took != tc.limit {
						t.Errorf("%d were told in time; %+v", n, got)
					}
				case "all":
					if got.took < 4*time.Second || got.took > 6*time.Second || got.report.Closed != clients {
						t.Errorf("%+v", got)
					}
					pauses := map[time.Duration]bool{}
					for i, at := range told[1:] {
						pause := at - told[i]
						pauses[pause] = true
						if pause >= 2*time.Second/rate {
							t.Errorf("a pause of %v", pause)
						}
					}
					if len(pauses) < clients/2 {
						t.Errorf("the pauses are %d different ones", len(pauses))
					}
				}
			})
		})
	}
}
