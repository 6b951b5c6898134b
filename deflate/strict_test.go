package deflate_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/duplexws/duplex/deflate"
)

// strictInflater is a plain inflater, one bit at a time as RFC 1951 describes it,
// that shares no code with the package and has a window of size bytes: what is older
// is gone. farthest is the greatest distance that it has seen.
type strictInflater struct {
	size, farthest int
	window, out    []byte
	in             []byte
	bit            int
}

var errStrict = errors.New("strict inflater")

func (f *strictInflater) bits(n int) (v int) {
	for i := range n {
		if f.bit>>3 >= len(f.in) {
			panic(errStrict)
		}
		v |= int(f.in[f.bit>>3]>>(f.bit&7)&1) << i
		f.bit++
	}
	return v
}

// tree is a code: the number of codes by length and the symbols in order.
type tree struct {
	count   [16]int
	symbols []int
}

func newTree(lens []int) (t tree) {
	for n := 1; n < 16; n++ {
		for symbol, m := range lens {
			if m == n {
				t.count[n]++
				t.symbols = append(t.symbols, symbol)
			}
		}
	}
	return t
}

func (f *strictInflater) symbol(t *tree) int {
	code, first, index := 0, 0, 0
	for n := 1; n < 16; n++ {
		code |= f.bits(1)
		if code-first < t.count[n] {
			return t.symbols[index+code-first]
		}
		index += t.count[n]
		first = (first + t.count[n]) << 1
		code <<= 1
	}
	panic(errStrict)
}

// message inflates a message from which the marker has been cut off.
func (f *strictInflater) message(wire []byte) (text []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v after %d bytes", r, len(f.out))
		}
	}()
	f.in, f.bit, f.out = append(bytes.Clone(wire), 0, 0, 0xff, 0xff), 0, nil
	for (f.bit+7)>>3 < len(f.in) {
		f.bits(1)
		switch f.bits(2) {
		case 0:
			f.bit = (f.bit + 7) &^ 7
			n := f.bits(16)
			if f.bits(16) != n^0xffff {
				panic(errStrict)
			}
			for range n {
				f.put(byte(f.bits(8)))
			}
		case 1:
			lens := bytes.Join([][]byte{bytes.Repeat([]byte{8}, 144), bytes.Repeat([]byte{9}, 112), bytes.Repeat([]byte{7}, 24), bytes.Repeat([]byte{8}, 8)}, nil)
			f.block(newTree(ints(lens)), newTree(ints(bytes.Repeat([]byte{5}, 30))))
		case 2:
			f.block(f.trees())
		default:
			panic(errStrict)
		}
	}
	return f.out, nil
}

func ints(b []byte) (n []int) {
	for _, c := range b {
		n = append(n, int(c))
	}
	return n
}

func (f *strictInflater) put(c byte) {
	f.out = append(f.out, c)
	if f.window = append(f.window, c); len(f.window) > f.size {
		f.window = f.window[1:]
	}
}

// trees reads the codes of a block, RFC 1951, section 3.2.7.
func (f *strictInflater) trees() (lit, dist tree) {
	literals, distances, codes := f.bits(5)+257, f.bits(5)+1, f.bits(4)+4
	lens := make([]int, 19)
	for _, i := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[:codes] {
		lens[i] = f.bits(3)
	}
	t := newTree(lens)
	var all []int
	for len(all) < literals+distances {
		symbol, n, v := f.symbol(&t), 1, 0
		switch symbol {
		case 16:
			v, n = all[len(all)-1], 3+f.bits(2)
		case 17:
			n = 3 + f.bits(3)
		case 18:
			n = 11 + f.bits(7)
		default:
			v = symbol
		}
		for range n {
			all = append(all, v)
		}
	}
	return newTree(all[:literals]), newTree(all[literals : literals+distances])
}

func (f *strictInflater) block(lit, dist tree) {
	for {
		s := f.symbol(&lit)
		switch {
		case s < 256:
			f.put(byte(s))
			continue
		case s == 256:
			return
		}
		length := 258
		if s -= 257; s < 8 {
			length = 3 + s
		} else if s < 28 {
			length = 3 + (4+s%4)<<(s/4-1) + f.bits(s/4-1)
		}
		d := f.symbol(&dist)
		distance := 1 + d
		if d >= 4 {
			distance = 1 + (2+d%2)<<(d/2-1) + f.bits(d/2-1)
		}
		f.farthest = max(f.farthest, distance)
		if distance > len(f.window) {
			panic(fmt.Errorf("distance %d, window %d", distance, len(f.window)))
		}
		for range length {
			f.put(f.window[len(f.window)-distance])
		}
	}
}

// TestEncoderStrict: with every window an inflater that has no more than it reads
// 1,000 varied messages with takeover. The window is made use of: some match reaches
// back further than half of it.
func TestEncoderStrict(t *testing.T) {
	messages := 1000 / sample
	for bits := deflate.MinWindowBits; bits <= deflate.MaxWindowBits; bits++ {
		for _, level := range []deflate.Level{0, 1, 2, 6} {
			if level != 0 && (bits+int(level))%4 != 0 {
				continue // all levels, and all windows at the default one
			}
			e := deflate.NewEncoder(deflate.Window{Bits: bits}, level)
			f := &strictInflater{size: 1 << bits}
			r := rand.New(rand.NewPCG(uint64(bits), 3))
			stream := jsonText(uint64(bits), 1<<17)
			for i := range messages {
				n := r.IntN(1 << (3 + r.IntN(8)))
				from := r.IntN(len(stream) - n)
				text := stream[from : from+n]
				switch i % 50 {
				case 7:
					text = randomBytes(uint64(i), n)
				case 8:
					text = bytes.Repeat([]byte("ab"), n)
				}
				got, err := f.message(deflated(e, text, 1+r.IntN(2*n+1)))
				if err != nil || !bytes.Equal(got, text) {
					t.Fatalf("%d bits, level %d, message %d of %d bytes: %d bytes, %v", bits, level, i, len(text), len(got), err)
				}
			}
			if f.farthest > 1<<bits || f.farthest <= 1<<bits/2 {
				t.Errorf("%d bits, level %d: the greatest distance is %d", bits, level, f.farthest)
			}
		}
	}
}
