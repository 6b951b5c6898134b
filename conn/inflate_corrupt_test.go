package conn

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
)

// corruptStreams are messages that cannot be inflated, each after one that can.
func corruptStreams() []compressedStream {
	var streams []compressedStream
	for _, s := range []struct {
		name, body string
		corrupt    deflate.Corrupt
	}{
		{"a reserved block type", hexString("06"), deflate.BlockType},
		{"a reserved block type behind text", hello.fixed + hexString("00 00 ff ff 06"), deflate.BlockType},
		{"a stored block without its complement", hexString("00 05 00 00 00 48 65 6c 6c 6f 00"), deflate.StoredLength},
		{"too many codes", hexString("fc ff 00"), deflate.CodeCount},
		{"no code for code lengths", hexString("04 00 00 00 00 00 00 00 00 00"), deflate.CodeLengthCode},
		{"before the first byte", hello.again, deflate.DistanceTooFar},
		{"a distance that does not exist", hexString("02 3f 00"), deflate.DistanceSymbol},
		{"a length that does not exist", hexString("1b 03"), deflate.LiteralSymbol},
		{"the tail is there", hello.fixed + hexString("00 00 ff ff"), deflate.EarlyEnd},
		{"no tail and no marker", hello.fixed[:6], deflate.EarlyEnd},
		{"BFINAL without a marker", hello.final[:7], deflate.EarlyEnd},
		{"a marker cut in its length", hello.fixed + hexString("00 00"), deflate.EarlyEnd},
		{"inside a stored block", hello.stored[:8], deflate.EarlyEnd},
		{"before a stored block's text", hello.stored[:5], deflate.EarlyEnd},
		{"something left over", hello.fixed + hexString("00 00 ff ff ff"), deflate.BlockType},
		{"left over after BFINAL", hello.final + "\x01", deflate.EarlyEnd},
		{"text behind the marker", hello.fixed + "more", deflate.StoredLength},
		{"not compressed at all", "Hello", deflate.StoredLength},
	} {
		for name, frames := range map[string][]wireFrame{
			"frame":     {compressedFrame(frame.Binary, s.body)},
			"fragments": compressedParts(frame.Binary, append(cutString(s.body, 1), "")...),
		} {
			streams = append(streams, compressedStream{
				name:     s.name + ", " + name,
				frames:   append(append([]wireFrame{textFrame("first")}, frames...), textFrame("next")),
				messages: texts("first"), fail: frame.MessageCorrupt, corrupt: s.corrupt,
			})
		}
	}
	return append(streams,
		compressedStream{
			name:   "corrupt behind text that is not UTF-8",
			frames: []wireFrame{compressedFrame(frame.Text, storedText("a\xff", 2)+"\xff\xff\xff\xff")}, fail: frame.TextNotUTF8,
		},
		compressedStream{
			name:   "corrupt before text that is not UTF-8",
			frames: []wireFrame{compressedFrame(frame.Text, storedText("aa", 2)+"\xff\xff\xff\xff"+storedText("\xff", 1))},
			fail:   frame.MessageCorrupt, corrupt: deflate.StoredLength,
		},
		compressedStream{
			name: "corrupt behind the limit", limit: 5,
			frames: []wireFrame{compressedFrame(frame.Text, storedText("123456", 6)+"\xff\xff\xff\xff")}, fail: frame.MessageTooBig,
		},
		compressedStream{
			name: "corrupt at the limit", limit: 6,
			frames: []wireFrame{compressedFrame(frame.Text, storedText("123456", 6)+"\xff\xff\xff\xff")},
			fail:   frame.MessageCorrupt, corrupt: deflate.StoredLength,
		},
		compressedStream{
			name:   "an early end inside a character",
			frames: []wireFrame{compressedFrame(frame.Text, storedText("\xce", 1)+"\x00\x00")}, fail: frame.MessageCorrupt, corrupt: deflate.EarlyEnd,
		},
		compressedStream{
			name:   "a character cut at the end",
			frames: []wireFrame{compressedFrame(frame.Text, deflatedText("Hello \xe2\x82")), textFrame("\xac")}, fail: frame.TextNotUTF8,
		},
		compressedStream{
			name: "a character cut between messages", messages: texts("a"),
			frames: []wireFrame{compressedFrame(frame.Text, deflatedText("a")), compressedFrame(frame.Text, storedText("\xce", 5)), compressedFrame(frame.Text, storedText("\xba", 5))},
			fail:   frame.TextNotUTF8,
		},
		compressedStream{
			name:   "a surrogate",
			frames: compressedParts(frame.Text, cutString(deflatedText("Hello \xed\xa0\x80 Hello"), 3)...), fail: frame.TextNotUTF8,
		},
		compressedStream{
			name:     "not text in a binary message",
			frames:   []wireFrame{compressedFrame(frame.Binary, deflatedText("Hello \xed\xa0\x80"))},
			messages: []Message{{Binary, []byte("Hello \xed\xa0\x80")}},
		},
	)
}

