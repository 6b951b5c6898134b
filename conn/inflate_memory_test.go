package conn

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
)

// ReadAppend allocates nothing for a compressed message that fits, also if it just fits,
// and Reader only itself.
func TestInflateAllocatesNothing(t *testing.T) {
	for _, w := range []deflate.Window{withTakeover, withoutTakeover} {
		for _, size := range []int{0, 1, 7, 1000, 40_000} {
			for _, fragments := range []int{1, 4} {
				if size >= 1000 && fragments > 1 {
					continue // slow
				}
				text := jsonText(size+2, 1)[:size]
				message := wire(Client, compressedParts(frame.Binary, cutString(deflatedText(text), 1+(len(deflatedText(text))-1)/fragments)...)...)
				nc := newEndless(nil, string(message))
				c := New(nc, Start{Role: Server, Extensions: inflateAgreed(Server, w)}, nil)
				defer c.CloseNow()
				for _, room := range []int{size, size + 1000} {
					dst := make([]byte, 3, 3+room)
					if n := allocs(t, func() {
						_, p, err := c.ReadAppend(background, dst)
						if err != nil || string(p[3:]) != text {
							t.Fatalf("%d bytes, error %v", len(p), err)
						}
					}); n != 0 {
						t.Errorf("%+v, %d bytes in %d fragments, room for %d: %v allocations", w, size, fragments, room, n)
					}
				}
				if n := allocs(t, func() {
					_, p, err := c.Read(background)
					if err != nil || string(p) != text {
						t.Fatalf("%d bytes, error %v", len(p), err)
					}
				}); n > 8 {
					t.Errorf("%+v, %d bytes in %d fragments: Read allocates %v times", w, size, fragments, n)
				}
				buf := make([]byte, 512)
				if n := allocs(t, func() {
					_, r, err := c.Reader(background)
					for err == nil {
						_, err = r.Read(buf)
					}
				}); n > 1 {
					t.Errorf("%+v, %d bytes in %d fragments: Reader allocates %v times", w, size, fragments, n)
				}
			}
		}
	}
}

// Memory is taken for what has come of a message, not for what a header announces.
func TestInflateNoMemoryForDeclaredLength(t *testing.T) {
	text := noiseText(10_000)
	for _, length := range []uint64{1 << 20, 1 << 31, math.MaxInt64} {
		for _, arrived := range []int{0, 1, 100, 10_000} {
			for _, way := range inflatingWays {
				inflateTest(t, withTakeover, &Options{ReadLimit: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
					h := frame.Header{Opcode: frame.Binary, RSV: frame.RSV1, Length: length, Masked: p.role == Client}
					sent := append(h.Append(nil), storedText(text, 100)[:arrived]...)
					ctx, cancel := context.WithCancel(t.Context())
					var err error
					var wg sync.WaitGroup
					wg.Go(func() { _, err = way.read(ctx, c) })
					p.sendBytes(sent)
					synctest.Wait()
					cancel()
					wg.Wait()
					mustBe(t, err, context.Canceled)
					if kept := cap(c.message.kept); kept > 20_000+3*arrived || arrived <= 100 && kept > inputSize {
						t.Errorf("%s, %d bytes announced and %d sent: %d kept", way.name, length, arrived, kept)
					}
				})
			}
		}
	}
}

// Fragments of a compressed message cost nothing of their own.
func TestInflateFragmentsAllocateNothing(t *testing.T) {
	const fragments = 100_000
	for _, way := range inflatingWays {
		first := wireFrame{Op: frame.Binary, RSV: frame.RSV1, Body: "\x00"}
		frames := first.append(nil, Client)
		for _, body := range []string{"", "\x00", "\x00", "\xff", "\xff", "\x00"} {
			one := part(frame.Continuation, false, body).append(nil, Client)
			if body == "" {
				frames = append(frames, bytes.Repeat(one, fragments)...)
			} else {
				frames = append(frames, one...)
			}
		}
		frames = part(frame.Continuation, true, "").append(frames, Client)
		c := New(newScript(frames), Start{Role: Server, Extensions: inflateAgreed(Server, withTakeover)}, &Options{ControlRate: -1})
		_, before := total()
		all, err := way.read(t.Context(), c)
		_, after := total()
		if diff := diff([]Message{{Binary, []byte{}}}, all); diff != "" {
			t.Errorf("%s: error %v, messages (-want +got):\n%s", way.name, err, diff)
		}
		if pieces := after - before; pieces > fragments/100 {
			t.Errorf("%s: %d allocations", way.name, pieces)
		}
	}
}

