//go:build !purego

package protocol

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/duplexws/duplex/internal/cpu"
)

// TestCertain: what the assembly is certain of is valid and ends with a character. It
// is all that is whole if nothing is wrong, and else all before the block that is.
func TestCertain(t *testing.T) {
	if cpu.Widest() < cpu.AVX2 {
		t.Skip("no AVX2 here")
	}
	defer useVectors(true)()
	rounds := 20000
	if raceDetector || testing.Short() {
		rounds = 2000
	}
	r := rand.New(rand.NewPCG(8, 2))
	for range rounds {
		p := randomText(r, vectorMin+r.IntN(300))
		p = p[:max(len(p)-r.IntN(4), vectorMin)] // cut at the end
		if r.IntN(2) == 0 {
			p = mutate(r, p)
		}
		if len(p) < vectorMin {
			continue
		}
		n := certain(p)
		if !utf8.Valid(p[:n]) {
			t.Fatalf("% x: certain of %d bytes", p, n)
		}
		least := len(p) - 3
		if refused := refusedAfter(p); refused <= len(p) {
			least = (refused-1)&^63 - 3
		} else if rest := p[n:]; utf8.FullRune(rest) && len(rest) > 0 {
			t.Fatalf("% x: certain of %d bytes only", p, n)
		}
		if n < least {
			t.Fatalf("% x: certain of %d bytes, want %d", p, n, least)
		}
	}
}

// TestVectors: detectors see every access.
func TestVectors(t *testing.T) {
	if want := cpu.Best() >= cpu.AVX2; vectors != want {
		t.Errorf("vectors in use: %t, want %t", vectors, want)
	}
}
