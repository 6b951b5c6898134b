package deflate_test

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/deflate"
)

// result is what came of one message.
type result struct {
	Text string
	Err  error
}

// whole inflates a message in one piece, with room for all of it.
func whole(d *deflate.Decoder, wire []byte) result {
	out, n, err := d.Append(make([]byte, 0, 1<<10), wire)
	for err == nil && n < len(wire) {
		m := 0
		out, m, err = d.Append(double(out), wire[n:])
		n += m
	}
	for done := false; err == nil && !done; {
		out, done, err = d.End(out)
		if err == nil && !done {
			out = double(out)
		}
	}
	return result{string(out), err}
}

// double returns b with more capacity, in other memory.
func double(b []byte) []byte {
	return append(make([]byte, 0, 2*cap(b)+1), b...)
}

// pieces inflates a message that arrives in pieces of size in, into buffers that
// have room for size out and are thrown away.
func pieces(d *deflate.Decoder, wire []byte, in, out int) result {
	var text []byte
	step := func(f func(buf []byte) ([]byte, error)) error {
		buf, err := f(make([]byte, 0, out))
		text = append(text, buf...)
		d.Keep(buf)
		clear(buf[:cap(buf)])
		return err
	}
	for len(wire) > 0 {
		piece := wire[:min(in, len(wire))]
		err := step(func(buf []byte) ([]byte, error) {
			got, n, err := d.Append(buf, piece)
			if err == nil && n < len(piece) && len(got) < cap(got) {
				err = errors.New("input left and room left")
			}
			wire = wire[n:]
			return got, err
		})
		if err != nil {
			return result{string(text), err}
		}
	}
	for done := false; !done; {
		err := step(func(buf []byte) (got []byte, err error) {
			got, done, err = d.End(buf)
			if err == nil && !done && len(got) < cap(got) {
				err = errors.New("not done and room left")
			}
			return got, err
		})
		if err != nil {
			return result{string(text), err}
		}
	}
	return result{string(text), nil}
}

// every inflates the messages of a stream in several ways, compares them and
// returns the results.
func every(t *testing.T, w deflate.Window, messages ...[]byte) []result {
	t.Helper()
	var want []result
	d := deflate.NewDecoder(w)
	for _, m := range messages {
		want = append(want, whole(d, m))
	}
	for _, cut := range []struct{ in, out int }{{1, 1}, {1, 1000}, {1000, 1}, {1 << 20, 1 << 20}, {7, 13}, {40, 60}, {17, 3}, {1000, 300}} {
		if len(want[0].Text) > 4000 && min(cut.in, cut.out) < 100 {
			continue // slow, and no different
		}
		d := deflate.NewDecoder(w)
		for i, m := range messages {
			got := pieces(d, m, cut.in, cut.out)
			if diff := cmp.Diff(want[i].Text, got.Text); diff != "" || got.Err != want[i].Err {
				t.Fatalf("message %d in pieces of %d into %d: error %v, whole %v (-whole +pieces):\n%s", i, cut.in, cut.out, got.Err, want[i].Err, diff)
			}
		}
	}
	return want
}

