package frame_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
)

// TestParseEveryBeginning tries the 65,536 ways a header can begin, followed by
// nothing, by zeros, by ones and by a length that its form allows.
func TestParseEveryBeginning(t *testing.T) {
	tails := [][]byte{
		nil,
		make([]byte, 12),
		bytes.Repeat([]byte{0xff}, 12),
		{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4},
	}
	for first := range 1 << 16 {
		for i, tail := range tails {
			b := binary.BigEndian.AppendUint16(nil, uint16(first))
			b = append(b, tail...)
			h, n, err := frame.Parse(b)
			want := 2
			switch b[1] & 0x7f {
			case 126:
				want = 4
			case 127:
				want = 10
			}
			if b[1]&0x80 != 0 {
				want += 4
			}
			if n != want {
				t.Fatalf("% x: size %d, want %d", b, n, want)
			}
			if byte(h.Opcode)|byte(h.RSV) != b[0]&0x7f || h.Fin != (b[0]&0x80 != 0) || h.Masked != (b[1]&0x80 != 0) {
				t.Fatalf("% x: %+v", b, h)
			}
			if i == 3 && (err != nil || !bytes.Equal(h.Append(nil), b[:n])) {
				t.Fatalf("% x: error %v, written again as % x", b, err, h.Append(nil))
			}
		}
	}
}

// TestParseEveryLength tries every 16-bit length, and 64-bit ones around each power
// of two.
func TestParseEveryLength(t *testing.T) {
	for v := range uint64(1 << 16) {
		b := binary.BigEndian.AppendUint16([]byte{0x82, 126}, uint16(v))
		h, _, err := frame.Parse(b)
		if v < 126 && err != frame.LengthNotMinimal || v >= 126 && (err != nil || h.Length != v) {
			t.Fatalf("%d in 16 bits: %d, %v", v, h.Length, err)
		}
	}
	for bit := range 64 {
		for _, v := range []uint64{1<<bit - 1, 1 << bit, 1<<bit + 1} {
			b := binary.BigEndian.AppendUint64([]byte{0x82, 127}, v)
			h, _, err := frame.Parse(b)
			var want error
			length := v
			switch {
			case v >= 1<<63:
				want, length = frame.LengthTopBit, 65536
			case v < 65536:
				want, length = frame.LengthNotMinimal, 65536
			}
			if err != want || h.Length != length {
				t.Errorf("%#x in 64 bits: %d, %v; want %d, %v", v, h.Length, err, length, want)
			}
		}
	}
}

// FuzzParse shows of any bytes that Parse does not read past the header, agrees with
// itself on every beginning of it, and that Append gives the same bytes back.
func FuzzParse(f *testing.F) {
	for _, v := range wstest.Vectors(f, "testdata/*.txt") {
		f.Add(v.Wire[:min(len(v.Wire), frame.MaxHeaderLen+1)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		h, n, err := frame.Parse(b)
		checkPrefixes(t, b)
		if !bytes.Equal(b, before) {
			t.Fatal("Parse changed its argument")
		}
		switch err {
		case nil:
			if n > len(b) {
				t.Fatalf("a header of %d bytes in %d", n, len(b))
			}
			checkAppend(t, h, b[:n])
			if h.Length > 1<<63-1 {
				t.Fatalf("length %d", h.Length)
			}
		case frame.ErrShort:
			if n <= len(b) {
				t.Fatalf("a header of %d bytes is short with %d", n, len(b))
			}
		case frame.LengthNotMinimal, frame.LengthTopBit:
		default:
			t.Fatalf("error %v", err)
		}
	})
}
