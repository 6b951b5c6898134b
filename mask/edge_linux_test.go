package mask_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/duplexws/duplex/internal/wstest"
	"github.com/duplexws/duplex/mask"
)

// TestEdges masks memory up to the last byte before a page that cannot be accessed
// and from the first byte after one: whatever reads or writes beyond ends the program.
func TestEdges(t *testing.T) {
	pages := 1<<17/os.Getpagesize() + 1
	src, dst := wstest.Fenced(t, pages), wstest.Fenced(t, pages)
	copy(src, random(len(src)))
	sizes := append(allSizes(), largeSizes...)
	each(t, func(t *testing.T) {
		for _, size := range append(sizes, len(src)) {
			for _, from := range []int{0, len(src) - size} {
				for _, to := range []int{0, len(src) - size} {
					original := bytes.Clone(src[from : from+size])
					want := naive(original, testKey, 0)
					where := fmt.Sprintf("size %d, from %d to %d", size, from, to)

					mask.Copy(dst[to:to+size], src[from:from+size], testKey)
					if !bytes.Equal(dst[to:to+size], want) {
						t.Fatalf("Copy: %s: the bytes differ from the naive loop", where)
					}
					mask.XOR(dst[to:to+size], testKey)
					if !bytes.Equal(dst[to:to+size], original) {
						t.Fatalf("XOR: %s: the bytes differ from the naive loop", where)
					}
				}
			}
		}
	})
}