// The payloads of RFC 7692, section 7.2.3, and what its sections say besides.
func TestDecoderRFC(t *testing.T) {
	for _, test := range []struct {
		name string
		wire []string
		want []result
	}{
		{"one block", []string{"f248cdc9c90700"}, []result{{"Hello", nil}}},
		{"sharing the window", []string{"f248cdc9c90700", "f200110000"}, []result{{"Hello", nil}, {"Hello", nil}}},
		{"no compression", []string{"000500faff48656c6c6f00"}, []result{{"Hello", nil}}},
		{"BFINAL", []string{"f348cdc9c9070000"}, []result{{"Hello", nil}}},
		{"the message after BFINAL", []string{"f348cdc9c9070000", "f200110000", "f248cdc9c90700"}, []result{{"Hello", nil}, {"Hello", nil}, {"Hello", nil}}},
		{"two blocks", []string{"f248050000" + "00ffffcac9c90700"}, []result{{"Hello", nil}}},
		{"empty", []string{"00"}, []result{{"", nil}}},
		{"no bytes", []string{"", "00", "f248cdc9c90700"}, []result{{"", nil}, {"", nil}, {"Hello", nil}}},
		{"blocks after BFINAL", []string{"f348cdc9c90700" + "f348cdc9c90700" + "010500faff48656c6c6f" + "00"}, []result{{"HelloHelloHello", nil}}},
		{"two empty stored blocks", []string{"000000ffff00"}, []result{{"", nil}}},
		{"BFINAL on an empty stored block", []string{"010000ffff00"}, []result{{"", nil}}},
		{"BFINAL on the block cut off", []string{"01"}, []result{{"", nil}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var wire [][]byte
			for _, s := range test.wire {
				b, err := hex.DecodeString(s)
				if err != nil {
					t.Fatal(err)
				}
				wire = append(wire, b)
			}
			if diff := cmp.Diff(test.want, every(t, deflate.Window{}, wire...), equalErrors); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

var equalErrors = cmp.Comparer(func(a, b error) bool { return a == b })

// TestDecoderZlib inflates what zlib made, for every window that it supports.
func TestDecoderZlib(t *testing.T) {
	data, err := os.ReadFile("testdata/zlib.txt")
	if err != nil {
		t.Fatal(err)
	}
	type message struct {
		size int
		sum  uint32
		wire []byte
	}
	streams := 0
	run := func(name string, bits int, messages []message) {
		streams++
		t.Run(name, func(t *testing.T) {
			var wire [][]byte
			for _, m := range messages {
				wire = append(wire, m.wire)
			}
			if len(wire) < 4 {
				t.Fatalf("%d messages", len(wire))
			}
			for i, got := range every(t, deflate.Window{Bits: bits}, wire...) {
				m := messages[i]
				if got.Err != nil || len(got.Text) != m.size || crc32.ChecksumIEEE([]byte(got.Text)) != m.sum {
					t.Errorf("message %d: %d bytes, error %v; want %d", i, len(got.Text), got.Err, m.size)
				}
			}
		})
	}
	for part := range strings.SplitSeq(string(data), "\n\nstream: ") {
		if strings.HasPrefix(part, "#") {
			continue
		}
		name, rest, _ := strings.Cut(part, "\n")
		var bits int
		if _, err := fmt.Sscanf(name, "bits=%d", &bits); err != nil {
			t.Fatal(err)
		}
		var messages []message
		for line := range strings.Lines(rest) {
			var m message
			if _, err := fmt.Sscanf(line, "%d %x %x", &m.size, &m.sum, &m.wire); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			messages = append(messages, m)
		}
		run(name, bits, messages)
	}
	if streams < 20 {
		t.Errorf("%d streams", streams)
	}
}

// TestDecoderStandard inflates what compress/flate makes at every level.
func TestDecoderStandard(t *testing.T) {
	texts := [][]byte{
		nil, []byte("a"), []byte("Hello"), bytes.Repeat([]byte("a"), 1000), bytes.Repeat([]byte("abc"), 12000),
		jsonText(1, 1000), jsonText(2, 40000), randomBytes(3, 40000), append(randomBytes(4, 32768), randomBytes(4, 32768)...),
	}
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		for i, text := range texts {
			if (i+level+2)%sample != 0 {
				continue
			}
			for _, w := range []deflate.Window{{}, {NoTakeover: true}} {
				wire := standard(t, level, text)
				for _, got := range every(t, w, wire, wire) {
					if diff := cmp.Diff(result{string(text), nil}, got, equalErrors); diff != "" {
						t.Fatalf("level %d, text %d, %+v (-want +got):\n%s", level, i, w, diff)
					}
				}
			}
		}
	}
}

// TestDecoderHistory: a buffer that lacks output that was not kept is refused.
func TestDecoderHistory(t *testing.T) {
	var d deflate.Decoder
	if out, _, err := d.Append(make([]byte, 0, 10), hexed(t, "f248cdc9c907")); err != nil || len(out) != 5 {
		t.Fatal(out, err)
	}
	d.Keep([]byte("Hell")) // without effect
	if _, _, err := d.Append([]byte("Hell"), []byte{0}); err != deflate.ErrHistory {
		t.Errorf("Append: %v", err)
	}
	if _, _, err := d.End(nil); err != deflate.ErrHistory {
		t.Errorf("End: %v", err)
	}
}

// A message that ends inside a stored block ends too early, also if there was no room for
// more of it.
func TestDecoderEarlyEndInAFullBuffer(t *testing.T) {
	for given := range 5 {
		d := deflate.NewDecoder(deflate.Window{})
		src := append([]byte{0x00, 5, 0, 0xfa, 0xff}, "hello"[:given]...)
		out, n, err := d.Append(make([]byte, 0, given), src)
		if string(out) != "hello"[:given] || n != len(src) || err != nil {
			t.Fatalf("%q, %d taken, %v", out, n, err)
		}
		if out, done, err := d.End(out); done || err != deflate.EarlyEnd {
			t.Errorf("%d of 5 bytes: %q, done %v, %v", given, out, done, err)
		}
	}
}
