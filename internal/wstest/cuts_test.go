package wstest

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCuts(t *testing.T) {
	for size, want := range map[int]int{0: 2, 1: 2, 2: 3, 100: 2 + 99, 1024: 2 + 1023, 1025: 2 + 63 + 64, 70000: 2 + 63 + 64} {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(i)
		}
		names := map[string]bool{}
		for name, pieces := range Cuts(b) {
			names[name] = true
			if got := bytes.Join(pieces, nil); !bytes.Equal(got, b) {
				t.Errorf("%d bytes, %s: the pieces together are not the whole", size, name)
			}
		}
		if len(names) != want {
			t.Errorf("%d bytes were cut in %d ways, want %d", size, len(names), want)
		}
	}
	for stop := range 5 { // leaving the loop early
		n := 0
		for range Cuts(make([]byte, 10)) {
			if n++; n > stop {
				break
			}
		}
	}
}

func TestPieces(t *testing.T) {
	got := Pieces([]byte("abcdefg"), 3)
	want := [][]byte{[]byte("abc"), []byte("def"), []byte("g")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pieces (-want +got):\n%s", diff)
	}
	if got := Pieces([]byte("abcdef"), 3); len(got) != 2 {
		t.Errorf("6 bytes in pieces of 3: %d pieces", len(got))
	}
}
