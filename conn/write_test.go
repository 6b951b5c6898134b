package conn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/wstest"
)

// sizes are those around every boundary: of the length forms, and of the ways in which
// a frame is written.
func sizes() (list []int) {
	list = []int{0, 1, 124, 125, 126, 127, 65534, 65535, 65536, 65537, 1 << 20}
	for _, edge := range []int{smallOutput, largeOutput} {
		for n := edge - frame.MaxHeaderLen - 1; n <= edge+1; n++ {
			list = append(list, n)
		}
	}
	for _, edge := range []int{largeOutput - frame.MaxHeaderLen, 2 * largeOutput, maxPut, maxPut + largeOutput, 2 * maxPut} {
		list = append(list, edge-1, edge, edge+1)
	}
	return list
}

// pattern returns n bytes that show when a piece is missing or moved.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return p
}

// nextMessage reads a message in the frames that it must have: one from a server, and
// from a client one for every 32 KiB.
func (p *rawPeer) nextMessage() wireFrame {
	p.t.Helper()
	f, err := p.next()
	must(p.t, err)
	for fin := f.Fin; !fin; {
		more, err := p.next()
		must(p.t, err)
		if p.role == Client || len(f.Body)%maxMasked != 0 || more.Op != frame.Continuation || more.Body == "" || more.RSV != 0 {
			p.t.Fatalf("after %d bytes: frame %v with %d", len(f.Body), more.Op, len(more.Body))
		}
		f.Body += more.Body
		if fin = more.Fin; len(more.Body) > maxMasked {
			p.t.Fatalf("a frame of %d bytes", len(more.Body))
		}
	}
	if p.role == Server && f.Fin && len(f.Body) > maxMasked || f.RSV != 0 {
		p.t.Fatalf("a frame of %d bytes, RSV %v", len(f.Body), f.RSV)
	}
	return f
}

// sameFrames compares what comes with messages of the given sizes, and the slices that
// were written with what they were.
func sameFrames(t *testing.T, p *rawPeer, list []int, write func(b []byte) error) {
	t.Helper()
	all := pattern(slices.Max(list))
	for _, n := range list {
		want := all[:n]
		b := bytes.Clone(want)
		written := async(func() error { return write(b) })
		f := p.nextMessage()
		must(t, <-written)
		if f.Op != frame.Binary || f.Body != string(want) {
			t.Fatalf("%d bytes: %v, %d bytes, the same: %v", n, f.Op, len(f.Body), f.Body == string(want))
		}
		if !bytes.Equal(b, want) {
			t.Fatalf("%d bytes: the slice was changed", n)
		}
		if len(p.in) > 0 {
			t.Fatalf("%d bytes: %d more have come", n, len(p.in))
		}
	}
}

// A message is one frame, or for a client one for every 32 KiB, whatever the stream: with
// its length in the shortest form, masked by a client, and the slice as it was (5.3-01,
// 6.1-03).
func TestWrite(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		for name, ends := range map[string]func(t *testing.T) (a, b net.Conn){
			"pipe": func(*testing.T) (a, b net.Conn) { return pipe.New(0) },
			"TCP":  func(t *testing.T) (a, b net.Conn) { return tcpPair(t) },
			"TLS": func(t *testing.T) (a, b net.Conn) {
				a, b = tcpPair(t)
				return secure(t, a, b)
			},
		} {
			t.Run(fmt.Sprintf("%v over %s", role, name), func(t *testing.T) {
				a, b := ends(t)
				c := New(a, Start{Role: role}, nil)
				defer c.CloseNow()
				p := newRawPeer(t, role.Peer(), b)
				sameFrames(t, p, sizes(), func(b []byte) error { return c.Write(background, Binary, b) })
			})
		}
	}
}

// scribbler is a stream that, each time something is written, overwrites the slice that
// the application has given to Write: the worst that an application could do.
type scribbler struct {
	net.Conn
	own  []byte
	mark byte
}

func (s *scribbler) Write(p []byte) (int, error) {
	p = bytes.Clone(p)
	s.mark++
	for i := range s.own {
		s.own[i] = s.mark
	}
	return s.Conn.Write(p)
}

