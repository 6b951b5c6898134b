package conn

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
)

// Writing compressed messages allocates nothing, whichever way and whatever was agreed.
func TestCompressedWriteAllocatesNothing(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		for name, params := range takeovers {
			for _, size := range []int{0, 1000, 70_000} {
				t.Run(fmt.Sprintf("%v, %s, %d bytes", role, name, size), func(t *testing.T) {
					c := New(discardConn{newScript()}, Start{Role: role, Extensions: agree(t, params)}, &Options{Compression: &Compression{MinSize: -1}})
					defer c.CloseNow()
					text := []byte(jsonText(size+2, 1))[:size]
					m, err := Prepare(Binary, text)
					must(t, err)
					if got := allocs(t, func() {
						_ = c.Write(background, Text, text)
						_ = c.WritePrepared(background, m)
						_ = c.Write(background, Binary.Plain(), text)
					}); got != 0 {
						t.Errorf("%v allocations", got)
					}
					must(t, c.terminal())
				})
			}
		}
	}
}

// A large message leaves in pieces as it is compressed: in frames of bounded size, and
// with memory that does not depend on its own.
func TestCompressedMessageInBoundedMemory(t *testing.T) {
	const size, bound = 3 << 20 / min(sample, 6), 1 << 20
	text := []byte(jsonText(size, 1))
	for _, role := range []Role{Client, Server} {
		for what, b := range map[string][]byte{"text": text, "noise": noise(size)} {
			for name, write := range map[string]func(c *Conn) error{
				"Write":  func(c *Conn) error { return c.Write(background, Binary, b) },
				"Writer": func(c *Conn) error { return writeAll(c, b) },
			} {
				nc := &frameSizes{Conn: newScript()}
				c := New(nc, Start{Role: role, Extensions: agree(t, "; client_max_window_bits=15")},
					&Options{Compression: &Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}})
				runtime.GC() // twice, so that the pools are empty
				runtime.GC()
				before, _ := total()
				must(t, write(c))
				after, _ := total()
				if got := after - before; got > bound && sample == 1 { // the race detector empties pools at random
					t.Errorf("%v, %s, %s: %d bytes allocated for a message of %d", role, name, what, got, size)
				}
				most := 1<<16 + maxPiece + 16 // a block, and at the end what is left
				if role == Client {
					most = maxMasked
				}
				if nc.largest > most || nc.frames < 2 {
					t.Errorf("%v, %s, %s: %d frames, the largest of %d bytes, want at most %d", role, name, what, nc.frames, nc.largest, most)
				}
				must(t, c.CloseNow())
			}
		}
	}
}

func writeAll(c *Conn, b []byte) error {
	w, err := c.Writer(background, Binary)
	if err != nil {
		return err
	}
	for ; len(b) > 0 && err == nil; b = b[min(len(b), 10_000):] {
		_, err = w.Write(b[:min(len(b), 10_000)])
	}
	if err != nil {
		return err
	}
	return w.Close()
}

// frameSizes is a stream that looks only at the headers of what is written.
type frameSizes struct {
	net.Conn
	left    int // of the frame under way
	frames  int
	largest int
}

func (f *frameSizes) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if f.left == 0 {
			h, n, err := frame.Parse(rest)
			if err != nil {
				return 0, err
			}
			rest, f.left = rest[n:], int(h.Length)
			f.frames++
			f.largest = max(f.largest, f.left)
		}
		n := min(len(rest), f.left)
		rest, f.left = rest[n:], f.left-n
	}
	return len(p), nil
}

// replay is a stream whose reads give the same bytes on every connection, and which
// counts what is written. Thousands of them cost next to nothing.
type replay struct {
	in      string
	written int
}

func (r *replay) Read(p []byte) (int, error) {
	if r.in == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 2048)], r.in) // as what has arrived would be
	r.in = r.in[n:]
	return n, nil
}

func (r *replay) Write(p []byte) (int, error)    { r.written += len(p); return len(p), nil }
func (*replay) Close() error                     { return nil }
func (*replay) LocalAddr() net.Addr              { return nil }
func (*replay) RemoteAddr() net.Addr             { return nil }
func (*replay) SetDeadline(time.Time) error      { return nil }
func (*replay) SetReadDeadline(time.Time) error  { return nil }
func (*replay) SetWriteDeadline(time.Time) error { return nil }