// inflateEndings are ways for a connection to end inside a compressed message, of which
// a part was inflated.
var inflateEndings = []struct {
	name string
	end  func(c *Conn, nc *script)
}{
	{"CloseNow", func(c *Conn, _ *script) { _ = c.CloseNow() }},
	{"lost", func(*Conn, *script) {}},
	{"corrupt", func(_ *Conn, nc *script) { nc.more(Client, part(frame.Continuation, true, "\x06")) }},
	{"an early end", func(_ *Conn, nc *script) { nc.more(Client, part(frame.Continuation, true, "")) }},
	{"too big", func(c *Conn, nc *script) {
		c.SetReadLimit(6)
		nc.more(Client, part(frame.Continuation, true, hello.fixed))
	}},
	{"not text", func(_ *Conn, nc *script) { nc.more(Client, part(frame.Continuation, true, storedText("\xff", 1))) }},
	{"out of order", func(_ *Conn, nc *script) { nc.more(Client, textFrame("")) }},
	{"a Close frame", func(_ *Conn, nc *script) { nc.more(Client, closeFrame(1000, "")) }},
}

// more lets frames come.
func (s *script) more(from Role, frames ...wireFrame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pieces = append(s.pieces, wire(from, frames...))
}

// inflateHalf returns a connection that has inflated "Hello" of a message that goes on,
// after a message of the same text; a Reader has read 3 bytes of it.
func inflateHalf(t testing.TB, w deflate.Window) (*Conn, *script, func([]byte) (int, error)) {
	t.Helper()
	return readHalf(t, w, compressedFrame(frame.Text, hello.fixed), wireFrame{Op: frame.Text, RSV: frame.RSV1, Body: hello.fixed + "\x00\x00\xff\xff"})
}

func readHalf(t testing.TB, w deflate.Window, frames ...wireFrame) (*Conn, *script, func([]byte) (int, error)) {
	t.Helper()
	nc := newScript()
	nc.more(Client, frames...)
	c := New(nc, Start{Role: Server, Extensions: inflateAgreed(Server, w)}, nil)
	_, _, err := c.Read(background)
	must(t, err)
	_, r, err := c.Reader(background)
	must(t, err)
	n, err := r.Read(make([]byte, 3))
	if n != 3 || err != nil {
		t.Fatal(n, err)
	}
	return c, nc, r.Read
}

// However a connection ends inside a message, its Decoder is as new: no message is under
// way, and nothing in the window. By the contract of package deflate the working state
// has gone back to its pool then.
func TestInflateGivesBack(t *testing.T) {
	for _, w := range []deflate.Window{withTakeover, withoutTakeover} {
		for _, ending := range inflateEndings {
			t.Run(ending.name, func(t *testing.T) {
				c, nc, read := inflateHalf(t, w)
				ending.end(c, nc)
				for err := error(nil); err == nil; {
					_, err = read(make([]byte, 100))
				}
				<-c.Context().Done()
				if c.inflate.pending() || c.in.held != nil || c.message.kept != nil || c.message.reader != nil {
					t.Error("something is kept")
				}
				dec := &c.inflate.dec
				if out, done, err := dec.End(nil); len(out) != 0 || !done || err != nil {
					t.Errorf("a message is under way: %q, %v, %v", out, done, err)
				}
				if _, _, err := dec.Append(make([]byte, 0, 10), []byte(hello.again)); !errors.Is(err, deflate.DistanceTooFar) {
					t.Errorf("the window is not empty: %v", err)
				}
			})
		}
	}
}

