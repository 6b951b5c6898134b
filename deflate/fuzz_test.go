package deflate_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/duplexws/duplex/deflate"
)

// FuzzDecoder holds the Decoder against compress/flate for any bytes, and the whole
// of a message against its pieces.
func FuzzDecoder(f *testing.F) {
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
		f.Add(standard(f, level, []byte("Hello Hello Hello")), 3, 5)
		f.Add(standard(f, level, jsonText(uint64(level+2), 600)), 100, 9)
	}
	f.Add([]byte{0xf3, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0}, 1, 1)
	f.Add(newStream().dynamic(258, 1, lens12...).tree(97, 1, 138, 20, 2, 2, 1).code(0, 1).code(3, 2).code(0, 1).code(2, 2).marker(), 2, 2)
	f.Fuzz(func(t *testing.T, wire []byte, in, out int) {
		if in < 1 || out < 1 || len(wire) > 1<<16 {
			return
		}
		got := whole(deflate.NewDecoder(deflate.Window{}), wire)
		if len(got.Text) < 1<<16 {
			in, out := max(in%1000, 1), max(out%1000, 1)
			if p := pieces(deflate.NewDecoder(deflate.Window{}), wire, in, out); p != got {
				t.Fatalf("whole: %d bytes, %v; in pieces of %d into %d: %d bytes, %v", len(got.Text), got.Err, in, out, len(p.Text), p.Err)
			}
		}
		text, err := standardInflate(wire)
		switch {
		case got.Err == nil && len(wire) > 0 && err != nil:
			t.Fatalf("inflated what compress/flate refuses: %v", err)
		case got.Err == nil && got.Text != string(text):
			t.Fatalf("%q, compress/flate has %q", got.Text, text)
		case got.Err != nil && err == nil && !stricter(got.Err):
			t.Fatalf("%v, compress/flate inflates it to %q", got.Err, text)
		case got.Err != nil && !stricter(got.Err) && got.Text != string(text):
			t.Fatalf("before the error %v: %q, compress/flate has %q", got.Err, got.Text, text)
		}
	})
}

// stricter reports whether compress/flate may go on where the Decoder stops: it has
// no rule against a block without an end, takes a code length code of one code, and
// lets any block swallow the four bytes that are appended.
func stricter(err error) bool {
	return err == deflate.NoEndOfBlock || err == deflate.CodeLengthCode || err == deflate.EarlyEnd
}

// standardInflate inflates a message with compress/flate, a block with BFINAL and
// what follows it included. The message must end where 00 00 FF FF makes a block.
func standardInflate(wire []byte) ([]byte, error) {
	r := bytes.NewReader(append(bytes.Clone(wire), 0, 0, 0xff, 0xff))
	var text []byte
	for {
		// A new stream with the text so far as its window.
		fr := flate.NewReaderDict(r, text)
		more, err := io.ReadAll(fr)
		text = append(text, more...)
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF) && r.Len() == 0:
			return text, atBoundary(wire, err)
		case err != nil:
			return text, err
		case r.Len() == 0:
			return text, nil
		}
	}
}

// atBoundary tells the end of a stream that lacks nothing but further blocks from an
// early one: with one more block that has BFINAL it is complete.
func atBoundary(wire []byte, err error) error {
	r := bytes.NewReader(append(bytes.Clone(wire), 0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff))
	var text []byte
	for {
		more, again := io.ReadAll(flate.NewReaderDict(r, text))
		if again != nil {
			return err
		}
		if r.Len() == 0 {
			return nil
		}
		text = append(text, more...)
	}
}

// TestDecoderMutated cuts and changes compressed messages: none is inflated to
// anything that compress/flate does not make of it.
func TestDecoderMutated(t *testing.T) {
	for level := flate.HuffmanOnly; level <= flate.BestCompression; level += 4 {
		wire := standard(t, level, jsonText(5, 900))
		d := deflate.NewDecoder(deflate.Window{})
		for n := 1; n < len(wire); n += sample {
			d.Reset(deflate.Window{})
			if got := whole(d, wire[:n]); got.Err != deflate.EarlyEnd {
				t.Fatalf("level %d, cut to %d of %d bytes: %v", level, n, len(wire), got.Err)
			}
		}
		for i := range wire {
			for bit := i % sample; bit < 8; bit += sample {
				changed := bytes.Clone(wire)
				changed[i] ^= 1 << bit
				d.Reset(deflate.Window{})
				got := whole(d, changed)
				if text, err := standardInflate(changed); got.Err == nil && (err != nil || string(text) != got.Text) {
					t.Fatalf("level %d, byte %d, bit %d: %q; compress/flate: %q, %v", level, i, bit, got.Text, text, err)
				}
			}
		}
	}
}

// FuzzEncoder compresses a text as three messages at any level and window, cut
// anywhere, and inflates them with a strict window; the first one also with
// compress/flate.
func FuzzEncoder(f *testing.F) {
	f.Add([]byte("Hello Hello Hello"), 1, 0, 5, 3)
	for level := 1; level <= 9; level++ {
		f.Add(jsonText(uint64(level), 900), level, 7+level, 100*level, 500)
		f.Add(randomBytes(uint64(level), 400), level, 15, 20*level, 1000)
		f.Add(bytes.Repeat([]byte("abcdefg"), 50*level), level, -level, 7, 20*level)
	}
	f.Fuzz(func(t *testing.T, text []byte, level, bits, cut, piece int) {
		if cut < 0 || cut > len(text) || piece < 1 {
			return
		}
		w := deflate.Window{Bits: bits}
		e, d := deflate.NewEncoder(w, deflate.Level(level)), deflate.NewDecoder(w)
		for i, text := range [][]byte{text[cut:], text, text[:cut]} {
			wire := deflated(e, text, piece)
			if got := whole(d, wire); got != (result{string(text), nil}) {
				t.Fatalf("message %d of %d bytes: %d bytes, %v", i, len(text), len(got.Text), got.Err)
			}
			if i > 0 {
				continue
			}
			if got, err := standardInflate(wire); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("compress/flate: %d of %d bytes, %v", len(got), len(text), err)
			}
		}
	})
}

// FuzzNegotiate answers any offers. What is agreed shows in the response, is what a
// client reads from it, and is never more than the offer allows.
func FuzzNegotiate(f *testing.F) {
	f.Add("client_max_window_bits; server_max_window_bits=10", 0, 15, false)
	f.Add("server_no_context_takeover; client_no_context_takeover, ", 9, 8, true)
	f.Add("client_max_window_bits=08, client_max_window_bits=9; server_max_window_bits=9; server_max_window_bits=9, foo", 12, 0, false)
	f.Fuzz(func(t *testing.T, offers string, server, client int, noTakeover bool) {
		wish := deflate.Terms{Server: deflate.Window{Bits: server}, Client: deflate.Window{Bits: client, NoTakeover: noTakeover}}
		agreed, response, ok := deflate.Negotiate(readOffers(offers), wish)
		if !ok {
			if agreed != (deflate.Terms{}) || response != nil {
				t.Fatalf("declined with %+v, %v", agreed, response)
			}
			return
		}
		got, err := deflate.Verify(response, deflate.Terms{})
		if err != nil || got != agreed {
			t.Fatalf("agreed %+v; %v is read as %+v, %v", agreed, response, got, err)
		}
		for _, p := range response {
			if p.Name == "client_max_window_bits" && !strings.Contains(offers, p.Name) {
				t.Fatalf("%s answered to %q", p.Name, offers)
			}
		}
	})
}
