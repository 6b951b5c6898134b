package deflate_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"testing"

	"github.com/duplexws/duplex/deflate"
)

var benchSizes = []int{128, 1 << 10, 16 << 10, 1 << 20}

func BenchmarkDecoder(b *testing.B) {
	for _, size := range benchSizes {
		text := jsonText(1, size)
		wire := standard(b, 6, text)
		for _, takeover := range []bool{false, true} {
			b.Run(fmt.Sprintf("size=%d/takeover=%t", size, takeover), func(b *testing.B) {
				d := deflate.NewDecoder(deflate.Window{NoTakeover: !takeover})
				buf := make([]byte, 0, size+64)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					out, _, err := d.Append(buf, wire)
					if err != nil {
						b.Fatal(err)
					}
					out, done, err := d.End(out)
					if err != nil || !done || len(out) != size {
						b.Fatal(len(out), done, err)
					}
				}
			})
		}
	}
}

// BenchmarkStandardInflate is the same with compress/flate.
func BenchmarkStandardInflate(b *testing.B) {
	for _, size := range benchSizes {
		text := jsonText(1, size)
		wire := append(standard(b, 6, text), "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...)
		b.Run(fmt.Sprintf("size=%d/takeover=false", size), func(b *testing.B) {
			src := bytes.NewReader(wire)
			r := flate.NewReader(src)
			buf := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				src.Reset(wire)
				if err := r.(flate.Resetter).Reset(src, nil); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(r, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncoder(b *testing.B) {
	for _, level := range []deflate.Level{1, 3, 6, 9} {
		for _, size := range benchSizes {
			for _, w := range []deflate.Window{{NoTakeover: true}, {}, {Bits: 12}} {
				b.Run(fmt.Sprintf("level=%d/size=%d/takeover=%t/bits=%d", level, size, !w.NoTakeover, w.Bits), func(b *testing.B) {
					text := jsonText(1, 64*1024+2*size)
					e := deflate.NewEncoder(w, level)
					var wire []byte
					n, sent, i := 0, 0, 0
					b.SetBytes(int64(size))
					b.ReportAllocs()
					for b.Loop() {
						wire = e.End(e.Append(wire[:0], text[i:i+size]))
						n++
						sent += len(wire)
						if i += size; i+size > len(text) {
							i = 0
						}
					}
					b.ReportMetric(float64(sent)/float64(n), "wire-B/op")
				})
			}
		}
	}
}

// BenchmarkStandardDeflate is the same with compress/flate.
func BenchmarkStandardDeflate(b *testing.B) {
	for _, level := range []int{1, 6, 9} {
		for _, size := range benchSizes {
			for _, takeover := range []bool{false, true} {
				b.Run(fmt.Sprintf("level=%d/size=%d/takeover=%t", level, size, takeover), func(b *testing.B) {
					text := jsonText(1, 64*1024+2*size)
					var wire bytes.Buffer
					w, err := flate.NewWriter(&wire, level)
					if err != nil {
						b.Fatal(err)
					}
					n, sent, i := 0, 0, 0
					b.SetBytes(int64(size))
					b.ReportAllocs()
					for b.Loop() {
						wire.Reset()
						if !takeover {
							w.Reset(&wire)
						}
						if _, err := w.Write(text[i : i+size]); err != nil {
							b.Fatal(err)
						}
						if err := w.Flush(); err != nil {
							b.Fatal(err)
						}
						n++
						sent += wire.Len() - 4
						if i += size; i+size > len(text) {
							i = 0
						}
					}
					b.ReportMetric(float64(sent)/float64(n), "wire-B/op")
				})
			}
		}
	}
}