// heap returns the bytes in use that are reachable.
func heap() int {
	runtime.GC() // twice, since a pool keeps its values for one collection more
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// measureEcho has connections that have agreed to params, or "off", echo the texts. It
// returns what each keeps then, and what it has written.
func measureEcho(t *testing.T, texts []string, connections int, params string) (kept, written int) {
	t.Helper()
	start, p := Start{Role: Server}, &flatePeer{rawPeer: newRawPeer(t, Client, nil)}
	if params != "off" {
		start.Extensions = agree(t, params)
		p = newFlatePeer(p.rawPeer, params)
	}
	var in []byte
	for _, text := range texts {
		f := textFrame(text)
		if p.own != nil {
			f = p.compressedFrame(f)
		}
		in = f.append(in, Client)
	}
	stream := string(in)
	o := &Options{Compression: &Compression{Level: 1, ServerMaxWindowBits: 15}}
	streams, conns := make([]*replay, connections), make([]*Conn, connections)
	var all sync.WaitGroup
	before := heap()
	for half := range 2 {
		all.Go(func() {
			var buf []byte
			for i := half; i < connections; i += 2 {
				streams[i] = &replay{in: stream}
				conns[i] = New(streams[i], start, o)
				for j := range texts {
					typ, p, err := conns[i].ReadAppend(background, buf[:0])
					if err == nil {
						err = conns[i].Write(background, typ, p)
					}
					if err != nil || string(p) != texts[j] {
						t.Errorf("message %d: the right text: %v, error %v", j, string(p) == texts[j], err)
						return
					}
					buf = p
				}
			}
		})
	}
	all.Wait()
	kept = (heap() - before) / connections
	for i, c := range conns {
		if written = streams[i].written; streams[i].in != "" || written != streams[0].written || c.terminal() != nil {
			t.Fatalf("connection %d: %d bytes are unread, %d were written", i, len(streams[i].in), written)
		}
	}
	for _, c := range conns {
		must(t, c.CloseNow())
	}
	return kept, written
}

// A connection that echoes compressed messages keeps its two windows between them, and
// next to nothing else: 1,000 connections after 100 messages of 1 KiB, against those
// without compression.
func TestCompressedMemory(t *testing.T) {
	const messages = 100
	texts := make([]string, messages)
	for i := range texts {
		texts[i] = fmt.Sprintf(`{"sequence":%d,"prices":%s}`, 1e6*(i+1), jsonText(991, 1))
	}
	connections, few := 1000, 100
	if sample > 1 {
		connections, few = 20, 10
	}
	measureEcho(t, texts, 10, "") // what stays for good, such as pools
	plain, size := measureEcho(t, texts, connections, "off")
	if again, _ := measureEcho(t, texts, connections, "off"); again > plain { // no test before this one has left anything
		plain = again
	}
	t.Logf("without compression: %d bytes per connection, %d written", plain, size)
	for _, test := range []struct {
		params      string
		connections int
		most        int
	}{
		{"", connections, 66 << 10},
		{"; server_max_window_bits=12; client_max_window_bits=12", connections, 10 << 10},
		{"; server_max_window_bits=11; client_max_window_bits=11", connections, 6 << 10},
		{takeovers["no takeover"], connections, 1 << 10},
		{"; server_max_window_bits=8; client_max_window_bits=8", few, 2<<8 + 2<<10},
		{"; server_no_context_takeover; client_max_window_bits=12", few, 4<<10 + 2<<10},
		{"; server_max_window_bits=12; client_no_context_takeover", few, 4<<10 + 2<<10},
	} {
		kept, wire := measureEcho(t, texts, test.connections, test.params)
		t.Logf("%q: %d bytes per connection over that, %d written", test.params, kept-plain, wire)
		if kept-plain > test.most {
			t.Errorf("%q: %d bytes per connection, want at most %d", test.params, kept-plain, test.most)
		}
		if test.params == "" && kept-plain < 2<<deflate.MaxWindowBits {
			t.Errorf("%d bytes per connection: the windows are not full", kept-plain)
		}
		if wire > size*2/3 {
			t.Errorf("%q: %d bytes written, %d without compression", test.params, wire, size)
		}
	}
}

// A connection keeps no window before its first compressed message, and then a small one
// as long as there was little text.
func TestCompressedWindowGrows(t *testing.T) {
	flateTest(t, 0, "", Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}, func(t *testing.T, c *Conn, p *flatePeer) {
		if kept := idle(t, c, "at first"); kept != 0 {
			t.Errorf("a window of %d bytes at first", kept)
		}
		must(t, c.Write(background, Text.Plain(), []byte(jsonText(2000, 1))))
		p.expectText(Text, false, jsonText(2000, 1))
		if kept := idle(t, c, "after a plain message"); kept != 0 {
			t.Errorf("a window of %d bytes after a plain message", kept)
		}
		sent := 0
		for _, test := range []struct{ text, window int }{{500, 512}, {1000, 4096}, {2596, 4096}, {128, 32768}} {
			sent += test.text
			must(t, c.Write(background, Text, []byte(strings.Repeat("x", test.text))))
			p.expectText(Text, true, strings.Repeat("x", test.text))
			if kept := idle(t, c, "after a message"); kept != test.window {
				t.Errorf("a window of %d bytes after %d of text, want %d", kept, sent, test.window)
			}
		}
	})
}
