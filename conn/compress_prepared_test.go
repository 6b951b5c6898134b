package conn

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/duplexws/duplex/deflate"
)

// mustPrepare prepares a message.
func mustPrepare(t testing.TB, m MessageType, text string) *Prepared {
	t.Helper()
	p, err := Prepare(m, []byte(text))
	must(t, err)
	return p
}

// compressions returns for which window bits a message has been compressed.
func (m *Prepared) compressions() (list []int) {
	for i := range m.compressed {
		if m.compressed[i].b != nil {
			list = append(list, i+deflate.MinWindowBits)
		}
	}
	return list
}

// A prepared message is compressed when it is first needed, once for each size of
// window, without history: its payload is the same everywhere.
func TestPreparedIsCompressedOnce(t *testing.T) {
	text := jsonText(9000, 1)
	m := mustPrepare(t, Text, text)
	if got := m.compressions(); got != nil {
		t.Errorf("compressed at first for %v", got)
	}
	wires := map[int]string{}
	for range 2 {
		for bits := deflate.MaxWindowBits; bits >= deflate.MinWindowBits; bits-- {
			params := fmt.Sprintf("; server_max_window_bits=%d; client_max_window_bits=%d", bits, bits)
			for name, none := range takeovers {
				flateTest(t, 0, none+params, Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}, func(t *testing.T, c *Conn, p *flatePeer) {
					must(t, c.Write(background, Text, []byte(text)))
					p.expectText(Text, true, text)
					first := m.compressed[bits-deflate.MinWindowBits].b
					must(t, c.WritePrepared(background, m))
					wire := p.expectText(Text, true, text).Wire
					if before, ok := wires[bits]; ok && before != wire {
						t.Errorf("%d bits, %s: another payload", bits, name)
					}
					wires[bits] = wire
					if again := m.compressed[bits-deflate.MinWindowBits].b; first != nil && &again[0] != &first[0] {
						t.Errorf("%d bits, %s: compressed again", bits, name)
					}
				})
			}
			if got, want := len(m.compressions()), len(wires); got != want {
				t.Errorf("%d bits: compressed %d times, want %d", bits, got, want)
			}
		}
	}
	if wires[8] == wires[15] {
		t.Error("the payload is the same for the least window and the largest")
	}
}

// Where it is not to be compressed it is not: connections without compression, small
// messages, plain ones, and those that would not become smaller, for which nothing is
// kept.
func TestPreparedIsNotCompressed(t *testing.T) {
	for name, test := range map[string]struct {
		m       *Prepared
		minSize int
	}{
		"small":         {mustPrepare(t, Text, strings.Repeat("x", 127)), 0},
		"smaller":       {mustPrepare(t, Text, strings.Repeat("x", 9999)), 10_000},
		"empty":         {mustPrepare(t, Text, ""), -1},
		"one byte":      {mustPrepare(t, Text, "x"), -1},
		"plain":         {mustPrepare(t, Text.Plain(), jsonText(9000, 1)), -1},
		"noise":         {mustPrepare(t, Binary, string(noise(5000))), -1},
		"a lot of it":   {mustPrepare(t, Binary, string(noise(300_000))), -1},
		"little of it":  {mustPrepare(t, Binary, string(noise(10))), -1},
		"binary, plain": {mustPrepare(t, Binary.Plain(), jsonText(9000, 1)), -1},
	} {
		t.Run(name, func(t *testing.T) {
			text := string(test.m.data)
			flateTest(t, -1, "", Compression{MinSize: test.minSize}, func(t *testing.T, c *Conn, p *flatePeer) {
				big := jsonText(20_000, 1)
				for range 2 {
					must(t, c.Write(background, Text, []byte(big)))
					p.expectText(Text, true, big)
					must(t, c.WritePrepared(background, test.m))
					p.expectText(test.m.t, false, text)
				}
			})
			if got := test.m.compressions(); got != nil {
				t.Errorf("kept compressed for %v", got)
			}
		})
	}
	m := mustPrepare(t, Text, jsonText(9000, 1))
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		must(t, c.WritePrepared(background, m))
		p.expect(textFrame(jsonText(9000, 1)))
		if got := m.compressions(); got != nil {
			t.Errorf("compressed for %v", got)
		}
	})
}

