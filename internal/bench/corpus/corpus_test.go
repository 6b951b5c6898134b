package corpus_test

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/duplexws/duplex/internal/bench/corpus"
	"github.com/google/go-cmp/cmp"
)

func TestJSON(t *testing.T) {
	for _, size := range []int{128, 1024, 16 << 10, 1 << 20} {
		n := min(200, 4<<20/size)
		messages := corpus.JSON(1, n, size)
		if len(messages) != n {
			t.Fatalf("size %d: %d messages, want %d", size, len(messages), n)
		}
		seen := map[string]bool{}
		for i, m := range messages {
			if len(m) != size {
				t.Errorf("size %d: message %d has %d bytes", size, i, len(m))
			}
			if !json.Valid(m) {
				t.Errorf("size %d: message %d is not JSON: %.200s", size, i, m)
			}
			if seen[string(m)] {
				t.Errorf("size %d: message %d came before", size, i)
			}
			seen[string(m)] = true
		}
	}
}

// TestJSONIsFixed holds the texts to a hash: figures of two runs can be compared only
// if both sent the same.
func TestJSONIsFixed(t *testing.T) {
	hash := sha256.New()
	for _, m := range corpus.JSON(1, 100, 1024) {
		hash.Write(m)
	}
	const want = "3cce14512167dab5b9b9d7a001553eb0db9b102b85a648e960f829bee9929ab9"
	if diff := cmp.Diff(want, hex.EncodeToString(hash.Sum(nil))); diff != "" {
		t.Errorf("the texts are others (-want +got):\n%s", diff)
	}
	if same := corpus.JSON(2, 1, 1024)[0]; bytes.Equal(same, corpus.JSON(1, 1, 1024)[0]) {
		t.Error("two seeds give the same text")
	}
}

// TestJSONCompresses holds the texts to what JSON of that size compresses like:
// neither noise nor one record repeated.
func TestJSONCompresses(t *testing.T) {
	for _, test := range []struct {
		size     int
		min, max float64
	}{
		{size: 1024, min: 1.9, max: 2.8},
		{size: 16 << 10, min: 3, max: 5},
	} {
		var sum, n int
		for _, m := range corpus.JSON(1, 20, test.size) {
			var out bytes.Buffer
			w, err := flate.NewWriter(&out, flate.BestSpeed)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(m)
			w.Flush()
			sum, n = sum+out.Len(), n+len(m)
		}
		if ratio := float64(n) / float64(sum); ratio < test.min || ratio > test.max {
			t.Errorf("size %d: ratio %.2f, want %.1f to %.1f", test.size, ratio, test.min, test.max)
		}
	}
}

func TestText(t *testing.T) {
	for _, alphabet := range []corpus.Alphabet{corpus.ASCII, corpus.Cyrillic} {
		for _, size := range []int{1, 16, 125, 1024} {
			for i, m := range corpus.Text(1, 10, size, alphabet) {
				if len(m) != size || !utf8.Valid(m) {
					t.Errorf("%s, size %d: message %d: %q", alphabet[0], size, i, m)
				}
			}
		}
	}
}

func TestBytes(t *testing.T) {
	a, b := corpus.Bytes(1, 3, 1000), corpus.Bytes(1, 3, 1000)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("not the same twice:\n%s", diff)
	}
	if bytes.Equal(a[0], a[1]) || bytes.Equal(a[0], corpus.Bytes(2, 1, 1000)[0]) {
		t.Error("messages repeat")
	}
}
