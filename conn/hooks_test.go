package conn

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
)

// hookLog keeps what Hooks were told.
type hookLog struct {
	mu             sync.Mutex
	events         []string // the names of what was called, without Received and Sent
	received, sent []Traffic
	rtts           []time.Duration
	failed, closed error
}

func (l *hookLog) note(event string, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if event != "" {
		l.events = append(l.events, event)
	}
	f()
}

// hooks returns functions that keep what they are told.
func (l *hookLog) hooks() *Hooks {
	return &Hooks{
		Opened:   func(*Conn) { l.note("opened", func() {}) },
		Closed:   func(_ *Conn, err error) { l.note("closed", func() { l.closed = err }) },
		Received: func(_ *Conn, m Traffic) { l.note("", func() { l.received = append(l.received, m) }) },
		Sent:     func(_ *Conn, m Traffic) { l.note("", func() { l.sent = append(l.sent, m) }) },
		Pong:     func(_ *Conn, rtt time.Duration) { l.note("pong", func() { l.rtts = append(l.rtts, rtt) }) },
		Failed:   func(_ *Conn, err *FailError) { l.note("failed", func() { l.failed = err }) },
	}
}

// traffic returns what the log has of messages.
func (l *hookLog) traffic() (received, sent []Traffic) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.received), slices.Clone(l.sent)
}

// hookPair returns the ends of a connection over TCP or a pipe, the first in the given
// role, and what their Hooks were told.
func hookPair(t *testing.T, tcp bool, role Role, o Options) (a, b *Conn, la, lb *hookLog) {
	var start Start
	start.Extensions = o.Compression.choose(o.Compression.offers())
	nc, np := pipe.New(pipeSize)
	if tcp {
		_ = nc.Close()
		_ = np.Close()
		nc, np = tcpPair(t)
	}
	la, lb = new(hookLog), new(hookLog)
	start.Role, o.Hooks = role, la.hooks()
	a = New(nc, start, &o)
	start.Role, o.Hooks = role.Peer(), lb.hooks()
	b = New(np, start, &o)
	t.Cleanup(func() { _ = a.CloseNow(); _ = b.CloseNow() })
	return a, b, la, lb
}

// readAlls are ways to read all messages, until the connection ends.
var readAlls = []struct {
	name string
	read func(c *Conn)
}{
	{"Read", func(c *Conn) {
		for readError(c, background)() == nil {
		}
	}},
	{"ReadAppend", func(c *Conn) {
		var p []byte
		for err := error(nil); err == nil; {
			_, p, err = c.ReadAppend(background, p[:0])
		}
	}},
	{"Reader", func(c *Conn) {
		for {
			_, r, err := c.Reader(background)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r)
		}
	}},
	{"Reader, given up", func(c *Conn) {
		for {
			_, r, err := c.Reader(background)
			if err != nil {
				return
			}
			_, _ = r.Read(make([]byte, 10))
			_ = r.Close()
		}
	}},
	{"Messages", func(c *Conn) {
		for range c.Messages(background) {
		}
	}},
	{"Serve", func(c *Conn) { _ = c.Serve(background, func(*Replier, Message) error { return nil }) }},
	{"Discard", func(c *Conn) { _ = c.Discard(background) }},
	{"AsNetConn", func(c *Conn) { _, _ = io.Copy(io.Discard, AsNetConn(c, Binary)) }},
}

var post = sendOne{"Post", func(_ context.Context, c *Conn, t MessageType, text string) error {
	m, err := Prepare(t, []byte(text))
	if err != nil {
		return err
	}
	return c.Post(m)
}}

// However a message is sent and read, each side is told of it once, with its sizes, and both
// are told the same.
func TestHooksTraffic(t *testing.T) {
	cases := 0
	for _, way := range append([]sendOne{post}, sendOnes...) {
		for _, reading := range readAlls {
			for i := range 8 {
				if cases++; cases%sample != 0 {
					continue
				}
				tcp, role, z := i&1 == 0, Role(i>>1&1), i&4 == 0
				t.Run(fmt.Sprintf("%s, %s, TCP=%t, compressed=%t, %v", way.name, reading.name, tcp, z, role), func(t *testing.T) {
					var o Options
					if z {
						o.Compression = &Compression{MinSize: 1000}
					}
					from, to, sender, receiver := hookPair(t, tcp, role, o)
					read := async(func() bool { reading.read(to); return true })
					var want []Traffic
					for _, n := range []int{0, 1, 200, 5000, 33_000, 100_000} {
						typ := Binary
						if n != 200 && reading.name != "AsNetConn" {
							typ = Text
						}
						if typ == Text || n == 200 {
							must(t, way.send(background, from, typ.Plain(), strings.Repeat("x", n)))
							want = append(want, Traffic{typ, int64(n), int64(n)})
						}
						must(t, way.send(background, from, typ, strings.Repeat("x", n)))
						wire := int64(n)
						if z && n >= 1000 {
							wire = less
						}
						want = append(want, Traffic{typ, int64(n), wire})
					}
					// What was posted leaves before this one.
					must(t, from.Write(background, Binary, []byte("end")))
					want = append(want, Traffic{Binary, 3, 3})
					must(t, from.Close(background, StatusNormalClosure, ""))
					<-read
					mustEnd(t, to)
					checkTraffic(t, way.name, want, sender, receiver)
				})
			}
		}
	}
}

