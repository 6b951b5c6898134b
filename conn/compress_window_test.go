package conn

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/handshake"
)

// varied returns n messages: of all kinds of size and content, many of which have much
// in common with messages before, at all distances.
func varied(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]string, 0, n)
	for i := range n {
		size := 1 + r.IntN(1<<r.IntN(11))
		if i%100 == 99 {
			size = 1 + r.IntN(80_000)
		}
		switch k := r.IntN(10); {
		case k == 0:
			list = append(list, string(noise(size)))
		case k == 1:
			list = append(list, strings.Repeat(string(rune('a'+i%26)), size))
		case k == 2 && i > 0:
			list = append(list, list[r.IntN(i)])
		default:
			list = append(list, jsonText(size+2, i%50))
		}
	}
	return list
}

// dialRaw does an opening handshake in which the connection under test has the given
// role and the two agree to params, as an offer and the response to it. It returns what
// the connection has offered or answered.
func dialRaw(t *testing.T, role Role, z *Compression, params string) (c *Conn, nc net.Conn, said string) {
	t.Helper()
	if role == Client {
		c, nc, said, err := rawAnswer(t, z, deflate.Name+params)
		must(t, err)
		return c, nc, said
	}
	addr, accepted := compressServer(t, z)
	nc, err := net.Dial("tcp", addr)
	must(t, err)
	t.Cleanup(func() { nc.Close() })
	_, said = rawOffer(t, nc, deflate.Name+params)
	return <-accepted, nc, said
}

// A window that was agreed is kept to, whatever it is, whoever compresses, with context
// takeover and without (D5-07, D5-08, D7-01, D7.2.1-05 to D7.2.1-09).
func TestCompressedWindows(t *testing.T) {
	messages := varied(1000)
	for bits := deflate.MinWindowBits; bits <= deflate.MaxWindowBits; bits++ {
		for name, none := range takeovers {
			for _, role := range []Role{Client, Server} {
				t.Run(fmt.Sprintf("%d bits, %s, %v", bits, name, role), func(t *testing.T) {
					z := &Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15, MinSize: -1, Level: 1 + (bits+int(role))%9}
					said := deflate.Name + none + fmt.Sprintf("; %v_max_window_bits=%d", role, bits)
					want := said // the server confirms what it is asked
					if role == Client {
						want = deflate.Name + "; client_max_window_bits" // and grants what it was offered
					}
					c, nc, got := dialRaw(t, role, z, strings.TrimPrefix(said, deflate.Name))
					defer c.CloseNow()
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("said (-want +got):\n%s", diff)
					}
					p := newFlatePeer(newRawPeer(t, role.Peer(), nc), strings.TrimPrefix(said, deflate.Name))
					if want := (deflate.Window{Bits: bits, NoTakeover: none != ""}); p.window != want {
						t.Fatalf("agreed to %+v, want %+v", p.window, want)
					}
					// Under the race detector each row gets a sample of the messages.
					list := messages[:len(messages)/sample]
					wrote := async(func() error { return writeVaried(c, list) })
					size, wire := 0, 0
					for i, text := range list {
						m, err := p.message()
						if err != nil || m.Text != text {
							t.Fatalf("message %d: the right text: %v, error %v", i, m.Text == text, err)
						}
						size, wire = size+len(text), wire+len(m.Wire)
					}
					must(t, <-wrote)
					if wire > size*3/4 {
						t.Errorf("%d bytes became %d", size, wire)
					}
				})
			}
		}
	}
}

