package codec

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"testing"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/internal/bench/corpus"
	"github.com/google/go-cmp/cmp"
	klauspost "github.com/klauspost/compress/flate"
)

// deflater compresses one message: all of it up to and with the empty stored block.
type deflater struct {
	name string
	make func(level int) func(dst, message []byte) []byte
}

// flushing is what the two others have in common.
type flushing interface {
	io.Writer
	Flush() error
	Reset(io.Writer)
}

func flush(z flushing, err error) func(dst, message []byte) []byte {
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	return func(dst, message []byte) []byte {
		out.Reset()
		z.Reset(&out)
		z.Write(message) // to a bytes.Buffer: cannot fail
		z.Flush()
		return append(dst, out.Bytes()...)
	}
}

var deflaters = []deflater{
	{"duplex", func(level int) func(dst, message []byte) []byte {
		e := deflate.NewEncoder(deflate.Window{NoTakeover: true}, deflate.Level(level))
		return func(dst, message []byte) []byte {
			return append(e.End(e.Append(dst, message)), tail...)
		}
	}},
	{"std", func(level int) func(dst, message []byte) []byte {
		return flush(flate.NewWriter(nil, level))
	}},
	{"klauspost", func(level int) func(dst, message []byte) []byte {
		return flush(klauspost.NewWriter(nil, level))
	}},
}

// tail ends a message for the other two. RFC 7692, section 7.2.1.
const tail = "\x00\x00\xff\xff"

// inflater inflates one message that ends with tail into dst.
type inflater struct {
	name string
	make func() func(dst, message []byte) ([]byte, error)
}

// reading inflates with a reader of either package. It is told the size, so that it
// need not come upon the end, which is not there.
func reading(r io.Reader) func(dst, message []byte) ([]byte, error) {
	var in bytes.Reader
	return func(dst, message []byte) ([]byte, error) {
		in.Reset(message)
		if err := r.(flate.Resetter).Reset(&in, nil); err != nil {
			return nil, err
		}
		_, err := io.ReadFull(r, dst)
		return dst, err
	}
}

var inflaters = []inflater{
	{"duplex", func() func(dst, message []byte) ([]byte, error) {
		d := deflate.NewDecoder(deflate.Window{NoTakeover: true})
		return func(dst, message []byte) ([]byte, error) {
			out, _, err := d.Append(dst[:0:len(dst)], message[:len(message)-len(tail)])
			if err == nil {
				out, _, err = d.End(out)
			}
			return out, err
		}
	}},
	{"std", func() func(dst, message []byte) ([]byte, error) { return reading(flate.NewReader(nil)) }},
	{"klauspost", func() func(dst, message []byte) ([]byte, error) { return reading(klauspost.NewReader(nil)) }},
}

// workload is as many texts of a size as fill some MiB, at least a few.
func workload(size int) [][]byte { return corpus.JSON(1, max(4, min(256, 4<<20/size)), size) }

var sizes = []int{1 << 10, 16 << 10, 1 << 20}

// TestAgree holds all codecs to the same texts.
func TestAgree(t *testing.T) {
	for _, size := range sizes {
		texts := workload(size)[:2]
		for _, z := range deflaters {
			for _, level := range []int{1, 6} {
				compress := z.make(level)
				for _, u := range inflaters {
					inflate := u.make()
					for i, text := range texts {
						got, err := inflate(make([]byte, size), compress(nil, text))
						if err != nil || !bytes.Equal(got, text) {
							t.Fatalf("%s level %d to %s: text %d of %d bytes: error %v, difference:\n%s",
								z.name, level, u.name, i, size, err, cmp.Diff(text, got))
						}
					}
				}
			}
		}
	}
}

func BenchmarkDeflate(b *testing.B) {
	for _, size := range sizes {
		texts := workload(size)
		for _, level := range []int{1, 3, 6, 9} {
			for _, z := range deflaters {
				b.Run(fmt.Sprintf("size=%d/level=%d/codec=%s", size, level, z.name), func(b *testing.B) {
					compress := z.make(level)
					b.SetBytes(int64(size))
					b.ReportAllocs()
					var out []byte
					var i, sum int
					begin := cpuTime()
					for b.Loop() {
						out = compress(out[:0], texts[i%len(texts)])
						sum += len(out) - len(tail)
						i++
					}
					b.ReportMetric(float64(cpuTime()-begin)/float64(i), "cpu-ns/op")
					b.ReportMetric(float64(sum)/float64(i), "out-B/op")
				})
			}
		}
	}
}

// BenchmarkInflate inflates what the standard library has compressed, which is what
// peers send: its output, like zlib's, has dynamic blocks for nearly everything.
func BenchmarkInflate(b *testing.B) {
	for _, size := range sizes {
		var messages [][]byte
		compress := deflaters[1].make(6)
		for _, text := range workload(size) {
			messages = append(messages, compress(nil, text))
		}
		for _, u := range inflaters {
			b.Run(fmt.Sprintf("size=%d/codec=%s", size, u.name), func(b *testing.B) {
				inflate := u.make()
				out := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				i := 0
				begin := cpuTime()
				for b.Loop() {
					var err error
					if out, err = inflate(out, messages[i%len(messages)]); err != nil {
						b.Fatal(err)
					}
					i++
				}
				b.ReportMetric(float64(cpuTime()-begin)/float64(i), "cpu-ns/op")
			})
		}
	}
}
