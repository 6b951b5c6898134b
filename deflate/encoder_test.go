package deflate_test

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/deflate"
)

// deflated compresses a message in pieces of size n.
func deflated(e *deflate.Encoder, text []byte, n int) (wire []byte) {
	for len(text) > 0 {
		m := min(n, len(text))
		wire = e.Append(wire, text[:m])
		text = text[m:]
	}
	return e.End(wire)
}

// hexed returns s as bytes.
func hexed(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestEncoderRFC(t *testing.T) {
	random := randomBytes(1, 100)
	for _, test := range []struct {
		name string
		text []string
		w    deflate.Window
		want []string
	}{
		{"one block", []string{"Hello"}, deflate.Window{}, []string{"f248cdc9c90700"}},
		// One byte less than the example of the RFC, which sends the H as a literal.
		{"sharing the window", []string{"Hello", "Hello"}, deflate.Window{}, []string{"f248cdc9c90700", "02130000"}},
		{"no takeover", []string{"Hello", "Hello"}, deflate.Window{NoTakeover: true}, []string{"f248cdc9c90700", "f248cdc9c90700"}},
		{"empty", []string{"", "Hello", ""}, deflate.Window{}, []string{"00", "f248cdc9c90700", "00"}},
		{"stored", []string{string(random)}, deflate.Window{}, []string{fmt.Sprintf("0064009bff%x00", random)}},
	} {
		for level := deflate.Fastest; level <= deflate.Best; level++ {
			if level == deflate.Fastest && test.name == "sharing the window" {
				continue // looks for matches of six bytes
			}
			e := deflate.NewEncoder(test.w, level)
			var got []string
			for _, text := range test.text {
				got = append(got, fmt.Sprintf("%x", deflated(e, []byte(text), 100)))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s, level %d (-want +got):\n%s", test.name, level, diff)
			}
		}
	}
}

// kinds of text, n bytes each.
var kinds = map[string]func(seed uint64, n int) []byte{
	"json":   jsonText,
	"random": randomBytes,
	"zeros":  func(_ uint64, n int) []byte { return make([]byte, n) },
	"short period": func(seed uint64, n int) []byte {
		return bytes.Repeat(randomBytes(seed, 3), n/3+1)[:n]
	},
	"long period": func(seed uint64, n int) []byte {
		return bytes.Repeat(randomBytes(seed%3, 1000), n/1000+1)[:n]
	},
	"few letters": func(seed uint64, n int) []byte {
		b := randomBytes(seed, n)
		for i := range b {
			b[i] = 'a' + b[i]&3
		}
		return b
	},
	"skewed": func(seed uint64, n int) []byte { // codes of the greatest length
		r := rand.New(rand.NewPCG(seed, 2))
		b := make([]byte, n)
		for i := range b {
			for b[i] < 40 && r.Uint32()&1 == 0 {
				b[i]++
			}
			b[i] *= 5
		}
		return b
	},
	"mixed": func(seed uint64, n int) []byte {
		return bytes.Join([][]byte{jsonText(seed, n/3), randomBytes(seed, n/3), make([]byte, n-n/3*2)}, nil)
	},
}

// TestEncoderStandard inflates messages of many sizes with compress/flate.
func TestEncoderStandard(t *testing.T) {
	sizes := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 100, 257, 258, 259, 1000, 5000, 65535, 65536, 65537, 140000}
	for kind, text := range kinds {
		for level := deflate.Fastest; level <= deflate.Best; level++ {
			e := deflate.NewEncoder(deflate.Window{NoTakeover: true}, level)
			for i, n := range sizes {
				if n > 5000 && level%4 != 1 || n > 70000 && level != 1 || (i+int(level))%sample != 0 {
					continue // takes long and shows no more
				}
				text := text(uint64(n), n)
				wire := deflated(e, text, []int{1 << 20, 1000, 1 << 16}[i%3])
				got, err := standardInflate(wire)
				if err != nil || !bytes.Equal(got, text) {
					t.Fatalf("%s, level %d, %d bytes: %d bytes, %v", kind, level, n, len(got), err)
				}
				if stored := n + 5*((n+65534)/65535) + 1; len(wire) > stored {
					t.Errorf("%s, level %d, %d bytes: %d on the wire", kind, level, n, len(wire))
				}
			}
		}
	}
}

