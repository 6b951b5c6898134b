package conn

import (
	"errors"
	"io"
	"net"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/mask"
)

// wireFrame is a frame as it travels, with its payload in the clear. Whether it is
// masked follows from who sends it.
type wireFrame struct {
	Op   frame.Opcode
	Fin  bool
	RSV  frame.RSV
	Body string
}

// append appends the frame as the given role sends it. The key is always the same.
func (f wireFrame) append(dst []byte, from Role) []byte {
	h := frame.Header{Opcode: f.Op, Fin: f.Fin, RSV: f.RSV, Length: uint64(len(f.Body))}
	if from == Client {
		h.Masked, h.Key = true, mask.Key{0x37, 0xFA, 0x21, 0x3D}
	}
	dst = h.Append(dst)
	n := len(dst)
	dst = append(dst, f.Body...)
	mask.XOR(dst[n:], h.Key)
	return dst
}

// wire returns frames as the given role sends them.
func wire(from Role, frames ...wireFrame) []byte {
	var b []byte
	for _, f := range frames {
		b = f.append(b, from)
	}
	return b
}

// The frames that tests send and expect.
func textFrame(s string) wireFrame   { return wireFrame{Op: frame.Text, Fin: true, Body: s} }
func binaryFrame(s string) wireFrame { return wireFrame{Op: frame.Binary, Fin: true, Body: s} }
func pingFrame(s string) wireFrame   { return wireFrame{Op: frame.Ping, Fin: true, Body: s} }
func pongFrame(s string) wireFrame   { return wireFrame{Op: frame.Pong, Fin: true, Body: s} }

// part is a fragment: of type op if it is the first, else op is frame.Continuation.
func part(op frame.Opcode, fin bool, s string) wireFrame {
	return wireFrame{Op: op, Fin: fin, Body: s}
}

// closeFrame is a Close frame; StatusNoStatusReceived stands for an empty body.
func closeFrame(code StatusCode, reason string) wireFrame {
	body, err := frame.AppendClose(nil, code, reason)
	if err != nil {
		panic(err)
	}
	return wireFrame{Op: frame.Close, Fin: true, Body: string(body)}
}

// rawPeer is the other end of a connection under test. It sends bytes as they are,
// and reads frames one by one, judged strictly. Its methods are for one goroutine.
type rawPeer struct {
	t    testing.TB
	role Role // that the peer plays
	nc   net.Conn
	buf  []byte // to read into
	in   []byte // read and not parsed yet
	key  mask.Key

	allowed frame.RSV // reserved bits that the connection may set
}

// newRaw returns a connection in the given role and its peer, over a pipe. It does not
// close them: see rawTest.
func newRaw(t testing.TB, role Role, o *Options) (*Conn, *rawPeer) {
	return newRawSize(t, role, o, 0)
}

// newRawSize is newRaw for a pipe that holds size bytes each way.
func newRawSize(t testing.TB, role Role, o *Options, size int) (*Conn, *rawPeer) {
	a, b := pipe.New(size)
	return New(a, Start{Role: role}, o), newRawPeer(t, role.Peer(), b)
}

// newRawPeer returns a peer in the given role over nc.
func newRawPeer(t testing.TB, role Role, nc net.Conn) *rawPeer {
	return &rawPeer{t: t, role: role, nc: nc}
}

// rawTest runs f in a synctest bubble for a connection in each role.
func rawTest(t *testing.T, o *Options, f func(t *testing.T, c *Conn, p *rawPeer)) {
	for _, role := range []Role{Client, Server} {
		t.Run(role.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := newRaw(t, role, o)
				defer p.nc.Close()
				defer c.CloseNow()
				f(t, c, p)
			})
		})
	}
}

// sendBytes sends bytes as they are.
func (p *rawPeer) sendBytes(b []byte) {
	p.t.Helper()
	if _, err := p.nc.Write(b); err != nil {
		p.t.Errorf("peer: %v", err)
	}
}

