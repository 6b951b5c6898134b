package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
)

// The counters under their names, as JSON.
func TestMetrics(t *testing.T) {
	m := newMetrics()
	pipe(t, m.hooks(), func(c *conn.Conn) {
		if err := talk(c.Context(), c, "hello"); err != nil {
			t.Error(err)
		}
		if got := m.open.Value(); got != 1 {
			t.Errorf("open: %d, want 1", got)
		}
		_ = c.Write(c.Context(), conn.Text, []byte("bye"))
		_ = c.Discard(c.Context())
	})
	m.rtt.add(time.Millisecond)
	var got map[string]any
	if err := json.Unmarshal([]byte(m.vars().String()), &got); err != nil {
		t.Fatal(err)
	}
	if count := got["rtt"].(map[string]any)["count"]; count != 1.0 {
		t.Errorf("%v round trips, want 1", count)
	}
	delete(got, "rtt")
	want := map[string]any{
		"open": 0.0, "opened": 1.0, "failed": map[string]any{},
		"closed":   map[string]any{"we: closed": 1.0},
		"received": map[string]any{"messages": 2.0, "bytes": 8.0, "wire_bytes": 8.0},
		"sent":     map[string]any{"messages": 1.0, "bytes": 5.0, "wire_bytes": 5.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Counting a message allocates nothing.
func TestMetricsAllocateNothing(t *testing.T) {
	m := newMetrics()
	h := m.hooks()
	if n := testing.AllocsPerRun(100, func() {
		h.Received(nil, conn.Traffic{Type: conn.Text, Size: 3, Wire: 2})
		h.Sent(nil, conn.Traffic{Type: conn.Text, Size: 3, Wire: 2})
		h.Pong(nil, time.Second)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