// A message that cannot be inflated fails the connection with 1007, and nothing of it
// is delivered as a message; what comes of it is the same in every cut. Text is checked
// as it comes out (D6.1-06, D7.2.2-01).
func TestInflateCorrupt(t *testing.T) {
	runCompressedStreams(t, corruptStreams())
}

// A message that is cut anywhere, in one frame or several, is an error.
func TestInflateTruncated(t *testing.T) {
	whole := map[string]string{"\x00": "", hello.two[:4]: "He"} // they happen to be messages
	for _, body := range []string{hello.fixed, hello.final, hello.stored, hello.two, deflatedText(jsonText(300, 1))} {
		inflateTest(t, withTakeover, nil, func(t *testing.T, _ *Conn, p *rawPeer) {
			for n := 1; n < len(body); n++ {
				way := inflatingWays[n%len(inflatingWays)]
				frames := []wireFrame{compressedFrame(frame.Binary, body[:n])}
				if n%2 == 0 {
					frames = compressedParts(frame.Binary, body[:n/2], body[n/2:n])
				}
				start := Start{Role: p.role.Peer(), Extensions: inflateAgreed(p.role.Peer(), withTakeover)}
				c := New(newScript(wire(p.role, frames...)), start, nil)
				all, err := way.read(t.Context(), c)
				if text, ok := whole[body[:n]]; ok {
					if len(all) != 1 || string(all[0].Data) != text {
						t.Errorf("% x: %q, error %v", body[:n], all, err)
					}
					continue
				}
				if all != nil || !errors.Is(err, frame.MessageCorrupt) || !errors.Is(err, deflate.EarlyEnd) {
					t.Errorf("%d of %d bytes, %s: %q, error %v", n, len(body), way.name, all, err)
				}
			}
		})
	}
}

// The error says what was wrong, is the same for every later call, and is never io.EOF,
// whatever a Reader had of the message before.
func TestInflateCorruptReader(t *testing.T) {
	for _, size := range []int{1, 4, 5, 6, 100} {
		inflateTest(t, withTakeover, nil, func(t *testing.T, c *Conn, p *rawPeer) {
			p.send(compressedFrame(frame.Text, hello.fixed+"\x00\x00\xff\xff"+"\x07"))
			p.closeWrite()
			_, r, err := c.Reader(t.Context())
			must(t, err)
			var got []byte
			for buf := make([]byte, size); err == nil; {
				var n int
				n, err = r.Read(buf)
				got = append(got, buf[:n]...)
			}
			if !strings.HasPrefix("Hello", string(got)) {
				t.Errorf("%q", got)
			}
			fe, ok := errors.AsType[*FailError](err)
			if !ok || fe.Violation != frame.MessageCorrupt || fe.Err != deflate.BlockType ||
				!errors.Is(err, frame.MessageCorrupt) || !errors.Is(err, deflate.BlockType) || errors.Is(err, deflate.EarlyEnd) {
				t.Errorf("error %v", err)
			}
			for range 2 {
				if n, again := r.Read(make([]byte, 1)); n != 0 || again != err {
					t.Errorf("again: %d bytes, %v", n, again)
				}
			}
			var o outcome
			o.ended(t, c, err)
			reason, _ := closeBody(StatusInvalidPayload, frame.MessageCorrupt.Error())
			p.expect(wireFrame{Op: frame.Close, Fin: true, Body: string(reason)})
			p.expectEnd()
		})
	}
}