// TestEncoderWindow sends messages with takeover to a Decoder that keeps strictly to
// the window, and to compress/flate.
func TestEncoderWindow(t *testing.T) {
	for bits := deflate.MinWindowBits; bits <= deflate.MaxWindowBits; bits++ {
		for level := deflate.Fastest; level <= deflate.Best; level++ {
			for _, noTakeover := range []bool{false, true} {
				w := deflate.Window{Bits: bits, NoTakeover: noTakeover}
				e, d := deflate.NewEncoder(w, level), deflate.NewDecoder(w)
				r := rand.New(rand.NewPCG(uint64(bits), uint64(level)))
				var before []byte
				for i := range 40 / sample {
					n := r.IntN(1 << r.IntN(bits+1))
					text := jsonText(uint64(i/2), n)
					if i%7 == 3 {
						text = kinds["long period"](uint64(i), n)
					}
					wire := deflated(e, text, 1+r.IntN(n+1))
					if got := whole(d, wire); got != (result{string(text), nil}) {
						t.Fatalf("%+v, level %d, message %d: %d of %d bytes, %v", w, level, i, len(got.Text), n, got.Err)
					}
					if bits == deflate.MaxWindowBits && !noTakeover {
						got, err := standardInflateDict(wire, before)
						if err != nil || !bytes.Equal(got, text) {
							t.Fatalf("level %d, message %d, compress/flate: %v", level, i, err)
						}
					}
					before = append(before, text...)
				}
			}
		}
	}
}