// Once a frame of a client has begun to leave, and its key was seen, nothing changes
// its payload, not even an application that breaks the rules (10.3-01).
func TestWriteFixesAFrameBeforeItLeaves(t *testing.T) {
	for _, size := range []int{1, smallOutput, maxMasked, maxMasked + 1, 100_000} {
		a, b := pipe.New(-1)
		s := &scribbler{Conn: a, own: make([]byte, size)}
		c := New(s, Start{Role: Client}, nil)
		must(t, c.Write(background, Binary, s.own))
		p := newRawPeer(t, Server, b)
		for n, got := 0, 0; got < size; n++ {
			f, err := p.next()
			must(t, err)
			// Each frame is one write, so n of them had overwritten the slice before.
			if f.Body != strings.Repeat(string([]byte{byte(n)}), len(f.Body)) {
				t.Errorf("%d bytes: frame %d was changed while it left", size, n)
			}
			got += len(f.Body)
		}
		must(t, c.CloseNow())
		must(t, b.Close())
	}
}

// The very bytes, for a server, and for a client with the key that it has chosen.
func TestWriteBytes(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		must(t, c.Write(background, Text, []byte("Hello")))
		b := make([]byte, 100)
		n, err := p.nc.Read(b)
		must(t, err)
		want := []byte("\x81\x05Hello") // RFC 6455, section 5.7
		if c.role == Client {
			key := b[2:6]
			want = append([]byte{0x81, 0x85}, key...)
			for i, x := range []byte("Hello") {
				want = append(want, x^key[i%4])
			}
		}
		if diff := cmp.Diff(want, b[:n]); diff != "" {
			t.Errorf("bytes (-want +got):\n%s", diff)
		}
	})
}

// A frame that fits in the small buffer leaves in one write, a larger one in few.
func TestWriteCalls(t *testing.T) {
	for _, tc := range []struct {
		size           int
		client, server int
	}{
		{0, 1, 1},
		{smallOutput - 8, 1, 1},
		{smallOutput, 1, 1},
		{32 << 10, 1, 1},
		{33 << 10, 2, 2},
		{100 << 10, 4, 2},
		{1 << 20, 32, 9},
	} {
		for role, want := range map[Role]int{Client: tc.client, Server: tc.server} {
			nc := wstest.NewFaultConn(newScript(), wstest.Faults{})
			c := New(nc, Start{Role: role}, nil)
			must(t, c.Write(background, Binary, make([]byte, tc.size)))
			if _, got := nc.Calls(); got != want {
				t.Errorf("%v, %d bytes: %d writes, want %d", role, tc.size, got, want)
			}
			must(t, c.CloseNow())
		}
	}
}

// Messages of many goroutines do not mix, and those of one keep their order (5.4-06,
// 5.4-07).
func TestWriteConcurrently(t *testing.T) {
	const writers, messages = 8, 60
	rawTestSize(t, nil, 3000, func(t *testing.T, c *Conn, p *rawPeer) {
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for m := range messages {
					text := strings.Repeat(fmt.Sprintf("%d:%d ", w, m), 1+97*m%1500)
					var err error
					switch (w + m) % 3 {
					case 0:
						err = c.Write(background, Text, []byte(text))
					case 1:
						var prepared *Prepared
						if prepared, err = Prepare(Text, []byte(text)); err == nil {
							err = c.WritePrepared(background, prepared)
						}
					case 2:
						var out io.WriteCloser
						if out, err = c.Writer(background, Text); err == nil {
							_, err = io.WriteString(out, text)
							err = errors.Join(err, out.Close())
						}
					}
					if err != nil {
						t.Errorf("message %d of writer %d: %v", m, w, err)
					}
				}
			})
		}
		read := async(func() error { return c.Discard(background) })
		next := make([]int, writers)
		pongs := 0
		message := ""
		for done := 0; done < writers*messages; {
			f, err := p.next()
			must(t, err)
			if f.Op == frame.Pong {
				pongs++
				continue
			}
			if f.Op == frame.Text && message != "" || f.Op == frame.Continuation && message == "" {
				t.Fatalf("a %v frame comes after %d bytes of a message", f.Op, len(message))
			}
			if message += f.Body; !f.Fin {
				p.send(pingFrame(""))
				continue
			}
			var w, m int
			if _, err := fmt.Sscanf(message, "%d:%d ", &w, &m); err != nil {
				t.Fatal(err)
			}
			if want := strings.Repeat(fmt.Sprintf("%d:%d ", w, m), 1+97*m%1500); m != next[w] || message != want {
				t.Fatalf("message %d of writer %d has come, message %d was due; the text is right: %v", m, w, next[w], message == want)
			}
			next[w]++
			done++
			message = ""
		}
		all.Wait()
		mustWait(t, read)
		if pongs == 0 {
			t.Error("no Pong has come in between")
		}
	})
}

