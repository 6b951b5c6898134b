//go:build !race

package handshake

import "testing"

// Accept makes the strings of its result in one piece, and nothing else. The race
// detector has sync.Pool forget things.
func TestAcceptAllocs(t *testing.T) {
	nc := &replayConn{s: browser}
	n := testing.AllocsPerRun(100, func() {
		nc.done = false
		if _, err := Accept(nc, nil); err != nil {
			t.Fatal(err)
		}
	})
	if n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}

// Offers that nobody chooses from are judged, but not kept.
func TestVerdictAllocsOffers(t *testing.T) {
	r := goodRequest()
	r.Extensions = []string{`permessage-deflate; client_max_window_bits; x="10", permessage-deflate`}
	n := testing.AllocsPerRun(100, func() {
		if _, e := (*ServerOptions)(nil).judge(r); e != nil {
			t.Fatal(e)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
