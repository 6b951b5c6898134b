package deflate

import (
	"bytes"
	"testing"
)

// TestMove compresses much text in one message and a flush after each part, so that
// the view moves on in all ways, and looks at every distance.
func TestMove(t *testing.T) {
	text := bytes.Repeat([]byte("The quick brown fox jumps over the lazy dog. "), 4500)
	for i := range text {
		if i%97 == 0 {
			text[i] = byte(i / 97 * 31)
		}
	}
	for _, level := range []Level{1, 2, 4, 9} {
		for _, bits := range []int{8, 12, 15} {
			for _, part := range []int{100, 1000, 30000, 60000, blockSize, 100000} {
				w := Window{Bits: bits}
				if part == 100 && level > 1 {
					continue // takes long
				}
				e, d := NewEncoder(w, level), NewDecoder(w)
				for from := 0; from < len(text); from += part {
					p := text[from:min(from+part, len(text))]
					wire := e.Flush(e.Append(nil, p))
					out, n, err := d.Append(make([]byte, 0, len(p)+1), wire)
					if err != nil || n != len(wire) || !bytes.Equal(out, p) {
						t.Fatalf("level %d, %d bits, %d bytes at a time, at %d: %v", level, bits, part, from, err)
					}
					d.Keep(out)
				}
				e.Reset(w, level)
			}
		}
	}
}

// TestPool: what a message left in the tables has no influence on another.
func TestPool(t *testing.T) {
	one, two := bytes.Repeat([]byte("one two three four "), 900), bytes.Repeat([]byte("two three four one, one, "), 700)
	for level := Fastest; level <= Best; level++ {
		run := func(c *compressor, text []byte) []byte {
			c.begin(level.get(Window{}), 1<<15, nil)
			return c.w.beginStored(c.flush(c.append(nil, text)))
		}
		want := run(new(compressor), two)
		c := new(compressor)
		for other := Fastest; other <= Best; other++ {
			c.begin(other.get(Window{}), 1<<15, nil)
			c.flush(c.append(nil, one))
		}
		run(c, one)
		if got := run(c, two); !bytes.Equal(got, want) {
			t.Errorf("level %d: %d bytes after other messages, %d without", level, len(got), len(want))
		}
	}
}
