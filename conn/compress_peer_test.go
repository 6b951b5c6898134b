package conn

import (
	"compress/flate"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/internal/pipe"
)

// flatePeer is a rawPeer of a connection that has permessage-deflate. It inflates each
// message twice: with compress/flate, whose window is 32,768 bytes, and with a Decoder
// of the window agreed, which refuses a match that reaches further back; the first and
// then every eighth also with reach, which has nothing to do with either.
type flatePeer struct {
	*rawPeer
	window   deflate.Window
	standard io.ReadCloser
	strict   *deflate.Decoder
	own      *deflate.Encoder // for what it sends
	count    int              // of compressed messages
	past     []byte           // the end of what was compressed, as much as a window can hold
	control  []wireFrame      // the control frames that came between those of the last message
}

// flateMessage is a message as it came.
type flateMessage struct {
	Op         frame.Opcode
	Compressed bool
	Frames     []int // the bytes in each
	Wire, Text string
}

// agree returns the extensions of a Start for parameters as they stand in a response.
func agree(t testing.TB, params string) []handshake.Extension {
	t.Helper()
	list, err := handshake.ParseExtensions([]string{deflate.Name + params})
	must(t, err)
	return list
}

// newFlate returns a connection in the given role that has agreed to the parameters,
// and its peer, over a pipe that holds size bytes each way.
func newFlate(t testing.TB, role Role, size int, params string, z Compression) (*Conn, *flatePeer) {
	a, b := pipe.New(size)
	c := New(a, Start{Role: role, Extensions: agree(t, params)}, &Options{Compression: &z})
	must(t, c.terminal())
	return c, newFlatePeer(newRawPeer(t, role.Peer(), b), params)
}

// newFlatePeer returns a peer that has agreed to the parameters.
func newFlatePeer(p *rawPeer, params string) *flatePeer {
	terms, err := deflate.Verify(paramsOf(agree(p.t, params)), deflate.Terms{})
	must(p.t, err)
	w, own := terms.Client, terms.Server
	if p.role == Client {
		w, own = own, w
	}
	p.allowed = frame.RSV1
	return &flatePeer{rawPeer: p, window: w, strict: deflate.NewDecoder(w), own: deflate.NewEncoder(own, 6)}
}

// compressedFrame is a frame with a compressed message for the connection.
//
// RFC 7692, section 6.1.
func (p *flatePeer) compressedFrame(f wireFrame) wireFrame {
	f.Body, f.RSV = string(p.own.End(p.own.Append(nil, []byte(f.Body)))), frame.RSV1
	return f
}

func paramsOf(list []handshake.Extension) []deflate.Param { return params(list[0]) }

// flateTest runs f in a bubble for a connection in each role that has agreed to the
// parameters, over a pipe that holds size bytes each way.
func flateTest(t *testing.T, size int, params string, z Compression, f func(t *testing.T, c *Conn, p *flatePeer)) {
	for _, role := range []Role{Client, Server} {
		t.Run(role.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := newFlate(t, role, size, params, z)
				defer p.nc.Close()
				defer c.CloseNow()
				f(t, c, p)
			})
		})
	}
}

// takeovers are the parameters of connections with and without context takeover.
var takeovers = map[string]string{
	"takeover":    "",
	"no takeover": "; server_no_context_takeover; client_no_context_takeover",
}

// message reads a message. It is given up if the frames are not what they must be.
//
// RFC 7692, section 6.1 (D6.1-03, D6.1-05).
func (p *flatePeer) message() (m flateMessage, err error) {
	p.control = nil
	for {
		f, err := p.next()
		if err != nil {
			return m, err
		}
		if f.Op >= frame.Close {
			if f.RSV != 0 {
				return m, fmt.Errorf("%v with RSV %v", f.Op, f.RSV)
			}
			p.control = append(p.control, f)
			if f.Op == frame.Close {
				return m, fmt.Errorf("a Close frame")
			}
			continue
		}
		if first := m.Frames == nil; first {
			m.Op, m.Compressed = f.Op, f.RSV == frame.RSV1
		} else if f.RSV != 0 {
			return m, fmt.Errorf("RSV %v on frame %d", f.RSV, len(m.Frames))
		}
		if first := m.Frames == nil; first == (f.Op == frame.Continuation) {
			return m, fmt.Errorf("frame %d is %v", len(m.Frames), f.Op)
		}
		if p.role == Server && len(f.Body) > maxMasked {
			return m, fmt.Errorf("a frame of a client of %d bytes", len(f.Body))
		}
		m.Frames = append(m.Frames, len(f.Body))
		m.Wire += f.Body
		if f.Fin {
			break
		}
	}
	m.Text = m.Wire
	if m.Compressed {
		m.Text, err = p.inflate(m.Wire)
	}
	return m, err
}

// inflate returns the text of a compressed message.
//
// RFC 7692, section 7.2.2.
func (p *flatePeer) inflate(wire string) (string, error) {
	// Behind the four bytes that were cut comes an empty last block.
	in := strings.NewReader(wire + "\x00\x00\xff\xff" + "\x01\x00\x00\xff\xff")
	if p.standard == nil {
		p.standard = flate.NewReaderDict(in, p.past)
	} else if err := p.standard.(flate.Resetter).Reset(in, p.past); err != nil {
		return "", err
	}
	text, err := io.ReadAll(p.standard)
	switch {
	case err != nil:
		return "", fmt.Errorf("compress/flate: %w", err)
	case in.Len() > 0:
		return "", fmt.Errorf("compress/flate stopped %d bytes before the end", in.Len())
	}
	buf, n, err := p.strict.Append(make([]byte, 0, len(text)+1), []byte(wire))
	if err == nil {
		buf, _, err = p.strict.End(buf)
	}
	if err != nil || n != len(wire) || string(buf) != string(text) {
		return "", fmt.Errorf("a Decoder took %d of %d bytes and returned %d of %d: %w", n, len(wire), len(buf), len(text), err)
	}
	if p.count++; p.count%8 == 1 && len(wire) <= maxReach { // it takes its time
		err = p.checkReach(wire, string(text))
	}
	if !p.window.NoTakeover {
		p.past = append(p.past, text...)
		p.past = p.past[max(0, len(p.past)-1<<deflate.MaxWindowBits):]
	}
	return string(text), err
}

// maxReach is the longest message for reach.
const maxReach = 1 << 17 / sample

// checkReach shows that no match in a message reaches further back than the window.
func (p *flatePeer) checkReach(wire, text string) error {
	same, furthest, err := reach(p.past, wire+"\x00\x00\xff\xff")
	if err != nil || same != text || furthest > 1<<p.window.Bits {
		return fmt.Errorf("reach: a match reaches %d bytes back, the window has %d; the same text: %v; error %w",
			furthest, 1<<p.window.Bits, same == text, err)
	}
	return nil
}

// expectText reads a message, which must have this text, and be compressed or not.
func (p *flatePeer) expectText(t MessageType, compressed bool, text string) flateMessage {
	p.t.Helper()
	m, err := p.message()
	if err != nil {
		p.t.Fatalf("peer: %v", err)
	}
	if m.Op != t.opcode() || m.Compressed != compressed || m.Text != text {
		p.t.Fatalf("a %v message, compressed: %v, of %d bytes, the right ones: %v; want %v, %v, %d",
			m.Op, m.Compressed, len(m.Text), m.Text == text, t, compressed, len(text))
	}
	return m
}