// standardInflateDict inflates a message that refers to the text before it.
func standardInflateDict(wire, before []byte) ([]byte, error) {
	r := flate.NewReaderDict(bytes.NewReader(append(bytes.Clone(wire), "\x00\x00\xff\xff\x01\x00\x00\xff\xff"...)), before)
	var b bytes.Buffer
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// TestEncoderTakeover shows that the window is used, and how far.
func TestEncoderTakeover(t *testing.T) {
	text := randomBytes(1, 200)
	for _, test := range []struct {
		name  string
		w     deflate.Window
		about []int // bytes on the wire
		do    func(e *deflate.Encoder) error
	}{
		{"takeover", deflate.Window{}, []int{206, 7}, nil},
		{"smallest window", deflate.Window{Bits: 8}, []int{206, 7}, nil},
		{"no takeover", deflate.Window{NoTakeover: true}, []int{206, 206}, nil},
		{"forgotten", deflate.Window{}, []int{206, 206}, (*deflate.Encoder).Forget},
		{"added", deflate.Window{}, []int{206, 7}, func(e *deflate.Encoder) error {
			return errors.Join(e.Forget(), e.Add(text))
		}},
		{"added without takeover", deflate.Window{NoTakeover: true}, []int{206, 206}, func(e *deflate.Encoder) error { return e.Add(text) }},
		{"pushed out", deflate.Window{Bits: 8}, []int{206, 206}, func(e *deflate.Encoder) error { return e.Add(randomBytes(2, 256)) }},
		{"not quite pushed out", deflate.Window{Bits: 9}, []int{206, 7}, func(e *deflate.Encoder) error { return e.Add(randomBytes(2, 300)) }},
		{"reset", deflate.Window{}, []int{206, 206}, func(e *deflate.Encoder) error { e.Reset(deflate.Window{}, 1); return nil }},
	} {
		for level := deflate.Fastest; level <= deflate.Best; level++ {
			e := deflate.NewEncoder(test.w, level)
			for i, want := range test.about {
				if i > 0 && test.do != nil {
					if err := test.do(e); err != nil {
						t.Fatal(err)
					}
				}
				if got := len(deflated(e, text, 1000)); got > want || got < want-4 {
					t.Errorf("%s, level %d, message %d: %d bytes, want %d", test.name, level, i, got, want)
				}
			}
		}
	}
}

// TestEncoderAdd mixes messages compressed elsewhere into a stream, in both ways
// that keep the windows of the two sides together.
func TestEncoderAdd(t *testing.T) {
	for _, add := range []bool{true, false} {
		e, shared := deflate.NewEncoder(deflate.Window{Bits: 10}, 6), deflate.NewEncoder(deflate.Window{Bits: 10, NoTakeover: true}, 6)
		d := deflate.NewDecoder(deflate.Window{Bits: 10})
		for i := range 60 {
			text := jsonText(uint64(i%4), 100+13*i)
			var wire []byte
			if i%3 == 1 {
				wire = deflated(shared, text, 1000)
				after := e.Forget
				if add {
					after = func() error { return e.Add(text) }
				}
				if err := after(); err != nil {
					t.Fatal(err)
				}
			} else {
				wire = deflated(e, text, 1000)
			}
			if got := whole(d, wire); got != (result{string(text), nil}) {
				t.Fatalf("add %t, message %d: %v", add, i, got.Err)
			}
		}
	}
}

// TestEncoderUnfinished: what is for between messages is refused within one.
func TestEncoderUnfinished(t *testing.T) {
	var e deflate.Encoder
	_ = e.Append(nil, []byte("Hel"))
	if err := e.Add([]byte("x")); err != deflate.ErrUnfinished {
		t.Errorf("Add: %v", err)
	}
	if err := e.Forget(); err != deflate.ErrUnfinished {
		t.Errorf("Forget: %v", err)
	}
	if diff := cmp.Diff(hexed(t, "f248cdc9c90700"), e.End(e.Append(nil, []byte("lo")))); diff != "" {
		t.Errorf("the message (-want +got):\n%s", diff)
	}
	_ = e.Append(nil, []byte("Hello"))
	e.Reset(deflate.Window{NoTakeover: true}, deflate.Best)
	if diff := cmp.Diff(hexed(t, "f248cdc9c90700"), e.End(e.Append(nil, []byte("Hello")))); diff != "" {
		t.Errorf("after Reset (-want +got):\n%s", diff)
	}
}

// TestEncoderFlush inflates a message as far as it was flushed.
func TestEncoderFlush(t *testing.T) {
	for level := deflate.Fastest; level <= deflate.Best; level++ {
		var e deflate.Encoder
		e.Reset(deflate.Window{Bits: 9}, level)
		d := deflate.NewDecoder(deflate.Window{Bits: 9})
		for range 3 {
			var got, want []byte
			for i := range 20 {
				text := jsonText(uint64(i/2), 100*i)
				wire := e.Flush(e.Append(nil, text))
				want = append(want, text...)
				out, n, err := d.Append(make([]byte, 0, 1<<16), wire)
				if err != nil || n != len(wire) {
					t.Fatal(n, err)
				}
				d.Keep(out)
				if got = append(got, out...); !bytes.Equal(got, want) {
					t.Fatalf("level %d, flush %d: %d of %d bytes", level, i, len(got), len(want))
				}
			}
			wire := e.End(nil)
			if out := whole(d, wire); out != (result{}) {
				t.Fatal(out)
			}
		}
	}
}

// TestEncoderStreams shows that a long message leaves in many parts.
func TestEncoderStreams(t *testing.T) {
	e := deflate.NewEncoder(deflate.Window{}, 1)
	text := jsonText(1, 1<<20)
	held, most := 0, 0
	for i := range 1 << 10 {
		held += 1 << 10
		if len(e.Append(nil, text[i<<10:(i+1)<<10])) > 0 {
			held = 0
		}
		most = max(most, held)
	}
	if most >= 1<<16 {
		t.Errorf("%d bytes held back", most)
	}
	e.Reset(deflate.Window{}, 1)
}

// TestEncoderLevels: a higher level is not noticeably larger on text, nor is the best than that
// of compress/flate.
func TestEncoderLevels(t *testing.T) {
	for _, n := range []int{1000, 16000, 200000} {
		text := jsonText(3, n)
		last := len(text)
		for level := deflate.Fastest; level <= deflate.Best; level++ {
			got := len(deflated(deflate.NewEncoder(deflate.Window{}, level), text, n))
			if got > last+last/500 {
				t.Errorf("%d bytes: %d at level %d, %d below", n, got, level, last)
			}
			last = got
		}
		if want := len(standard(t, flate.BestCompression, text)); last > want {
			t.Errorf("%d bytes: %d, compress/flate %d", n, last, want)
		}
	}
}

func TestAllocs(t *testing.T) {
	text := jsonText(1, 5000)
	for _, w := range []deflate.Window{{}, {NoTakeover: true}, {Bits: 9}} {
		for _, level := range []deflate.Level{deflate.Fastest, 0, deflate.Best} {
			e, d := deflate.NewEncoder(w, level), deflate.NewDecoder(w)
			wire, buf := make([]byte, 0, 8192), make([]byte, 0, 8192)
			f := func() {
				wire = e.End(e.Append(wire[:0], text))
				out, _, err := d.Append(buf, wire)
				out, done, again := d.End(out)
				if err != nil || again != nil || !done || len(out) != len(text) {
					t.Fatal(err, again, done, len(out))
				}
			}
			for range 10 {
				f()
			}
			if n := testing.AllocsPerRun(100, f); n > allocs {
				t.Errorf("%+v, level %d: %v allocations", w, level, n)
			}
		}
	}
}
