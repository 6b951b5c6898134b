//go:build !race

package deflate_test

import (
	"runtime"
	"testing"

	"github.com/duplexws/duplex/deflate"
)

// TestMemory measures what connections keep between messages: their windows, as far
// as there was text for them, and next to nothing else.
func TestMemory(t *testing.T) {
	const connections, messages, rest = 300, 100, 400
	text := jsonText(1, 1<<17)
	type connection struct {
		e *deflate.Encoder
		d *deflate.Decoder
	}
	heap := func() uint64 {
		runtime.GC() // twice, since a pool keeps its values for one collection more
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for _, test := range []struct {
		w    deflate.Window
		most int
	}{
		{deflate.Window{Bits: 15}, 2 << 15},
		{deflate.Window{Bits: 12}, 2 << 12},
		{deflate.Window{Bits: 8}, 2 << 8},
		{deflate.Window{NoTakeover: true}, 0},
	} {
		list := make([]connection, connections)
		wire, buf := make([]byte, 0, 4096), make([]byte, 0, 4096)
		before := heap()
		for i := range list {
			c := connection{deflate.NewEncoder(test.w, 1), deflate.NewDecoder(test.w)}
			for j := range messages {
				wire = c.e.End(c.e.Append(wire[:0], text[j<<10:(j+1)<<10]))
				out, _, err := c.d.Append(buf, wire)
				if err != nil {
					t.Fatal(err)
				}
				if _, done, err := c.d.End(out); err != nil || !done {
					t.Fatal(done, err)
				}
			}
			list[i] = c
		}
		if got := int(heap()-before) / connections; got > test.most+rest {
			t.Errorf("%+v: %d bytes per connection, want at most %d", test.w, got, test.most+rest)
		} else {
			t.Logf("%+v: %d bytes per connection", test.w, got)
		}
		runtime.KeepAlive(list)
	}
}
