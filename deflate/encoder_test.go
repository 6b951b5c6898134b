package deflate_test

import (
	"bytes"
	"testing"

	"github.com/duplexws/duplex/deflate"
)

// deflated compresses a message in pieces of size n.
func deflated(e *deflate.Encoder, text []byte, n int) (wire []byte) {
	for len(text) > 0 {
		m := min(n, len(text))
		wire = e.Append(wire, text[:m])
		text = text[m:]
	}
	return e.End(wire)
}

func TestEncoderQuick(t *testing.T) {
	for level := deflate.Fastest; level <= deflate.Best; level++ {
		for _, n := range []int{0, 1, 5, 20, 100, 1000, 16384, 65536, 300000} {
			text := jsonText(uint64(n), n)
			wire := deflated(deflate.NewEncoder(deflate.Window{}, level), text, 1<<20)
			got, err := standardInflate(wire)
			if err != nil || !bytes.Equal(got, text) {
				t.Fatalf("level %d, %d bytes: %v", level, n, err)
			}
			t.Log(level, n, len(wire), len(standard(t, 1, text)), len(standard(t, 6, text)))
		}
	}
}
