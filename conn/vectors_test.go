package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
)

// goldenStreams are what a peer sends after the handshake, byte for byte.
func goldenStreams(t testing.TB) []wstest.Stream {
	t.Helper()
	return wstest.Streams(t, "../internal/wstest/testdata/streams/*.txt")
}

// outcome is what a connection makes of all that its peer sends.
type outcome struct {
	Messages []Message
	Sent     []wireFrame

	// How it ended: one of the two.
	Close *CloseError // without Err
	Fail  *FailError
}

// ended fills in how the connection ended, and checks what holds for every error.
func (o *outcome) ended(t testing.TB, c *Conn, err error) {
	t.Helper()
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v does not match net.ErrClosed", err)
	}
	if errors.Is(err, io.EOF) {
		t.Errorf("error %v matches io.EOF", err)
	}
	if ce, ok := errors.AsType[*CloseError](err); ok {
		o.Close = &CloseError{Code: ce.Code, Reason: ce.Reason}
		if lost := ce.Code == StatusAbnormalClosure; lost != (ce.Err != nil) {
			t.Errorf("code %v with Err %v", ce.Code, ce.Err)
		}
	}
	o.Fail, _ = errors.AsType[*FailError](err)

	// The error is sticky, for reads and writes alike.
	_, _, again := c.Read(t.Context())
	_, _, reader := c.Reader(t.Context())
	for what, got := range map[string]error{
		"Read": again, "Reader": reader, "Discard": c.Discard(t.Context()),
		"Write":   c.Write(t.Context(), Binary, nil),
		"Context": context.Cause(c.Context()),
	} {
		if got != err {
			t.Errorf("%s: %v, want again %v", what, got, err)
		}
	}
}

// want says what must become of a stream. A stream that just ends has lost its peer.
func want(s wstest.Stream) outcome {
	o := outcome{Close: &CloseError{Code: StatusAbnormalClosure}}
	for _, e := range s.Events {
		switch e.Opcode {
		case frame.Pong:
			o.Sent = append(o.Sent, pongFrame(string(e.Data)))
		case frame.Close:
			o.Sent = append(o.Sent, closeFrame(e.Code, e.Reason))
			o.Close = &CloseError{Code: e.Code, Reason: e.Reason}
		default:
			o.Messages = append(o.Messages, Message{MessageType(e.Opcode), e.Data})
		}
	}
	if v := s.Violation; v != 0 {
		body, _ := closeBody(v.Code(), v.Error())
		o.Sent = append(o.Sent, wireFrame{Op: frame.Close, Fin: true, Body: string(body)})
		o.Close, o.Fail = nil, &FailError{Violation: v}
	}
	return o
}

// diff is cmp.Diff, which takes long over long messages, where there is a difference.
func diff(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// readAll reads messages until there is an error.
type readAll func(ctx context.Context, c *Conn) ([]Message, error)

// messageReaders are the ways to do so.
var messageReaders = []struct {
	name string
	read readAll
}{
	{"Read", func(ctx context.Context, c *Conn) (all []Message, err error) {
		for {
			t, p, err := c.Read(ctx)
			if err != nil {
				return all, err
			}
			all = append(all, Message{t, p})
		}
	}},
	{"ReadAppend", func(ctx context.Context, c *Conn) (all []Message, err error) {
		buf := make([]byte, 3, 64)
		for {
			t, p, err := c.ReadAppend(ctx, buf)
			if err != nil {
				return all, err
			}
			all = append(all, Message{t, append([]byte{}, p[3:]...)})
		}
	}},
	{"Reader", func(ctx context.Context, c *Conn) (all []Message, err error) {
		for {
			t, r, err := c.Reader(ctx)
			if err != nil {
				return all, err
			}
			p, err := io.ReadAll(r)
			if err != nil {
				return all, err
			}
			all = append(all, Message{t, p})
		}
	}},
	{"Messages", func(ctx context.Context, c *Conn) (all []Message, err error) {
		for m, err := range c.Messages(ctx) {
			if err != nil {
				return all, err
			}
			all = append(all, m)
		}
		return all, c.terminal()
	}},
	{"Serve", func(ctx context.Context, c *Conn) (all []Message, err error) {
		err = c.Serve(ctx, func(_ *Replier, m Message) error {
			all = append(all, Message{m.Type, append([]byte{}, m.Data...)})
			clear(m.Data) // it is ours until we return
			return nil
		})
		return all, err
	}},
}

// play shows a stream to a connection in the given pieces and returns what it makes of
// it. With buffered, the first piece comes with the handshake.
func play(t testing.TB, s wstest.Stream, pieces [][]byte, buffered bool, read readAll) outcome {
	t.Helper()
	return playAs(t, Start{Role: s.From.Peer()}, s, pieces, buffered, read)
}

// playAs is play for a connection that has agreed to something.
func playAs(t testing.TB, start Start, s wstest.Stream, pieces [][]byte, buffered bool, read readAll) outcome {
	t.Helper()
	if buffered {
		start.Buffered, pieces = slices.Clone(pieces[0]), pieces[1:]
	}
	nc := newScript(pieces...)
	c := New(nc, start, &Options{ReadLimit: s.Limit})
	defer c.CloseNow()
	var o outcome
	var err error
	o.Messages, err = read(t.Context(), c)
	o.ended(t, c, err)
	o.Sent = nc.frames(t, start.Role)
	if c.in.held != nil || c.message.kept != nil {
		t.Error("input is kept after the end")
	}
	return o
}

// TestStreamVectors runs the golden streams in every cut (2.1-03), in turn with every
// way to read and with the first piece as what came with the handshake.
func TestStreamVectors(t *testing.T) {
	for i, s := range goldenStreams(t) {
		t.Run(s.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if s.Limit == 0 {
					t.Fatal("a limit of 0 cannot be set")
				}
				want, n := want(s), 0
				for cut, pieces := range wstest.Cuts(s.Wire) {
					if n++; n > 2 && (n+i)%sample != 0 {
						continue
					}
					buffered, way := n%2 == 1, messageReaders[n/2%len(messageReaders)]
					got := play(t, s, pieces, buffered, way.read)
					if diff := diff(want, got); diff != "" {
						t.Fatalf("section %s, %s, buffered %v, %s (-want +got):\n%s", s.Section, cut, buffered, way.name, diff)
					}
				}
			})
		})
	}
}

