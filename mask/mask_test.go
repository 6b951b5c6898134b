package mask_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/mask"
)

// The tests run with assembly by default and without it under the build tag purego;
// both are to pass:
//
//	go test ./mask
//	go test -tags purego ./mask

// naive is section 5.3 of RFC 6455 to the letter: octet i of the result is octet i
// of the original XOR octet i mod 4 of the key. It begins at octet phase.
func naive(b []byte, k mask.Key, phase int) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i] ^ k[(phase+i)%4]
	}
	return out
}

// naiveAll is naive with testKey, begun at each of its octets.
func naiveAll(b []byte) (masked [4][]byte) {
	for phase := range masked {
		masked[phase] = naive(b, testKey, phase)
	}
	return masked
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
	around  = 70  // bytes before and after a slice that must stay
	aligned = 64  // positions in a cache line
)

// largeSizes are such that loops run, just about do not, and run differently.
var largeSizes = []int{
	383, 384, 385, 511, 512, 513, 575, 576, 577, 640, 767, 768, 769, 1023, 1024, 1025,
	4095, 4096, 4097, 49151, 49152, 49153, 49152 + 255, 65536, 100003,
}

func allSizes() []int {
	var sizes []int
	for size := range largest + 1 {
		sizes = append(sizes, size)
	}
	return sizes
}

// each runs f with every implementation that this machine has.
func each(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for _, implementation := range mask.Implementations() {
		t.Run(implementation.Name, func(t *testing.T) {
			defer implementation.Use()()
			f(t)
		})
	}
}

// TestXOR compares every size at every alignment, with the key at every offset.
func TestXOR(t *testing.T) {
	each(t, func(t *testing.T) {
		for size := range largest + 1 {
			xorEverywhere(t, size, 1)
		}
		for _, size := range largeSizes {
			xorEverywhere(t, size, 9)
		}
	})
}

// xorEverywhere masks size bytes in place, at positions step apart.
func xorEverywhere(t *testing.T, size, step int) {
	t.Helper()
	original := random(size + aligned + 2*around)
	masked := naiveAll(original)
	buf, want := bytes.Clone(original), bytes.Clone(original)
	for shift := 0; shift < aligned; shift += step {
		for phase := range 4 {
			from, to := around+shift, around+shift+size
			copy(buf, original)
			copy(want, original)
			copy(want[from:to], masked[(phase-from)&3][from:])
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

// TestCopy does the same with source and destination apart, each at every alignment.
func TestCopy(t *testing.T) {
	step := 1
	if raceDetector || testing.Short() {
		step = 31 // takes every position too, but not with every other
	}
	each(t, func(t *testing.T) {
		for size := range largest + 1 {
			copyEverywhere(t, size, step)
		}
		for _, size := range largeSizes {
			copyEverywhere(t, size, 127)
		}
	})
}

// copyEverywhere copies size bytes from and to positions in a cache line: every step-th
// of all pairs.
func copyEverywhere(t *testing.T, size, step int) {
	t.Helper()
	src := random(size + aligned + 2*around)
	srcBefore := bytes.Clone(src)
	masked := naiveAll(src)
	untouched := bytes.Repeat([]byte{0xA5}, len(src))
	dst, want := bytes.Clone(untouched), bytes.Clone(untouched)
	for i := 0; i < 4*aligned*aligned; i += step {
		from, to, phase := i/4%aligned, around+i/4/aligned, i%4
		copy(dst, untouched)
		copy(want, untouched)
		copy(want[to:to+size], masked[(phase-from)&3][from:])
		next := mask.Copy(dst[to:to+size], src[from:from+size], rotated(testKey, phase))
		if !bytes.Equal(dst, want) {
			t.Fatalf("size %d, from %d to %d, key offset %d: the bytes differ from the naive loop", size, from, to, phase)
		}
		if next != rotated(testKey, phase+size) {
			t.Fatalf("size %d, key offset %d: next key %x", size, phase, next)
		}
	}
	if !bytes.Equal(src, srcBefore) {
		t.Fatalf("size %d: the source changed", size)
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

// TestCopyOverlap: source and destination may share bytes in any way, and what is not
// of the destination stays.
func TestCopyOverlap(t *testing.T) {
	each(t, func(t *testing.T) {
		for _, size := range append([]int{0, 1, 2, 3, 4, 7, 8, 9, 31, 33, 64, 65, 100, 129, 257, largest}, largeSizes...) {
			copyOverlapping(t, size)
		}
	})
}

// copyOverlapping copies size bytes by distances around nothing and around size.
func copyOverlapping(t *testing.T, size int) {
	t.Helper()
	const most = 70
	original := random(3*size + 2*most)
	from := size + most
	wanted := naive(original[from:from+size], testKey, 0)
	buf, want := bytes.Clone(original), bytes.Clone(original)
	var distances []int
	for d := range most + 1 {
		distances = append(distances, d, -d)
		if size > most && d < 3 {
			distances = append(distances, size+d, size-d, -size-d, -size+d)
		}
	}
	for _, distance := range distances {
		copy(buf, original)
		copy(want, original)
		to := from + distance
		copy(want[to:], wanted)
		mask.Copy(buf[to:to+size], buf[from:from+size], testKey)
		if !bytes.Equal(buf, want) {
			t.Fatalf("size %d, by %d: the bytes differ from the naive loop", size, distance)
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
