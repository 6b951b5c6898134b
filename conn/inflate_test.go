package conn

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/wstest"
)

// inflateAgreed returns a permessage-deflate where the peer of an end in the given role
// compresses in window w.
func inflateAgreed(role Role, w deflate.Window) []handshake.Extension {
	prefix := "client_"
	if role == Client {
		prefix = "server_"
	}
	e := handshake.Extension{Name: deflate.Name}
	if w.NoTakeover {
		e.Params = append(e.Params, handshake.Param{Name: prefix + "no_context_takeover"})
	}
	if w.Bits != 0 {
		e.Params = append(e.Params, handshake.Param{Name: prefix + "max_window_bits", Value: fmt.Sprint(w.Bits)})
	}
	return []handshake.Extension{e}
}

// newInflating is newRaw with permessage-deflate.
func newInflating(t testing.TB, role Role, w deflate.Window, o *Options) (*Conn, *rawPeer) {
	a, b := pipe.New(0)
	return New(a, Start{Role: role, Extensions: inflateAgreed(role, w)}, o), newRawPeer(t, role.Peer(), b)
}

// inflateTest is rawTest with permessage-deflate.
func inflateTest(t *testing.T, w deflate.Window, o *Options, f func(t *testing.T, c *Conn, p *rawPeer)) {
	for _, role := range []Role{Client, Server} {
		t.Run(role.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := newInflating(t, role, w, o)
				defer p.nc.Close()
				defer c.CloseNow()
				f(t, c, p)
			})
		})
	}
}

// The windows that most tests are run with.
var (
	withTakeover    = deflate.Window{}
	withoutTakeover = deflate.Window{NoTakeover: true}
)

// standardSender compresses messages with the standard library, with takeover.
type standardSender struct {
	b bytes.Buffer
	w *flate.Writer
}

func newStandardSender(level int) *standardSender {
	s := new(standardSender)
	s.w, _ = flate.NewWriter(&s.b, level)
	return s
}

// flush returns text as far as it can be inflated at once, with the marker 00 00 FF FF.
func (s *standardSender) flush(text string) string {
	s.b.Reset()
	_, _ = io.WriteString(s.w, text)
	_ = s.w.Flush()
	return s.b.String()
}

// message returns the payload of a message.
//
// RFC 7692, section 7.2.1.
func (s *standardSender) message(text string) string {
	return strings.TrimSuffix(s.flush(text), "\x00\x00\xff\xff")
}

// deflated returns text as the payload of a message, without history.
func deflatedText(text string) string { return newStandardSender(6).message(text) }

// storedText returns text as stored blocks of n bytes each, and the beginning of
// another, which is empty.
func storedText(text string, n int) string {
	var b strings.Builder
	for len(text) > 0 {
		part := text[:min(n, len(text))]
		text = text[len(part):]
		size := len(part)
		b.Write([]byte{0, byte(size), byte(size >> 8), ^byte(size), ^byte(size >> 8)})
		b.WriteString(part)
	}
	b.WriteByte(0)
	return b.String()
}