// On a connection with takeover the text of a prepared message goes through the window of
// the peer as well, so that what follows may refer to it and to what was before, and must
// not miss it: in any order with messages of all kinds.
func TestPreparedAndTheWindow(t *testing.T) {
	text := func(i int) string { return jsonText(300+i%3*1500, i%4) }
	var prepared []*Prepared
	for i := range 12 {
		prepared = append(prepared, mustPrepare(t, Text, text(i)))
	}
	send := map[byte]func(c *Conn, i int) error{
		'w': func(c *Conn, i int) error { return c.Write(background, Text, []byte(text(i))) },
		's': func(c *Conn, i int) error { return writeInPieces(background, c, Text, text(i), 100) },
		'p': func(c *Conn, i int) error { return c.WritePrepared(background, prepared[i]) },
		'-': func(c *Conn, i int) error { return c.Write(background, Text.Plain(), []byte(text(i))) },
	}
	for _, order := range []string{
		"wp", "pw", "wpw", "pwp", "ppwwpp", "wpwpwpwpwpwp", "pspspspspsps", "p-w-p-w-", "wsp-wsp-wsp-", "pppppppppppp", "w-p-s-w-p-s-",
	} {
		for _, bits := range []int{8, 10, 12, 15} {
			for name, none := range takeovers {
				params := none + fmt.Sprintf("; server_max_window_bits=%d; client_max_window_bits=%d", bits, bits)
				t.Run(fmt.Sprintf("%s, %d bits, %s", order, bits, name), func(t *testing.T) {
					flateTest(t, 0, params, Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}, func(t *testing.T, c *Conn, p *flatePeer) {
						for i, way := range []byte(order) {
							must(t, send[way](c, i))
							p.expectText(Text, way != '-', text(i))
						}
					})
				})
			}
		}
	}
	// It is not only harmless: what was in it is found again.
	flateTest(t, 0, "", Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
		must(t, c.WritePrepared(background, prepared[1]))
		first := p.expectText(Text, true, text(1))
		must(t, c.Write(background, Text, []byte(text(1))))
		if m := p.expectText(Text, true, text(1)); len(m.Wire) > len(first.Wire)/8 {
			t.Errorf("%d bytes, and again %d", len(first.Wire), len(m.Wire))
		}
	})
}

// Many goroutines may send it at the same time on many connections, the first time too.
func TestPreparedCompressedConcurrently(t *testing.T) {
	const connections, writers, messages = 6, 4, 6
	text := jsonText(20_000, 1)
	m := mustPrepare(t, Text, text)
	var all sync.WaitGroup
	for i := range connections {
		bits := deflate.MinWindowBits + i%3
		params := fmt.Sprintf("; server_max_window_bits=%d; client_max_window_bits=%d", bits, bits)
		c, p := newFlate(t, []Role{Client, Server}[i/3], 0, params, Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15})
		defer p.nc.Close()
		defer c.CloseNow()
		for w := range writers {
			all.Go(func() {
				for j := range messages {
					var err error
					if w == 0 && j%2 == 0 {
						err = c.Write(background, Text, []byte(text))
					} else {
						err = c.WritePrepared(background, m)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Go(func() {
			for range writers * messages {
				if got, err := p.message(); err != nil || !got.Compressed || got.Text != text {
					t.Errorf("message of %d bytes, compressed: %v, the right text: %v, error %v", len(got.Text), got.Compressed, got.Text == text, err)
					p.nc.Close()
					return
				}
			}
		})
	}
	all.Wait()
}

// A prepared message that is cancelled before it leaves is not in the window.
func TestPreparedCancelled(t *testing.T) {
	flateTest(t, 300, "", Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
		texts := []string{jsonText(500, 1), jsonText(700, 2)}
		m := mustPrepare(t, Text, texts[1])
		sent := async(func() error { return c.Write(background, Text, []byte(texts[0])) })
		p.expectText(Text, true, texts[0])
		must(t, <-sent)
		ended, end := context.WithCancel(background)
		end()
		mustBe(t, c.WritePrepared(ended, m), ended.Err())
		for _, text := range []string{texts[1], texts[0], texts[1]} {
			sent := async(func() error { return c.Write(background, Text, []byte(text)) })
			p.expectText(Text, true, text)
			must(t, <-sent)
		}
	})
}
