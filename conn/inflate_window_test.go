package conn

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
)

// Many messages with takeover, of all sizes, with uncompressed ones in between.
func TestInflateTakeover(t *testing.T) {
	for _, level := range []int{0, 1, 6, 9} {
		for k, way := range inflatingWays {
			if way.drops || (k+level)%min(sample, 6) != 0 {
				continue
			}
			inflateTest(t, withTakeover, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				s := newStandardSender(level)
				var want []Message
				var sent []byte
				for i := range 60 / min(sample, 3) {
					text := jsonText(i*i*i%7000+2, i%7)
					f := textFrame(text)
					if i%4 != 3 {
						f = compressedFrame(frame.Text, s.message(text))
					}
					sent = f.append(sent, p.role)
					want = append(want, Message{Text, []byte(text)})
				}
				go func() {
					p.sendBytes(sent)
					p.closeWrite()
				}()
				got, _ := way.read(t.Context(), c)
				if diff := diff(want, got); diff != "" {
					t.Errorf("level %d, %s (-want +got):\n%s", level, way.name, diff)
				}
			})
		}
	}
}

// bitString writes bits, as DEFLATE orders them.
type bitString struct {
	b []byte
	n uint
}

// add appends the n lower bits of v, the lowest first.
func (s *bitString) add(v, n uint) {
	for i := range n {
		if s.n%8 == 0 {
			s.b = append(s.b, 0)
		}
		s.b[s.n/8] |= byte(v>>i&1) << (s.n % 8)
		s.n++
	}
}

// code appends a Huffman code of n bits, the highest first.
func (s *bitString) code(v, n uint) {
	for i := range n {
		s.add(v>>(n-1-i), 1)
	}
}

// threeFrom is a message that is a match of three bytes over a distance.
//
// RFC 1951, sections 3.2.5 and 3.2.6.
func threeFrom(distance uint) string {
	var s bitString
	s.add(0b010, 3) // a fixed block
	s.code(1, 7)    // length 3
	symbol, extra, base := uint(0), uint(0), uint(1)
	for distance >= base+1<<extra {
		base += 1 << extra
		if symbol++; symbol >= 4 && symbol%2 == 0 {
			extra++
		}
	}
	s.code(symbol, 5)
	s.add(distance-base, extra)
	s.code(0, 7) // end of block
	s.add(0, 3)  // an empty stored block
	return string(s.b)
}

// Matches may reach as far back as was agreed, within a message and into those before,
// and no further (D7.2.2-04, D7.2.2-05).
func TestInflateWindow(t *testing.T) {
	for bits := deflate.MinWindowBits; bits <= deflate.MaxWindowBits+1; bits++ {
		w := deflate.Window{Bits: bits}
		if bits > deflate.MaxWindowBits {
			w.Bits = 0 // nothing was said
		}
		size := uint(1) << min(bits, deflate.MaxWindowBits)
		text := noiseText(int(size) + 1000)
		for k, way := range inflatingWays {
			if way.drops || (k+bits)%min(sample, 6) != 0 {
				continue
			}
			for _, cut := range []bool{false, true} {
				name := fmt.Sprintf("%d bits, %s, in one message: %v", bits, way.name, cut)
				inflateTest(t, w, nil, func(t *testing.T, c *Conn, p *rawPeer) {
					stored := storedText(text, 30_000)
					send := func(distance uint) {
						if cut {
							p.send(compressedParts(frame.Binary, stored+"\x00\x00\xff\xff", threeFrom(distance))...)
							return
						}
						p.send(compressedFrame(frame.Binary, stored), compressedFrame(frame.Binary, threeFrom(distance)))
					}
					go func() {
						send(size)
						send(1 + uint(k))
						if size < 1<<15 {
							send(size + 1)
						}
						p.closeWrite()
					}()
					all, err := way.read(t.Context(), c)
					var got strings.Builder
					for _, m := range all {
						got.Write(m.Data)
					}
					want := text + text[len(text)-int(size):][:3] + text + repeated(text[len(text)-1-k:], 3)
					if size < 1<<15 {
						if !cut {
							want += text // that was a message of its own
						}
						if !errors.Is(err, frame.MessageCorrupt) || !errors.Is(err, deflate.DistanceTooFar) {
							t.Errorf("%s: error %v", name, err)
						}
					}
					if got.String() != want {
						t.Errorf("%s: %d bytes, want %d, error %v", name, got.Len(), len(want), err)
					}
				})
			}
		}
	}
}

// repeated returns n bytes of s again and again.
func repeated(s string, n int) string { return strings.Repeat(s, n)[:n] }