// hexString returns bytes that are written in hexadecimal with blanks.
func hexString(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// compressedFrame is a message of one frame with RSV1.
func compressedFrame(op frame.Opcode, body string) wireFrame {
	return wireFrame{Op: op, Fin: true, RSV: frame.RSV1, Body: body}
}

// compressedParts is a message with RSV1 in several fragments.
func compressedParts(op frame.Opcode, bodies ...string) []wireFrame {
	var frames []wireFrame
	for i, body := range bodies {
		f := wireFrame{Op: frame.Continuation, Fin: i == len(bodies)-1, Body: body}
		if i == 0 {
			f.Op, f.RSV = op, frame.RSV1
		}
		frames = append(frames, f)
	}
	return frames
}

// cutString cuts s into pieces of n bytes.
func cutString(s string, n int) []string {
	var all []string
	for len(s) > n {
		all, s = append(all, s[:n]), s[n:]
	}
	return append(all, s)
}

// A compressedStream is what a peer sends on a connection with permessage-deflate, and
// what must become of it.
type compressedStream struct {
	name     string
	window   deflate.Window
	limit    int64 // 0: none
	frames   []wireFrame
	messages []Message
	pongs    []string
	fail     frame.Violation
	corrupt  deflate.Corrupt // for frame.MessageCorrupt
}

// in returns the stream as one for a receiver in the given role.
func (s compressedStream) in(role Role) wstest.Stream {
	limit := s.limit
	if limit == 0 {
		limit = -1
	}
	return wstest.Stream{Name: s.name, From: role.Peer(), Limit: limit, Wire: wire(role.Peer(), s.frames...)}
}

// want returns what must become of it.
func (s compressedStream) want() outcome {
	o := outcome{Messages: s.messages, Close: &CloseError{Code: StatusAbnormalClosure}}
	for _, body := range s.pongs {
		o.Sent = append(o.Sent, pongFrame(body))
	}
	if s.fail != 0 {
		body, _ := closeBody(s.fail.Code(), s.fail.Error())
		o.Sent = append(o.Sent, wireFrame{Op: frame.Close, Fin: true, Body: string(body)})
		o.Close, o.Fail = nil, &FailError{Violation: s.fail}
		if s.corrupt != 0 {
			o.Fail.Err = s.corrupt
		}
	}
	return o
}

// text returns text messages.
func texts(all ...string) (messages []Message) {
	for _, s := range all {
		messages = append(messages, Message{Text, []byte(s)})
	}
	return messages
}

// A way to read messages, of which those at odd places may be dropped.
type inflatingWay struct {
	name  string
	drops bool
	read  readAll
}

// inflatingWays are the ways to read with which compressed streams are tested: other
// sizes of buffers than plain messages need.
var inflatingWays = func() (all []inflatingWay) {
	for _, way := range messageReaders {
		all = append(all, inflatingWay{name: way.name, read: way.read})
	}
	for _, size := range []int{1, 2, 5, 7} {
		all = append(all,
			inflatingWay{name: fmt.Sprintf("ReadAppend, room for %d", size), read: readAppendTo(size)},
			inflatingWay{name: fmt.Sprintf("Reader, %d at a time", size), read: readPieces(size)})
	}
	return append(all, inflatingWay{"every other dropped", true, readEveryOther})
}()

func readAppendTo(room int) readAll {
	return func(ctx context.Context, c *Conn) (all []Message, err error) {
		for {
			t, p, err := c.ReadAppend(ctx, make([]byte, 3, 3+room))
			if err != nil {
				return all, err
			}
			all = append(all, Message{t, append([]byte{}, p[3:]...)})
		}
	}
}

func readPieces(size int) readAll {
	return func(ctx context.Context, c *Conn) (all []Message, err error) {
		for {
			t, r, err := c.Reader(ctx)
			if err != nil {
				return all, err
			}
			p := []byte{}
			for piece := make([]byte, size); err == nil; {
				var n int
				n, err = r.Read(piece)
				p = append(p, piece[:n]...)
			}
			if err != io.EOF {
				return all, err
			}
			all = append(all, Message{t, p})
		}
	}
}

func readEveryOther(ctx context.Context, c *Conn) (all []Message, err error) {
	for i := 0; ; i++ {
		t, r, err := c.Reader(ctx)
		if err != nil {
			return all, err
		}
		if i%2 == 1 {
			if i%4 == 1 {
				_, err = r.Read(make([]byte, 1))
			}
			if err != nil && err != io.EOF {
				return all, err
			}
			_ = r.Close()
			continue
		}
		p, err := io.ReadAll(iotest.OneByteReader(r))
		if err != nil {
			return all, err
		}
		all = append(all, Message{t, p})
	}
}

// of returns what this way has of messages.
func (w inflatingWay) of(messages []Message) (all []Message) {
	for i, m := range messages {
		if !w.drops || i%2 == 0 {
			all = append(all, m)
		}
	}
	return all
}

// runCompressedStreams shows the streams to connections in both roles, in every cut, in
// turn with every way to read and with the first piece as what came with the handshake.
// In no cut may anything else come of them.
func runCompressedStreams(t *testing.T, streams []compressedStream) {
	for i, s := range streams {
		for _, role := range []Role{Client, Server} {
			t.Run(s.name+", "+role.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					stream, start, n := s.in(role), Start{Role: role, Extensions: inflateAgreed(role, s.window)}, 0
					try := func(cut string, pieces [][]byte, way inflatingWay) {
						n++
						want := s.want()
						want.Messages = way.of(want.Messages)
						got := playAs(t, start, stream, pieces, n%2 == 0, way.read)
						if diff := diff(want, got); diff != "" {
							t.Fatalf("%s, %s (-want +got):\n%s", cut, way.name, diff)
						}
					}
					for _, way := range inflatingWays {
						try("whole", [][]byte{stream.Wire}, way)
						try("byte by byte", wstest.Pieces(stream.Wire, 1+len(stream.Wire)/1000), way)
					}
					k := 0
					for cut, pieces := range wstest.Cuts(stream.Wire) {
						if k++; (k+i)%sample == 0 {
							try(cut, pieces, inflatingWays[k/sample%len(inflatingWays)])
						}
					}
					discard := outcome{Close: s.want().Close, Fail: s.want().Fail, Sent: s.want().Sent}
					got := playAs(t, start, stream, wstest.Pieces(stream.Wire, 3), false, func(ctx context.Context, c *Conn) ([]Message, error) {
						return nil, c.Discard(ctx)
					})
					if diff := diff(discard, got); diff != "" {
						t.Fatalf("Discard (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// hello are the payloads of RFC 7692, section 7.2.3, that stand for "Hello".
var hello = struct{ fixed, again, stored, final, two string }{
	fixed:  hexString("f2 48 cd c9 c9 07 00"),                   // 7.2.3.1
	again:  hexString("f2 00 11 00 00"),                         // 7.2.3.2, after the first
	stored: hexString("00 05 00 fa ff 48 65 6c 6c 6f 00"),       // 7.2.3.3
	final:  hexString("f3 48 cd c9 c9 07 00 00"),                // 7.2.3.4
	two:    hexString("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"), // 7.2.3.5
}

// goldenCompressed are the examples of the RFC and what is near to them.
func goldenCompressed() []compressedStream {
	return []compressedStream{
		{name: "7.2.3.1 one block", frames: []wireFrame{compressedFrame(frame.Text, hello.fixed)}, messages: texts("Hello")},
		{
			name:     "7.2.3.1 fragments",
			frames:   compressedParts(frame.Text, hello.fixed[:3], hello.fixed[3:]),
			messages: texts("Hello"),
		},
		{
			name:     "7.2.3.2 sharing the window",
			frames:   []wireFrame{compressedFrame(frame.Text, hello.fixed), compressedFrame(frame.Text, hello.again), compressedFrame(frame.Binary, hello.again)},
			messages: append(texts("Hello", "Hello"), Message{Binary, []byte("Hello")}),
		},
		{
			name: "7.2.3.2 uncompressed messages in between",
			frames: []wireFrame{
				compressedFrame(frame.Text, hello.fixed), textFrame("World"), binaryFrame(""),
				compressedFrame(frame.Text, hello.again), textFrame("Moon"), compressedFrame(frame.Text, hello.again),
			},
			messages: []Message{
				{Text, []byte("Hello")},
				{Text, []byte("World")},
				{Binary, []byte{}},
				{Text, []byte("Hello")},
				{Text, []byte("Moon")},
				{Text, []byte("Hello")},
			},
		},
		{name: "7.2.3.3 no compression", frames: []wireFrame{compressedFrame(frame.Text, hello.stored)}, messages: texts("Hello")},
		{
			name:     "7.2.3.3 no compression, then the window",
			frames:   []wireFrame{compressedFrame(frame.Text, hello.stored), compressedFrame(frame.Text, hello.again)},
			messages: texts("Hello", "Hello"),
		},
		{
			name:     "7.2.3.4 BFINAL, and the messages after it",
			frames:   []wireFrame{compressedFrame(frame.Text, hello.final), compressedFrame(frame.Text, hello.again), compressedFrame(frame.Text, hello.final)},
			messages: texts("Hello", "Hello", "Hello"),
		},
		{
			name:     "7.2.3.4 BFINAL, and blocks after it",
			frames:   []wireFrame{compressedFrame(frame.Text, hello.final[:7]+hello.fixed)},
			messages: texts("HelloHello"),
		},
		{name: "7.2.3.5 two blocks", frames: []wireFrame{compressedFrame(frame.Text, hello.two)}, messages: texts("Hello")},
		{
			name:     "7.2.3.6 a last fragment without data",
			frames:   compressedParts(frame.Text, hello.fixed+"\x00\x00\xff\xff", "\x00"),
			messages: texts("Hello"),
		},
		{
			name:     "7.2.3.6 empty messages",
			frames:   []wireFrame{compressedFrame(frame.Text, "\x00"), compressedFrame(frame.Binary, ""), compressedFrame(frame.Text, hexString("02 00")), compressedFrame(frame.Text, hexString("01 00 00 ff ff 00"))},
			messages: append(texts(""), Message{Binary, []byte{}}, Message{Text, []byte{}}, Message{Text, []byte{}}),
		},
		{
			name:     "empty messages keep the window",
			frames:   []wireFrame{compressedFrame(frame.Text, hello.fixed), compressedFrame(frame.Text, "\x00"), compressedFrame(frame.Text, ""), compressedFrame(frame.Text, hello.again)},
			messages: texts("Hello", "", "", "Hello"),
		},
		{
			name:     "empty fragments around it",
			frames:   compressedParts(frame.Text, "", "", hello.fixed, "", ""),
			messages: texts("Hello"),
		},
		{
			name:   "only empty fragments",
			frames: append(compressedParts(frame.Text, "", "", ""), textFrame("next")), messages: texts("", "next"),
		},
		{
			name: "many fragments with control frames between",
			frames: []wireFrame{
				{Op: frame.Text, RSV: frame.RSV1, Body: hello.fixed[:1]},
				pingFrame("one"), part(frame.Continuation, false, hello.fixed[1:2]),
				pongFrame("nobody asked"), part(frame.Continuation, false, ""), pingFrame(hello.fixed), part(frame.Continuation, false, hello.fixed[2:6]),
				pingFrame(""), part(frame.Continuation, true, hello.fixed[6:]), pingFrame("last"),
			},
			messages: texts("Hello"),
			pongs:    []string{"one", hello.fixed, "", "last"},
		},
		{
			name:     "without takeover",
			window:   withoutTakeover,
			frames:   []wireFrame{compressedFrame(frame.Text, hello.fixed), compressedFrame(frame.Text, hello.two), compressedFrame(frame.Text, hello.final)},
			messages: texts("Hello", "Hello", "Hello"),
		},
		{
			name:     "without takeover, a reference to the message before",
			window:   withoutTakeover,
			frames:   []wireFrame{compressedFrame(frame.Text, hello.fixed), compressedFrame(frame.Text, hello.again)},
			messages: texts("Hello"), fail: frame.MessageCorrupt, corrupt: deflate.DistanceTooFar,
		},
		{
			name: "uncompressed messages are not in the window",
			frames: []wireFrame{
				textFrame("Hello"), compressedFrame(frame.Text, hello.again),
			},
			messages: texts("Hello"), fail: frame.MessageCorrupt, corrupt: deflate.DistanceTooFar,
		},
		{
			name:     "characters cut anywhere",
			frames:   compressedParts(frame.Text, cutString(deflatedText("κόσμε, κόσμε, 𝄞"), 1)...),
			messages: texts("κόσμε, κόσμε, 𝄞"),
		},
	}
}

// The examples of RFC 7692, section 7.2.3 (D6-02, D6-03, D6.2-01, D6.2-02, D7.2.2-01,
// D7.2.3.2-01, D7.2.3.6-01).
func TestInflateGolden(t *testing.T) {
	runCompressedStreams(t, goldenCompressed())
}

// A Close frame inside an unfinished message is a clean end.
func TestInflateMeetsClose(t *testing.T) {
	for _, way := range inflatingWays {
		inflateTest(t, withTakeover, nil, func(t *testing.T, c *Conn, p *rawPeer) {
			p.send(wireFrame{Op: frame.Text, RSV: frame.RSV1, Body: hello.fixed}, closeFrame(1000, ""))
			p.closeWrite()
			all, err := way.read(t.Context(), c)
			if err == nil { // Messages
				err = c.terminal()
			}
			if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != StatusNormalClosure || all != nil {
				t.Errorf("%s: %v, error %v", way.name, all, err)
			}
			p.expect(closeFrame(1000, ""))
			p.expectEnd()
		})
	}
}
