package mask_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/duplexws/duplex/mask"
)

var benchSizes = []int{8, 31, 64, 125, 1024, 4096, 16384, 65536, 1 << 20}

func BenchmarkXOR(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			buf := make([]byte, size)
			k := testKey
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				k = mask.XOR(buf, k)
			}
		})
	}
}

func BenchmarkCopy(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			src, dst := make([]byte, size), make([]byte, size)
			k := testKey
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				k = mask.Copy(dst, src, k)
			}
		})
	}
}

// BenchmarkRatio compares each implementation with the builtin copy of as many bytes,
// aligned ones and such as stand behind a header: all take turns, and medians are
// compared, so that neither the clock of the processor nor its other tenants matter
// much. In place and while copying, times that of copy.
func BenchmarkRatio(b *testing.B) {
	for _, implementation := range mask.Implementations() {
		for _, size := range benchSizes {
			for _, offset := range []int{0, 14} {
				b.Run(fmt.Sprintf("%s/size=%d/offset=%d", implementation.Name, size, offset), func(b *testing.B) {
					defer implementation.Use()()
					ratio(b, make([]byte, size), make([]byte, size+offset)[offset:])
				})
			}
		}
	}
}

func ratio(b *testing.B, dst, src []byte) {
	b.Helper()
	// Several calls in a row, so that what one way leaves in the cache is not at the
	// cost of the next.
	turn := max(8, 1<<16/(len(src)+100))
	var copies, xors, maskedCopies []time.Duration
	for b.Loop() {
		begin := time.Now()
		for range turn {
			copy(dst, src)
		}
		copied := time.Now()
		for range turn {
			mask.XOR(src, testKey)
		}
		xored := time.Now()
		for range turn {
			mask.Copy(dst, src, testKey)
		}
		copies = append(copies, copied.Sub(begin))
		xors = append(xors, xored.Sub(copied))
		maskedCopies = append(maskedCopies, time.Since(xored))
	}
	yardstick := median(copies)
	b.ReportMetric(yardstick/float64(turn), "ns/copy")
	b.ReportMetric(median(xors)/yardstick, "XOR/copy")
	b.ReportMetric(median(maskedCopies)/yardstick, "Copy/copy")
	b.ReportMetric(0, "ns/op")
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2])
}

func BenchmarkNewKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sink = mask.NewKey()
	}
}
