package deflate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// stateSize is the number of bytes of working state that a compressor of a level has.
func stateSize(l *level) uintptr {
	n := unsafe.Sizeof(compressor{})
	switch l.search {
	case &greedy:
		n += unsafe.Sizeof(singles{})
	case &doubled:
		n += unsafe.Sizeof(doubles{})
	case &chained:
		n += unsafe.Sizeof(chains{})
	}
	return n
}

// records returns messages of n bytes with the same keys, numbers, names and times.
func records(n int) (messages [][]byte) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"Ada Lovelace", "Grace Hopper", "Barbara Liskov", "Edsger Dijkstra", "Radia Perlman", "Tim", "Yuki Tanaka"}
	kinds := []string{"order.created", "order.filled", "price.tick", "user.login"}
	var b []byte
	for len(messages) < 1<<19/n {
		b = fmt.Appendf(b, `{"type":%q,"id":%d,"user":{"name":%q,"vip":%t},"price":%d.%02d,"lat":%.5f,"at":"2026-03-%02dT%02d:%02d:%02dZ"},`,
			kinds[r.IntN(len(kinds))], r.IntN(1e9), names[r.IntN(len(names))], r.IntN(4) == 0, r.IntN(5000), r.IntN(100),
			r.Float64()*90, 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60))
		if len(b) >= n {
			messages = append(messages, b[:n:n])
			b = nil
		}
	}
	return messages
}

// BenchmarkLevels makes the tables of the package's documentation: per level and
// window the time, the ratio, what is kept between messages, the working state in the
// pool and what is held at most while a message is compressed, without the output.
func BenchmarkLevels(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10} {
		messages := records(size)
		for _, w := range []Window{{NoTakeover: true}, {Bits: 9}, {Bits: 11}, {Bits: 12}, {Bits: 13}, {Bits: 15}} {
			for _, level := range []Level{1, 2, 3, 6, 9} {
				b.Run(fmt.Sprintf("size=%d/bits=%d/takeover=%t/level=%d", size, w.Bits, !w.NoTakeover, level), func(b *testing.B) {
					e := NewEncoder(w, level)
					var wire []byte
					n, sent := 0, 0
					for range 1 << 16 / size { // fill the window
						wire = e.End(e.Append(wire[:0], messages[len(messages)-1-n]))
						n++
					}
					n = 0
					b.ReportAllocs()
					for b.Loop() {
						wire = e.End(e.Append(wire[:0], messages[n%len(messages)]))
						sent += len(wire)
						n++
					}
					state, window := stateSize(level.get(w)), cap(e.past.ring)
					b.ReportMetric(float64(size)*float64(n)/float64(sent), "ratio")
					b.ReportMetric(float64(window), "window-B")
					b.ReportMetric(float64(state), "state-B")
					b.ReportMetric(float64(state)+float64(window), "peak-B")
				})
			}
		}
	}
}