// seenByPeer is what the peer in TestStreamsByteByByte has seen so far.
type seenByPeer struct {
	mu     sync.Mutex
	frames []wireFrame
	ended  bool
}

func (s *seenByPeer) watch(p *rawPeer) {
	for {
		f, err := p.next()
		s.mu.Lock()
		if err != nil {
			s.ended = true
			s.mu.Unlock()
			return
		}
		s.frames = append(s.frames, f)
		s.mu.Unlock()
	}
}

// state returns what there is once nothing moves any more.
func (s *seenByPeer) state() (frames []wireFrame, ended bool) {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.frames), s.ended
}

// TestStreamsByteByByte runs the golden streams over a stream that stays open, byte by
// byte: every reply goes out with the byte that makes it due, a violation is answered
// with the first byte that shows it, however much of the frame is still to come, and
// the right side closes TCP (7.1.1-05, 7.1.1-06).
func TestStreamsByteByByte(t *testing.T) {
	for _, s := range goldenStreams(t) {
		t.Run(s.Name, func(t *testing.T) {
			for _, way := range []int{0, len(messageReaders) - 1} { // Read and Serve
				synctest.Test(t, func(t *testing.T) { byteByByte(t, s, messageReaders[way].read) })
			}
		})
	}
}

func byteByByte(t *testing.T, s wstest.Stream, read readAll) {
	want := want(s)
	c, p := newRaw(t, s.From.Peer(), &Options{ReadLimit: s.Limit})
	defer c.CloseNow()
	defer p.nc.Close()
	var got outcome
	var err error
	var reading, watching sync.WaitGroup
	reading.Go(func() { got.Messages, err = read(t.Context(), c) })
	var seen seenByPeer
	watching.Go(func() { seen.watch(p) })

	start := time.Now()
	failed := s.Violation != 0
	ends := failed || want.Close.Code != StatusAbnormalClosure
	rest := s.Wire
	if failed {
		p.sendBytes(s.Wire[:s.FailAt-1])
		if frames, _ := seen.state(); len(frames) != len(want.Sent)-1 {
			t.Errorf("before the violation shows there are %d replies, want %d", len(frames), len(want.Sent)-1)
		}
		p.sendBytes(s.Wire[s.FailAt-1 : s.FailAt])
		frames, ended := seen.state()
		if len(frames) != len(want.Sent) || !ended {
			t.Errorf("when the violation shows there are %d replies, want %d; the end of the stream: %v", len(frames), len(want.Sent), ended)
		}
		// The rest is ignored.
		if rest = s.Wire[s.FailAt:]; len(rest) > 0 {
			p.sendBytes(rest)
		}
	} else {
		for _, b := range wstest.Pieces(rest, 1+len(rest)/500) {
			if _, ended := seen.state(); ended {
				break // a server has closed TCP: what follows its peer's Close has nowhere to go
			}
			p.sendBytes(b)
		}
	}
	frames, ended := seen.state()
	if want := ends && (failed || c.role == Server); ended != want {
		t.Errorf("the %v has ended its direction of the stream: %v, want %v", c.role, ended, want)
	}
	p.nc.Close()
	reading.Wait()
	watching.Wait()
	if passed := time.Since(start); passed != 0 {
		t.Errorf("that took %v", passed)
	}
	got.Sent = frames
	got.ended(t, c, err)
	if diff := diff(want, got); diff != "" {
		t.Errorf("section %s (-want +got):\n%s", s.Section, diff)
	}
}
