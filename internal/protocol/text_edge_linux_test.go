package protocol

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/duplexws/duplex/internal/wstest"
)

// TestTextEdges checks text that ends with the last byte before a page that cannot be
// accessed, and that begins with the first byte after one: whatever reads beyond ends
// the program.
func TestTextEdges(t *testing.T) {
	memory := wstest.Fenced(t, 1)
	sizes := []int{os.Getpagesize() - 1, os.Getpagesize()}
	for size := range 5 * 64 {
		sizes = append(sizes, size)
	}
	eachChecker(t, func(t *testing.T) {
		for _, fill := range []string{"a", "é", "€", "😀", "a€é😀"} {
			for _, size := range sizes {
				for _, p := range [][]byte{memory[:size], memory[len(memory)-size:]} {
					copy(p, strings.Repeat(fill, size/len(fill)+1))
					var x text
					if !x.write(p) {
						t.Fatalf("%q, %d bytes: refused", fill, size)
					}
					if got := x.end(); got != utf8.Valid(p) {
						t.Fatalf("%q, %d bytes: end() = %t", fill, size, got)
					}
					for _, bad := range []int{0, size / 2, size - 1} {
						if size > 0 {
							original := p[bad]
							if p[bad] = 0xFF; x.write(p) || x.end() {
								t.Fatalf("%q, %d bytes, FF at %d: accepted", fill, size, bad)
							}
							p[bad] = original
						}
					}
				}
			}
		}
	})
}
