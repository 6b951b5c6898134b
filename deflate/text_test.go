package deflate_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"math/rand/v2"
	"testing"
)

// jsonText returns n bytes that look like what a service sends: records with the
// same keys, some words, numbers and identifiers. The same seed gives the same text.
func jsonText(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	words := []string{
		"alpha", "order", "filled", "pending", "Berlin", "quantity", "the", "and", "price", "update",
		"customer", "market", "hello", "world", "error", "retry", "session", "message", "of", "to",
	}
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, `{"id":%d,"user":"u%06x","type":"%s","price":%d.%02d,"active":%t,"text":"`,
			r.IntN(1e9), r.IntN(1<<24), words[r.IntN(len(words))], r.IntN(1e5), r.IntN(100), r.IntN(2) == 0)
		for range 3 + r.IntN(8) {
			b.WriteString(words[r.IntN(len(words))])
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, `","at":"2026-%02d-%02dT%02d:%02d:%02dZ","tags":["%s","%s"]},`,
			1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), words[r.IntN(len(words))], words[r.IntN(len(words))])
	}
	return b.Bytes()[:n]
}

// randomBytes returns n bytes that cannot be compressed.
func randomBytes(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// standard compresses with compress/flate as RFC 7692, section 7.2.1, says.
func standard(tb testing.TB, level int, text []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff"))
}
