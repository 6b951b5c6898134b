package conn

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Input that came with the handshake is read first, however much it is, and whatever
// follows it.
func TestBufferedInput(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		var messages []Message
		var sent []byte
		for i, size := range []int{0, 1, 125, 126, 3000, 4090, 5000, 70_000, 3} {
			data := bytes.Repeat([]byte{byte(i)}, size)
			messages = append(messages, Message{Binary, data})
			sent = append(sent, wire(role.Peer(), binaryFrame(string(data)), pongFrame("pong"))...)
		}
		sizes := []int{0, 1, 2, 3, 7, 130, 4095, 4096, 4097, 8000, len(sent) - 1, len(sent)}
		for _, n := range sizes {
			for _, read := range messageReaders {
				c := New(newScript(sent[n:]), Start{Role: role, Buffered: slices.Clone(sent[:n])}, nil)
				got, err := read.read(t.Context(), c)
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%v, %d bytes, %s: %v", role, n, read.name, err)
				}
				if diff := diff(messages, got); diff != "" {
					t.Errorf("%v, %d bytes, %s (-want +got):\n%s", role, n, read.name, diff)
				}
			}
		}
	}
}

// The slice is given up as soon as all of it was read.
func TestBufferedIsNotKept(t *testing.T) {
	sent := wire(Client, textFrame("one"), textFrame("two"))
	c := New(newScript(), Start{Role: Server, Buffered: sent}, nil)
	expectMessage(t, c, t.Context(), Text, "one")
	if c.in.held == nil {
		t.Error("the rest of the input is gone")
	}
	expectMessage(t, c, t.Context(), Text, "two")
	if c.in.held != nil {
		t.Error("the slice is kept")
	}
}

// oddConn is a stream whose reads fail a number of times before they work.
type oddConn struct {
	net.Conn
	err   error
	times int
}

func (o *oddConn) Read(p []byte) (int, error) {
	if o.times > 0 {
		o.times--
		return 0, o.err
	}
	return o.Conn.Read(p)
}

// A stream may give nothing now and then, or meet a deadline that nobody has set, but
// it must not keep a read busy for ever.
func TestReadsWithoutProgress(t *testing.T) {
	for _, tc := range []struct {
		name  string
		err   error
		times int
		want  error // nil: the message is read
	}{
		{"nothing", nil, 99, nil},
		{"nothing, too often", nil, 100, io.ErrNoProgress},
		{"deadline", os.ErrDeadlineExceeded, 99, nil},
		{"deadline, too often", os.ErrDeadlineExceeded, 100, io.ErrNoProgress},
		{"for ever", os.ErrDeadlineExceeded, math.MaxInt, io.ErrNoProgress},
	} {
		for name, o := range map[string]*Options{"keepalive": nil, "no keepalive": {KeepAlive: -1}} {
			t.Run(tc.name+", "+name, func(t *testing.T) {
				nc := &oddConn{newScript(wire(Client, textFrame("hello"))), tc.err, tc.times}
				c := New(nc, Start{Role: Server}, o)
				_, p, err := c.Read(t.Context())
				if tc.want == nil && (string(p) != "hello" || err != nil) {
					t.Errorf("%q, error %v", p, err)
				}
				if ce, ok := errors.AsType[*CloseError](err); tc.want != nil && (!ok || ce.Code != StatusAbnormalClosure || ce.Err != tc.want) {
					t.Errorf("error %v, want %v", err, tc.want)
				}
			})
		}
	}
}

// A peer that sends nothing for hours is alive as long as it takes what we send.
func TestPushingForHours(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		done := make(chan error)
		go func() { done <- c.Discard(t.Context()) }()
		ticker := time.NewTicker(20 * time.Second)
		defer ticker.Stop()
		for range 1000 {
			<-ticker.C
			if err := c.Write(t.Context(), Text, []byte("news")); err != nil {
				t.Fatal(err)
			}
			p.expect(textFrame("news"))
		}
		_ = c.CloseNow()
		if err := <-done; !errors.Is(err, errCloseNow) {
			t.Errorf("Discard: %v", err)
		}
	})
}

// room, consume and release, step by step.
func TestInputBuffer(t *testing.T) {
	in := input{held: []byte("handshake")}
	in.consume(len("hand"))
	// What is left of the caller's slice moves to a buffer.
	if n := len(in.room()); n != inputSize-len("shake") || string(in.bytes()) != "shake" {
		t.Errorf("room for %d bytes behind %q", n, in.bytes())
	}
	in.release(false)
	if string(in.bytes()) != "shake" {
		t.Errorf("a buffer with %q in it was given back", in.bytes())
	}
	// A full buffer is compacted.
	in.filled(len(in.room()))
	in.consume(inputSize - 3)
	copy(in.bytes(), "end")
	if n := len(in.room()); n != inputSize-3 || string(in.bytes()) != "end" {
		t.Errorf("room for %d bytes behind %q", n, in.bytes())
	}
	// An empty one begins from the start.
	in.consume(3)
	if n := len(in.room()); n != inputSize {
		t.Errorf("room for %d bytes", n)
	}
	in.release(false)
	if in.held != nil || in.pooled != nil {
		t.Error("an empty buffer was kept")
	}
	in.filled(copy(in.room(), "of no use"))
	in.release(true)
	if in.held != nil || len(in.bytes()) != 0 {
		t.Errorf("what was to be dropped is kept: %q", in.bytes())
	}
}

// A connection that has received much, and waits for the rest of a header, does not hold
// a large buffer for the beginning.
func TestParkedInputIsSmall(t *testing.T) {
	for _, held := range []int{0, 1, inputSize / 2, inputSize} {
		in := input{class: uint8(len(inputs) - 1)}
		n := copy(in.room(), bytes.Repeat([]byte("x"), maxInput-held))
		in.filled(n)
		in.consume(n)
		want := bytes.Repeat([]byte("y"), held)
		in.filled(copy(in.room(), want))
		in.park()
		if got := in.bytes(); !bytes.Equal(got, want) {
			t.Errorf("%d bytes held: %d are left", held, len(got))
		}
		if size := cap(in.held); held <= inputSize/2 && size > inputSize || held == 0 && size > 0 {
			t.Errorf("%d bytes held in a buffer of %d", held, size)
		}
		in.release(true)
	}
}

// What a deadline of AsNetConn leaves of replies leaves first the next time.
func TestRepliesAreNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newRawSize(t, Server, nil, 10)
		defer p.nc.Close()
		defer c.CloseNow()
		reply := textFrame("a reply that is longer than what the pipe holds")
		c.gathering = gatherReply
		m := prepared(t, reply.Body)
		must(t, c.sendPrepared(background, m))
		c.gathering = gatherNothing
		nc := AsNetConn(c, Text)
		must(t, nc.SetWriteDeadline(time.Now().Add(time.Second)))
		if n, err := nc.Write([]byte("one")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%d, %v", n, err)
		}
		must(t, nc.SetWriteDeadline(time.Time{}))
		written := async(func() error { _, err := nc.Write([]byte("two")); return err })
		p.expect(reply, textFrame("two"))
		must(t, <-written)
	})
}
