package mask_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/mask"
)

// naive is section 5.3 of RFC 6455 to the letter: octet i of the result is octet i
// of the original XOR octet i mod 4 of the key. It begins at octet phase.
func naive(b []byte, k mask.Key, phase int) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i] ^ k[(phase+i)%4]
	}
	return out
}

func rotated(k mask.Key, n int) mask.Key {
	return mask.Key{k[n%4], k[(n+1)%4], k[(n+2)%4], k[(n+3)%4]}
}

func random(n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 6455))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

var testKey = mask.Key{0x37, 0xfa, 0x21, 0x3d}

const (
	largest = 300 // sizes that are tried, all of them
	around  = 16  // bytes before and after a slice that must stay
	aligned = 8   // positions in a word
)

// TestXOR compares every size at every alignment, with the key at every offset.
func TestXOR(t *testing.T) {
	for size := range largest + 1 {
		for shift := range aligned {
			for phase := range 4 {
				buf := random(size + shift + 2*around)
				want := bytes.Clone(buf)
				from, to := around+shift, around+shift+size
				copy(want[from:], naive(want[from:to], testKey, phase))
				next := mask.XOR(buf[from:to], rotated(testKey, phase))
				if !bytes.Equal(buf, want) {
					t.Fatalf("size %d, shift %d, key offset %d: the bytes differ from the naive loop", size, shift, phase)
				}
				if next != rotated(testKey, phase+size) {
					t.Fatalf("size %d, key offset %d: next key %x", size, phase, next)
				}
			}
		}
	}
}

// TestCopy does the same with source and destination apart, each at every alignment.
func TestCopy(t *testing.T) {
	for size := range largest + 1 {
		src := random(size + aligned)
		srcBefore := bytes.Clone(src)
		dst := make([]byte, size+aligned+2*around)
		for i := range aligned * aligned * 4 {
			from, shift, phase := i%aligned, i/aligned%aligned, i/aligned/aligned
			clear(dst)
			to := around + shift
			next := mask.Copy(dst[to:to+size], src[from:from+size], rotated(testKey, phase))
			if want := naive(src[from:from+size], testKey, phase); !bytes.Equal(dst[to:to+size], want) {
				t.Fatalf("size %d, from %d to %d, key offset %d: the bytes differ from the naive loop", size, from, shift, phase)
			}
			clear(dst[to : to+size])
			if !bytes.Equal(dst, make([]byte, len(dst))) {
				t.Fatalf("size %d, from %d to %d: bytes beside the destination changed", size, from, shift)
			}
			if next != rotated(testKey, phase+size) {
				t.Fatalf("size %d, key offset %d: next key %x", size, phase, next)
			}
		}
		if !bytes.Equal(src, srcBefore) {
			t.Fatalf("size %d: the source changed", size)
		}
	}
}

// TestCopyLengths has destinations that are longer and shorter than the source.
func TestCopyLengths(t *testing.T) {
	for srcLen := range 70 {
		for dstLen := range 70 {
			src, dst := random(srcLen), make([]byte, dstLen)
			next := mask.Copy(dst, src, testKey)
			n := min(srcLen, dstLen)
			want := append(naive(src[:n], testKey, 0), make([]byte, dstLen-n)...)
			if !bytes.Equal(dst, want) {
				t.Fatalf("Copy of %d bytes to %d: got %x, want %x", srcLen, dstLen, dst, want)
			}
			if next != rotated(testKey, n) {
				t.Fatalf("Copy of %d bytes to %d: next key %x, want that for %d bytes", srcLen, dstLen, next, n)
			}
		}
	}
}

func TestCopyOntoItself(t *testing.T) {
	for size := range largest + 1 {
		b := random(size)
		want := naive(b, testKey, 0)
		mask.Copy(b, b, testKey)
		if !bytes.Equal(b, want) {
			t.Fatalf("size %d: the bytes differ from the naive loop", size)
		}
	}
}

// TestPieces masks a payload in two pieces, cut everywhere, and one byte at a time.
func TestPieces(t *testing.T) {
	src := random(100)
	want := naive(src, testKey, 0)
	for cut := range len(src) + 1 {
		b := bytes.Clone(src)
		mask.XOR(b[cut:], mask.XOR(b[:cut], testKey))
		if !bytes.Equal(b, want) {
			t.Errorf("XOR, cut at %d: the bytes differ", cut)
		}
		clear(b)
		mask.Copy(b[cut:], src[cut:], mask.Copy(b, src[:cut], testKey))
		if !bytes.Equal(b, want) {
			t.Errorf("Copy, cut at %d: the bytes differ", cut)
		}
	}
	b, k := bytes.Clone(src), testKey
	for i := range b {
		k = mask.XOR(b[i:i+1], k)
	}
	if !bytes.Equal(b, want) || k != testKey {
		t.Errorf("byte by byte: next key %x, bytes equal: %v", k, bytes.Equal(b, want))
	}
}

// TestRFCExample is the masked text of section 5.7.
func TestRFCExample(t *testing.T) {
	b := []byte{0x7f, 0x9f, 0x4d, 0x51, 0x58}
	mask.XOR(b, testKey)
	if diff := cmp.Diff("Hello", string(b)); diff != "" {
		t.Errorf("unmasked (-want +got):\n%s", diff)
	}
}

// TestNewKey: keys differ from one another and each of their bytes varies.
func TestNewKey(t *testing.T) {
	const n = 4096
	seen := map[mask.Key]bool{}
	var values [4]map[byte]bool
	for i := range values {
		values[i] = map[byte]bool{}
	}
	for range n {
		k := mask.NewKey()
		seen[k] = true
		for i, b := range k {
			values[i][b] = true
		}
	}
	// Two of 4096 random keys are equal once in about 500 runs; three pairs of equal
	// ones, or a byte without a tenth of its values, are out of the question.
	if len(seen) < n-2 {
		t.Errorf("%d different keys of %d", len(seen), n)
	}
	for i := range values {
		if got := len(values[i]); got < 230 {
			t.Errorf("byte %d has %d different values, want nearly 256", i, got)
		}
	}
}

func TestAllocs(t *testing.T) {
	src, dst := random(1000), make([]byte, 1000)
	for name, f := range map[string]func(){
		"XOR":    func() { mask.XOR(src, testKey) },
		"Copy":   func() { mask.Copy(dst, src, testKey) },
		"NewKey": func() { sink = mask.NewKey() },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 && !(name == "NewKey" && raceDetector) {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}

var sink mask.Key