// less stands for the bytes on the wire of a message that has become smaller.
const less = -1

// checkTraffic compares what the two sides were told with what was sent.
func checkTraffic(t *testing.T, way string, want []Traffic, sender, receiver *hookLog) {
	t.Helper()
	_, sent := sender.traffic()
	received, _ := receiver.traffic()
	if diff := cmp.Diff(sent, received); diff != "" {
		t.Errorf("what one has sent is not what the other has received (-sent +received):\n%s", diff)
	}
	if way == "AsNetConn" { // cuts what is large, and leaves out what is empty
		total := func(list []Traffic) (n int64) {
			for _, m := range list {
				n += m.Size
			}
			return n
		}
		if got, want := total(sent), total(want); got != want {
			t.Errorf("%d bytes in all, want %d", got, want)
		}
		return
	}
	for i := range sent {
		if m := &sent[i]; 0 < m.Wire && m.Wire < m.Size {
			m.Wire = less
		}
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// Replies count once, gathered or not.
func TestHooksReplies(t *testing.T) {
	for i := range 16 {
		tcp, z, now, role := i&1 == 0, i&2 == 0, i&4 == 0, Role(i>>3&1)
		t.Run(fmt.Sprintf("TCP=%t, compressed=%t, NoGathering=%t, %v", tcp, z, now, role), func(t *testing.T) {
			o := Options{NoGathering: now}
			if z {
				o.Compression = &Compression{MinSize: 1000}
			}
			c, p, server, client := hookPair(t, tcp, role, o)
			serving := async(func() error { return c.Serve(background, echoing) })
			sizes := []int{0, 1, 200, 5000, 9000, 20_000, 33_000, 3, 3, 3, 3, 70_000}
			read := async(func() error {
				for range sizes {
					if err := readError(p, background)(); err != nil {
						return err
					}
				}
				return nil
			})
			for _, n := range sizes {
				must(t, p.Write(background, Text, []byte(strings.Repeat("y", n))))
			}
			must(t, mustReturn(t, "the client", read))
			// Not before the last Write has told of its message: see Hooks.Sent.
			must(t, p.Close(background, StatusNormalClosure, ""))
			mustReturn(t, "Serve", serving)
			received, sent := server.traffic()
			back, there := client.traffic()
			if len(received) != len(sizes) {
				t.Errorf("%d messages received, want %d", len(received), len(sizes))
			}
			for _, d := range []string{cmp.Diff(there, received), cmp.Diff(sent, back), cmp.Diff(received, sent, cmp.FilterPath(
				func(p cmp.Path) bool { return p.Last().String() == ".Wire" }, cmp.Ignore(),
			))} {
				if d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// A message that was given up or is not valid does not count.
func TestHooksUnfinished(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		synctest.Test(t, func(t *testing.T) {
			c, p, lc, lp := hookPair(t, false, role, Options{})
			read := async(readError(p, background))
			ctx, cancel := context.WithCancel(background)
			w := mustWriter(t, c, ctx, Text)
			mustWriteString(t, w, strings.Repeat("z", 10_000))
			cancel()
			if w.Close() == nil {
				t.Error("the Writer has completed its message")
			}
			<-read
			raw, r := newRaw(t, role, &Options{Hooks: lc.hooks()})
			defer r.nc.Close()
			read = async(readError(raw, background))
			r.send(part(frame.Text, true, "a\xc3"))
			<-read
			for _, l := range []*hookLog{lc, lp} {
				if in, out := l.traffic(); len(in)+len(out) > 0 {
					t.Errorf("received %v, sent %v", in, out)
				}
			}
		})
	}
}