// send sends whole frames.
func (p *rawPeer) send(frames ...wireFrame) {
	p.t.Helper()
	p.sendBytes(wire(p.role, frames...))
}

// closeWrite ends the stream to the connection; the other direction stays open.
func (p *rawPeer) closeWrite() { closeWrite(p.nc) }

// next waits for the next frame. The error is io.EOF at an end of the stream that is
// not inside a frame, or says what is wrong with the frame.
func (p *rawPeer) next() (wireFrame, error) {
	for {
		h, n, err := frame.Parse(p.in)
		if err == nil && uint64(len(p.in)-n) >= h.Length {
			if err := h.Check(p.role.Peer(), p.allowed); err != nil {
				return wireFrame{}, err
			}
			body := p.in[n : n+int(h.Length)]
			mask.XOR(body, h.Key)
			if h.Masked && h.Key == p.key {
				return wireFrame{}, errors.New("a masking key was used twice")
			}
			p.key = h.Key
			f := wireFrame{Op: h.Opcode, Fin: h.Fin, RSV: h.RSV, Body: string(body)}
			p.in = p.in[n+int(h.Length):]
			return f, nil
		}
		if err != nil && err != frame.ErrShort {
			return wireFrame{}, err
		}
		if p.buf == nil {
			p.buf = make([]byte, 64<<10)
		}
		got, err := p.nc.Read(p.buf)
		p.in = append(p.in, p.buf[:got]...)
		if err == io.EOF && len(p.in) > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && got == 0 {
			return wireFrame{}, err
		}
	}
}

// expect waits for exactly these frames.
func (p *rawPeer) expect(want ...wireFrame) {
	p.t.Helper()
	for _, w := range want {
		got, err := p.next()
		if err != nil {
			p.t.Fatalf("peer: %v; want %+v", err, w)
		}
		if diff := cmp.Diff(w, got); diff != "" {
			p.t.Fatalf("peer: frame (-want +got):\n%s", diff)
		}
	}
}

// expectEnd waits for the end of the stream, with nothing before it.
func (p *rawPeer) expectEnd() {
	p.t.Helper()
	if f, err := p.next(); err != io.EOF {
		p.t.Fatalf("peer: frame %+v, error %v; want the end of the stream", f, err)
	}
}

// rest reads frames up to the end of the stream.
func (p *rawPeer) rest() []wireFrame {
	p.t.Helper()
	var frames []wireFrame
	for {
		f, err := p.next()
		if err == io.EOF {
			return frames
		}
		if err != nil {
			p.t.Fatalf("peer: %v", err)
		}
		frames = append(frames, f)
	}
}

// script is a stream whose reads give the pieces, one each at most, and then io.EOF,
// without ever waiting. What is written to it is kept.
type script struct {
	net.Conn // nil
	mu       sync.Mutex
	pieces   [][]byte
	written  []byte
	closed   bool
}

func newScript(pieces ...[]byte) *script { return &script{pieces: slices.Clone(pieces)} }

// Read implements net.Conn.
func (s *script) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pieces) > 0 && len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	switch {
	case s.closed:
		return 0, net.ErrClosed
	case len(s.pieces) == 0:
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	s.pieces[0] = s.pieces[0][n:]
	return n, nil
}

// Write implements net.Conn.
func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	s.written = append(s.written, p...)
	return len(p), nil
}

// Close implements net.Conn.
func (s *script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Deadlines have no effect, since nothing waits.

func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// frames returns what was written, as frames of the given role.
func (s *script) frames(t testing.TB, from Role) []wireFrame {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := newRawPeer(t, from.Peer(), newScript(s.written))
	return p.rest()
}

// allocs returns the allocations of f, on average. The race detector adds some, so
// under it the test is skipped.
func allocs(t *testing.T, f func()) float64 {
	t.Helper()
	if info, ok := debug.ReadBuildInfo(); ok {
		if slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
			t.Skip("allocations are not counted under the race detector")
		}
	}
	return testing.AllocsPerRun(1000, f)
}