// writeVaried writes messages in all ways.
func writeVaried(c *Conn, list []string) error {
	for i, text := range list {
		var err error
		switch i % 5 {
		case 0:
			err = writeInPieces(background, c, Binary, text, 1+i*7%5000)
		case 1:
			var m *Prepared
			if m, err = Prepare(Binary, []byte(text)); err == nil {
				err = c.WritePrepared(background, m)
			}
		default:
			err = c.Write(background, Binary, []byte(text))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Without takeover equal messages have equal payloads; with it the second is smaller
// (D7.1.1.2-04, D7.2.1-06, D7.2.1-07). The own wish is enough, and that of one side does
// not touch the other.
func TestCompressedTakeover(t *testing.T) {
	for _, test := range []struct {
		params string
		z      Compression
		equal  map[Role]bool
	}{
		{"", Compression{}, nil},
		{"; server_no_context_takeover", Compression{}, map[Role]bool{Server: true}},
		{"; client_no_context_takeover", Compression{}, map[Role]bool{Client: true}},
		{"; client_no_context_takeover; server_no_context_takeover", Compression{}, map[Role]bool{Client: true, Server: true}},
		{"", Compression{ServerNoContextTakeover: true}, map[Role]bool{Server: true}},
		{"", Compression{ClientNoContextTakeover: true}, map[Role]bool{Client: true}},
	} {
		for _, way := range sendOnes {
			t.Run(test.params+", "+way.name, func(t *testing.T) {
				flateTest(t, 0, test.params, test.z, func(t *testing.T, c *Conn, p *flatePeer) {
					text := jsonText(2000, 1)
					var wires []string
					for range 3 {
						must(t, way.send(background, c, Text, text))
						wires = append(wires, p.expectText(Text, true, text).Wire)
					}
					equal := test.equal[c.role] || way.name == "WritePrepared" // has no history ever
					if got := wires[0] == wires[1] && wires[1] == wires[2]; got != equal {
						t.Errorf("equal messages have equal payloads: %v", got)
					}
					if !equal && len(wires[1]) > len(wires[0])/4 {
						t.Errorf("the second is %d bytes, the first %d", len(wires[1]), len(wires[0]))
					}
				})
			})
		}
	}
}

// The default windows are not below 1,024 bytes (D7.3-01), and a nil or zero Compression
// has them.
func TestDefaultWindows(t *testing.T) {
	client, server := Pipe(&Options{Compression: &Compression{}}, &Options{Compression: &Compression{}})
	defer client.CloseNow()
	defer server.CloseNow()
	for _, c := range []*Conn{client, server} {
		if want := (deflate.Window{Bits: 12}); c.deflate.window != want || c.inflate.window != want {
			t.Errorf("%v: windows %+v and %+v, want %+v", c.role, c.deflate.window, c.inflate.window, want)
		}
	}
	var z *Compression
	if z.offers() != nil || z.choose([]handshake.Extension{{Name: deflate.Name}}) != nil {
		t.Error("compression is on by default")
	}
	_, _, offer, err := rawAnswer(t, nil)
	must(t, err)
	if offer != "" {
		t.Errorf("offered by default: %s", offer)
	}
}

// What connections agree to over a Pipe is what they would agree to over HTTP.
func TestPipeNegotiates(t *testing.T) {
	for name, pair := range compressionPairs {
		t.Run(name, func(t *testing.T) {
			pc, ps := Pipe(&Options{Compression: pair[0]}, &Options{Compression: pair[1]})
			addr, accepted := compressServer(t, pair[1])
			c, err := Dial(background, "ws://"+addr, &DialOptions{Options: Options{Compression: pair[0]}})
			must(t, err)
			s := <-accepted
			for _, two := range [][2]*Conn{{c, pc}, {s, ps}} {
				a, b := two[0], two[1]
				if a.deflate.window != b.deflate.window || a.deflate.level != b.deflate.level || a.deflate.minSize != b.deflate.minSize || a.inflate.window != b.inflate.window {
					t.Errorf("%v: %+v and %+v over HTTP, %+v and %+v over a Pipe", a.role, a.deflate, a.inflate, b.deflate, b.inflate)
				}
				a.CloseNow()
				b.CloseNow()
			}
		})
	}
	for _, pair := range [][2]*Compression{{nil, nil}, {nil, {}}, {{}, nil}} {
		c, s := Pipe(&Options{Compression: pair[0]}, &Options{Compression: pair[1]})
		if c.deflate != nil || s.deflate != nil || c.inflate != nil || s.inflate != nil {
			t.Errorf("client %v, server %v: compressed", pair[0], pair[1])
		}
		c.CloseNow()
		s.CloseNow()
	}
}
