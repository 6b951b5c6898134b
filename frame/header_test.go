package frame_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

func TestAppend(t *testing.T) {
	key := mask.Key{1, 2, 3, 4}
	tests := []struct {
		name string
		h    frame.Header
		want string
	}{
		{"zero", frame.Header{}, "\x00\x00"},
		{"FIN", frame.Header{Fin: true}, "\x80\x00"},
		{"opcode", frame.Header{Opcode: frame.Pong}, "\x0a\x00"},
		{"opcode of more than four bits", frame.Header{Opcode: 0xf1}, "\x01\x00"},
		{"RSV1", frame.Header{RSV: frame.RSV1}, "\x40\x00"},
		{"RSV2", frame.Header{RSV: frame.RSV2}, "\x20\x00"},
		{"RSV3", frame.Header{RSV: frame.RSV3}, "\x10\x00"},
		{"RSV beside its bits", frame.Header{RSV: 0x8f}, "\x00\x00"},
		{"a key that is not used", frame.Header{Key: key}, "\x00\x00"},
		{"masked", frame.Header{Masked: true, Key: key}, "\x00\x80\x01\x02\x03\x04"},
		{"125", frame.Header{Length: 125}, "\x00\x7d"},
		{"126", frame.Header{Length: 126}, "\x00\x7e\x00\x7e"},
		{"127", frame.Header{Length: 127}, "\x00\x7e\x00\x7f"},
		{"65535", frame.Header{Length: 65535}, "\x00\x7e\xff\xff"},
		{"65536", frame.Header{Length: 65536}, "\x00\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
		{"2^63-1", frame.Header{Length: 1<<63 - 1}, "\x00\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"},
		{"all", frame.Header{Opcode: 15, Fin: true, RSV: 0x70, Masked: true, Key: key, Length: 65536}, "\xff\xff\x00\x00\x00\x00\x00\x01\x00\x00\x01\x02\x03\x04"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff([]byte(tt.want), tt.h.Append(nil)); diff != "" {
				t.Errorf("Append (-want +got):\n%s", diff)
			}
			if tt.h.Len() != len(tt.want) {
				t.Errorf("Len: %d, want %d", tt.h.Len(), len(tt.want))
			}
		})
	}
}

// TestAppendInPlace shows that Append uses the room of its argument.
func TestAppendInPlace(t *testing.T) {
	buf := make([]byte, 3, 3+frame.MaxHeaderLen)
	got := frame.Header{Masked: true, Length: 1 << 40}.Append(buf)
	if &got[0] != &buf[0] || len(got) != 3+frame.MaxHeaderLen {
		t.Errorf("Append into capacity moved the slice, or wrote %d bytes", len(got)-3)
	}
}

func TestAllocs(t *testing.T) {
	h := frame.Header{Opcode: frame.Ping, Fin: true, Masked: true, Key: mask.Key{1, 2, 3, 4}, Length: 125}
	wire := h.Append(nil)
	buf := make([]byte, 0, 256)
	body := []byte("\x03\xe8")
	for name, f := range map[string]func(){
		"Parse":       func() { sinkHeader, _, sinkErr = frame.Parse(wire) },
		"Parse short": func() { sinkHeader, _, sinkErr = frame.Parse(wire[:3]) },
		"Parse bad":   func() { sinkHeader, _, sinkErr = frame.Parse([]byte{0, 126, 0, 0}) },
		"Check":       func() { sinkErr = h.Check(frame.Client, 0) },
		"Check bad":   func() { sinkErr = h.Check(frame.Server, 0) },
		"Append":      func() { buf = h.Append(buf[:0]) },
		"AppendClose": func() { buf, sinkErr = frame.AppendClose(buf[:0], 1000, "reason") },
		"ParseClose":  func() { _, _, sinkErr = frame.ParseClose(body) },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}

var (
	sinkHeader frame.Header
	sinkErr    error
	sinkBytes  []byte
)

// FuzzAppend writes any header and reads it back.
func FuzzAppend(f *testing.F) {
	f.Add(byte(1), true, byte(0x40), true, uint32(0x01020304), uint64(5))
	for _, n := range []uint64{0, 125, 126, 65535, 65536, 1<<63 - 1, 1 << 63} {
		f.Add(byte(2), false, byte(0), false, uint32(0), n)
	}
	f.Fuzz(func(t *testing.T, opcode byte, fin bool, rsv byte, masked bool, key uint32, length uint64) {
		h := frame.Header{Opcode: frame.Opcode(opcode), Fin: fin, RSV: frame.RSV(rsv), Masked: masked, Length: length}
		if masked {
			h.Key = mask.Key{byte(key >> 24), byte(key >> 16), byte(key >> 8), byte(key)}
		}
		wire := h.Append([]byte("before"))[len("before"):]
		if len(wire) != h.Len() || len(wire) > frame.MaxHeaderLen {
			t.Fatalf("%d bytes, Len says %d", len(wire), h.Len())
		}
		got, n, err := frame.Parse(append(wire, "after"...))
		want := h
		want.Opcode &= 15
		want.RSV &= 0x70
		if length > 1<<63-1 {
			want.Length, want.Key = 65536, mask.Key{}
			if err != frame.LengthTopBit {
				t.Fatalf("error %v, want LengthTopBit", err)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		if got != want || n != len(wire) {
			t.Fatalf("read back %+v, %d bytes; want %+v, %d", got, n, want, len(wire))
		}
		again := got.Append(nil)
		if err == nil && !bytes.Equal(again, wire) {
			t.Fatalf("written again as %x, want %x", again, wire)
		}
	})
}

var benchHeaders = []struct {
	name string
	h    frame.Header
}{
	{"length=125", frame.Header{Opcode: frame.Text, Fin: true, Length: 125}},
	{"length=65535", frame.Header{Opcode: frame.Text, Fin: true, Length: 65535}},
	{"length=65536", frame.Header{Opcode: frame.Text, Fin: true, Length: 65536}},
}

func BenchmarkAppend(b *testing.B) {
	eachHeader(b, func(b *testing.B, h frame.Header) {
		buf := make([]byte, 0, frame.MaxHeaderLen)
		for b.Loop() {
			sinkBytes = h.Append(buf)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	eachHeader(b, func(b *testing.B, h frame.Header) {
		wire := h.Append(nil)
		for b.Loop() {
			sinkHeader, _, sinkErr = frame.Parse(wire)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	eachHeader(b, func(b *testing.B, h frame.Header) {
		from := frame.Server
		if h.Masked {
			from = frame.Client
		}
		for b.Loop() {
			sinkErr = h.Check(from, 0)
		}
	})
}

func eachHeader(b *testing.B, f func(b *testing.B, h frame.Header)) {
	for _, bb := range benchHeaders {
		for _, masked := range []bool{false, true} {
			bb.h.Masked = masked
			b.Run(fmt.Sprintf("%s/masked=%v", bb.name, masked), func(b *testing.B) {
				b.ReportAllocs()
				f(b, bb.h)
			})
		}
	}
}