// Reserved bits, on a connection with permessage-deflate and without (D6.1-04).
func TestInflateReservedBits(t *testing.T) {
	first := wireFrame{Op: frame.Text, RSV: frame.RSV1, Body: hello.fixed[:3]}
	var streams []compressedStream
	add := func(name string, fail frame.Violation, frames ...wireFrame) {
		streams = append(streams, compressedStream{name: name, frames: frames, fail: fail})
	}
	for bits := frame.RSV(1); bits < 8; bits++ {
		rsv := bits << 4
		if rsv&^(frame.RSV1|frame.RSV2|frame.RSV3) != 0 {
			t.Fatalf("%#x are not reserved bits", rsv)
		}
		for _, op := range []frame.Opcode{frame.Text, frame.Binary} {
			if rsv != frame.RSV1 {
				add(fmt.Sprintf("%v %#x", op, rsv), frame.ReservedBit, wireFrame{Op: op, Fin: true, RSV: rsv, Body: hello.fixed})
			}
		}
		for _, op := range []frame.Opcode{frame.Close, frame.Ping, frame.Pong} {
			control := wireFrame{Op: op, Fin: true, RSV: rsv}
			add(fmt.Sprintf("%v %#x", op, rsv), frame.ReservedBit, control)
			add(fmt.Sprintf("%v %#x in a message", op, rsv), frame.ReservedBit, first, control)
		}
		more := wireFrame{Op: frame.Continuation, Fin: true, RSV: rsv, Body: hello.fixed[3:]}
		add(fmt.Sprintf("continuation %#x", rsv), frame.ReservedBit, first, more)
		add(fmt.Sprintf("continuation %#x, not compressed", rsv), frame.ReservedBit, part(frame.Text, false, "a"), more)
	}
	add("a compressed message inside one", frame.MessageInterleaved, first, compressedFrame(frame.Text, hello.fixed))
	add("a compressed message inside one that is not", frame.MessageInterleaved, part(frame.Text, false, "a"), compressedFrame(frame.Text, hello.fixed))
	add("one that is not inside a compressed one", frame.MessageInterleaved, first, textFrame("a"))
	runCompressedStreams(t, streams)

	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(compressedFrame(frame.Text, hello.fixed))
		p.closeWrite()
		if _, _, err := c.Read(t.Context()); !errors.Is(err, frame.ReservedBit) {
			t.Errorf("RSV1 without the extension: %v", err)
		}
	})
}

// The peer vanishes after every number of bytes of a compressed message: nothing of it
// is delivered as one.
func TestInflatePeerVanishes(t *testing.T) {
	for _, way := range inflatingWays {
		inflateTest(t, withTakeover, nil, func(t *testing.T, _ *Conn, p *rawPeer) {
			message := wire(p.role, compressedParts(frame.Text, hello.two[:5], hello.two[5:])...)
			start := Start{Role: p.role.Peer(), Extensions: inflateAgreed(p.role.Peer(), withTakeover)}
			for i := range message {
				c := New(newScript(message[:i]), start, nil)
				all, err := way.read(t.Context(), c)
				if ce, ok := errors.AsType[*CloseError](err); all != nil || !ok || ce.Err != io.ErrUnexpectedEOF {
					t.Errorf("%s, after %d bytes: %q, error %v", way.name, i, all, err)
				}
			}
		})
	}
}
