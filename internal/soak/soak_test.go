package soak

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// How long TestSoak takes, and with how many clients. By default it takes some seconds.
var (
	soakTime    = flag.Duration("soak.time", 2*time.Second, "how long TestSoak soaks, after a warm-up of up to 30 s")
	soakClients = flag.Int("soak.clients", 60, "clients of TestSoak")
	soakSeed    = flag.Uint64("soak.seed", 1, "what all random choices of TestSoak follow from")
)

// enough is the time in which everything should have come up that takes some luck.
const enough = 30 * time.Second

// TestSoak is the soak: a warm-up, after which nothing must be left but what the process
// holds from then on, and the time itself, after which nothing more must be left.
func TestSoak(t *testing.T) {
	warmUp := min(max(*soakTime/5, time.Second), 30*time.Second)
	// Every wait has a bound, so this is for what nobody has thought of.
	watchdog := time.AfterFunc(*soakTime+warmUp+10*time.Minute, func() {
		buf := make([]byte, 16<<20)
		fmt.Fprintf(os.Stderr, "the soak does not come to an end:\n%s\n", buf[:runtime.Stack(buf, true)])
		os.Exit(1)
	})
	defer watchdog.Stop()
	t.Logf("seed %d, %d clients", *soakSeed, *soakClients)
	soak(t, *soakSeed+1_000_000, warmUp, take(), false)
	base := settle(nil)
	t.Logf("after a warm-up of %v: %v", warmUp, base)
	soak(t, *soakSeed, *soakTime, base, true)
	end := settle(&base)
	t.Logf("at the beginning: %v", base)
	t.Logf("at the end: %v", end)
	for _, s := range end.above(base) {
		t.Error(s)
	}
}

// soak soaks for some time and reports.
func soak(t *testing.T, seed uint64, d time.Duration, base measure, report bool) {
	t.Helper()
	begun := time.Now()
	w, err := newWorld(seed)
	if err != nil {
		t.Fatal(err)
	}
	stop, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var beside sync.WaitGroup
	watching, end := context.WithCancel(t.Context())
	beside.Go(func() { w.watch(watching, base, *soakClients) })
	beside.Go(func() {
		for {
			pause(watching, max(d/30, 10*time.Second))
			if watching.Err() != nil {
				return
			}
			t.Logf("%v: %d connections, %d messages acknowledged, %d sessions, %d faults, %d wrong; %v",
				time.Since(begun).Round(time.Second), w.tally.sum("dialled"), w.received.messages.Load(),
				w.tally.get("sessions", "complete"), w.tally.sum("faults"), w.ledger.count(), take())
		}
	})
	w.run(stop, *soakClients)
	end()
	beside.Wait()
	for _, s := range w.ledger.first {
		t.Error(s)
	}
	if n := w.ledger.count() - len(w.ledger.first); n > 0 {
		t.Errorf("and %d more", n)
	}
	if !report {
		return
	}
	t.Logf("%v with %d clients, %v in all", d, *soakClients, time.Since(begun).Round(time.Millisecond))
	t.Logf("messages: %d sent with %d bytes, %d acknowledged with %d bytes",
		w.sent.messages.Load(), w.sent.bytes.Load(), w.received.messages.Load(), w.received.bytes.Load())
	t.Logf("connections: %d dialled, %d accepted, faults %d\n%v", w.tally.sum("dialled"), w.tally.sum("accepted"), w.tally.sum("faults"), &w.tally)
	if w.received.messages.Load() == 0 || w.tally.get("sessions", "complete") == 0 || w.tally.sum("faults") == 0 {
		t.Error("nothing was soaked")
	}
	for _, told := range []string{toldByPost, toldByUs} {
		if d >= enough && w.tally.get("feed", told) == 0 {
			t.Errorf("no follower of the feed was %s", told)
		}
	}
}