// The working state is used again, whatever became of the message before: connections
// that end inside a compressed message, one after the other, allocate little more than
// one would that was not compressed.
func TestInflateReusesState(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it empties pools
	cost := func(one func()) uint64 {
		allocs(t, one) // skips the test under the race detector
		const connections = 100
		before, _ := total()
		for range connections {
			one()
		}
		after, _ := total()
		return (after - before) / connections
	}
	finish := func(c *Conn, read func([]byte) (int, error)) {
		for err := error(nil); err == nil; {
			_, err = read(make([]byte, 100))
		}
		<-c.Context().Done()
	}
	// Failing a connection costs something too.
	plain := map[bool]uint64{}
	for _, fails := range []bool{false, true} {
		plain[fails] = cost(func() {
			c, nc, read := readHalf(t, withTakeover, textFrame("Hello"), part(frame.Text, false, "Hello"))
			if fails {
				nc.more(Client, textFrame(""))
			}
			finish(c, read)
		})
	}
	for _, ending := range inflateEndings {
		each := cost(func() {
			c, nc, read := inflateHalf(t, withTakeover)
			ending.end(c, nc)
			finish(c, read)
		})
		// The state of a Decoder is more than 8 KB.
		if plain := plain[ending.name != "CloseNow" && ending.name != "lost"]; each > plain+4000 {
			t.Errorf("%s: %d bytes for each connection, %d where the message was not compressed", ending.name, each, plain)
		}
	}
}

// Between messages nothing is held but the window, which grows with the text, and while
// Discard waits inside a message no buffer for output.
func TestInflateIdle(t *testing.T) {
	const connections = 200 / sample
	for _, test := range []struct {
		name   string
		window deflate.Window
		text   string
		most   uint64
	}{
		{"takeover, 15 bits", withTakeover, jsonText(100_000, 1), 32<<10 + 700},
		{"takeover, 9 bits", deflate.Window{Bits: 9}, jsonText(100_000, 1), 512 + 700},
		{"takeover, little text", withTakeover, strings.Repeat("a", 200), 256 + 700},
		{"no takeover", withoutTakeover, jsonText(100_000, 1), 700},
	} {
		t.Run(test.name, func(t *testing.T) {
			message := wire(Client, compressedFrame(frame.Text, storedText(test.text, 60_000)))
			heap := func() uint64 {
				runtime.GC()
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapAlloc
			}
			scripts, all := make([]*script, connections), make([]*Conn, connections)
			for i := range all {
				scripts[i] = newScript()
				all[i] = New(scripts[i], Start{Role: Server, Extensions: inflateAgreed(Server, test.window)}, nil)
			}
			before := heap()
			for i, c := range all {
				for range 2 {
					scripts[i].pieces = [][]byte{bytes.Clone(message)}
					expectMessage(t, c, background, Text, test.text)
				}
				scripts[i].pieces = nil
			}
			if each := (int64(heap()) - int64(before)) / connections; each > int64(test.most) {
				t.Errorf("%d bytes for each connection, want at most %d", each, test.most)
			}
			for _, c := range all {
				_ = c.CloseNow()
			}
		})
	}
}

// A small message gets a slice of its size, as an uncompressed one does.
func TestInflateReadFits(t *testing.T) {
	for _, size := range []int{1, 500, 1000, 1024, 3000} {
		client, server := Pipe(&Options{Compression: &Compression{MinSize: -1}}, &Options{Compression: &Compression{}})
		text := jsonText(size+1, size)[:size]
		must(t, client.Write(background, Text, []byte(text)))
		_, p, err := server.Read(background)
		must(t, err)
		if string(p) != text || cap(p) > size+size/4+16 {
			t.Errorf("%d bytes: read %d, of a capacity of %d", size, len(p), cap(p))
		}
		_ = client.CloseNow()
		_ = server.CloseNow()
	}
}
