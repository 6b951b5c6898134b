package mask_test

import (
	"fmt"
	"testing"

	"github.com/duplexws/duplex/mask"
)

var benchSizes = []int{8, 31, 125, 1024, 65536, 1 << 20}

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

// BenchmarkBaseline is copy without masking: no Copy is faster.
func BenchmarkBaseline(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			src, dst := make([]byte, size), make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				copy(dst, src)
			}
		})
	}
}

func BenchmarkNewKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sink = mask.NewKey()
	}
}
