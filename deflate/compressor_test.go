package deflate

import (
	"bytes"
	"testing"
)

// TestRenumber compresses as the positions come to their end, between messages and
// within one.
func TestRenumber(t *testing.T) {
	text := bytes.Repeat([]byte("The quick brown fox jumps over the lazy dog. "), 3500)
	for _, level := range []Level{1, 3, 9} {
		for _, before := range []uint32{0, 1000, 1 << 16, 1 << 17, 1 << 18} {
			c := new(compressor)
			c.base = 1<<31 - before
			past := new(history)
			d := NewDecoder(Window{})
			for i := range 5 {
				c.begin(level.get(Window{}), 1<<15, past)
				wire := c.w.beginStored(c.flush(c.append(nil, text)))
				past.add(c.message(), 1<<15)
				out, _, err := d.Append(make([]byte, 0, len(text)), wire)
				if err != nil {
					t.Fatal(err)
				}
				out, done, err := d.End(out)
				if err != nil || !done || !bytes.Equal(out, text) {
					t.Fatalf("level %d, %d before the end, message %d: %t, %v", level, before, i, done, err)
				}
			}
			if c.base > 1<<31 {
				t.Errorf("level %d, %d before the end: base %d", level, before, c.base)
			}
		}
	}
}