// What cannot be sent is refused, nothing leaves, and the connection goes on.
func TestWriteRefuses(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		for _, m := range []MessageType{0, 3, 8, 9, 10, 255} {
			mustBe(t, c.Write(background, m, nil), ErrMessageType)
			_, err := c.Writer(background, m)
			mustBe(t, err, ErrMessageType)
			_, err = Prepare(m, nil)
			mustBe(t, err, ErrMessageType)
		}
		for _, m := range []*Prepared{nil, {}} {
			mustBe(t, c.WritePrepared(background, m), ErrMessageType)
		}
		for _, text := range []string{"\xff", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", strings.Repeat("x", 1<<20) + "\x80"} {
			mustBe(t, c.Write(background, Text, []byte(text)), frame.TextNotUTF8)
			_, err := Prepare(Text, []byte(text))
			mustBe(t, err, frame.TextNotUTF8)
		}
		must(t, c.terminal())
		must(t, c.Write(background, Binary, []byte("\xff")))
		must(t, c.Write(background, Text, []byte("\u20ac")))
		p.expect(binaryFrame("\xff"), textFrame("\u20ac"))
	})
}

// A context that has ended, or ends while a Write waits for its turn, changes nothing.
func TestWriteCancelledBeforeItsTurn(t *testing.T) {
	why := errors.New("why")
	ended, cancel := context.WithCancelCause(background)
	cancel(why)
	rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
		stuck := async(func() error { return c.Write(background, Text, []byte(large)) })
		mustWait(t, stuck)
		prepared, err := Prepare(Text, []byte("never sent"))
		must(t, err)
		ctx, cancel := context.WithTimeoutCause(background, time.Second, why)
		defer cancel()
		for name, call := range map[string]func(ctx context.Context) error{
			"Write":         func(ctx context.Context) error { return c.Write(ctx, Text, []byte("never sent")) },
			"WritePrepared": func(ctx context.Context) error { return c.WritePrepared(ctx, prepared) },
			"Writer":        func(ctx context.Context) error { _, err := c.Writer(ctx, Text); return err },
			"Ping":          func(ctx context.Context) error { _, err := c.Ping(ctx); return err },
		} {
			for _, ctx := range []context.Context{ctx, ended} {
				err := call(ctx)
				mustBe(t, err, ctx.Err(), why)
				if errors.Is(err, net.ErrClosed) {
					t.Errorf("%s: %v says that the connection has ended", name, err)
				}
			}
		}
		p.expect(textFrame(large))
		must(t, <-stuck)
		// The turn is free and the context has ended.
		for range 2 {
			mustBe(t, c.Write(ended, Text, []byte("never sent")), why)
			mustBe(t, c.Write(ctx, Text, []byte("never sent")), why)
			mustBe(t, c.WritePrepared(ctx, prepared), why)
			_, err := c.Writer(ctx, Text)
			mustBe(t, err, why)
		}
		must(t, c.Write(background, Text, []byte("sent")))
		p.expect(textFrame("sent"))
	})
}

// A context that ends while bytes leave ends the connection, and is the reason.
func TestWriteCancelledInItsTurn(t *testing.T) {
	for _, size := range []int{100, smallOutput + 1, 100_000} {
		rawTestSize(t, nil, 50, func(t *testing.T, c *Conn, p *rawPeer) {
			why := errors.New("why")
			ctx, cancel := context.WithTimeoutCause(background, time.Second, why)
			defer cancel()
			read := async(readError(c, background))
			waiting := async(func() error { <-time.After(time.Millisecond); return c.Write(background, Text, nil) })
			err := c.Write(ctx, Binary, make([]byte, size))
			mustBe(t, err, context.DeadlineExceeded, why, net.ErrClosed)
			if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() {
				t.Errorf("%v is not a timeout", err)
			}
			for i, again := range []error{<-read, <-waiting, c.Write(background, Text, nil), context.Cause(c.Context())} {
				if again != err {
					t.Errorf("call %d: error %v, want %v", i, again, err)
				}
			}
			b, err := io.ReadAll(p.nc)
			if len(b) != 50 || err != nil {
				t.Errorf("the peer has read %d bytes, %v; want what the stream held, and its end", len(b), err)
			}
		})
	}
}

// shortConn takes less than it is given and says nothing.
type shortConn struct{ net.Conn }

func (c shortConn) Write(p []byte) (int, error) { return c.Conn.Write(p[:len(p)/2]) }
