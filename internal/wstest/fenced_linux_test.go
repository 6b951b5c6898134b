package wstest

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestFenced: all of the memory can be used, and nothing beside it.
func TestFenced(t *testing.T) {
	page := os.Getpagesize()
	// The capacity reaches to the end of the mapping: the fence is in it.
	b := Fenced(t, 2)
	if len(b) != 2*page {
		t.Fatalf("%d bytes, want 2 pages of %d", len(b), page)
	}
	for i := range b {
		b[i] = byte(i)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() == nil {
			t.Error("the byte behind can be read")
		}
	}()
	sink = b[:cap(b)][len(b)]
}

var sink byte
