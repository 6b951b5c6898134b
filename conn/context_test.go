package conn

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// Reading and writing allocate nothing, whatever the context, as long as it is the
// same.
func TestRepeatedContextAllocatesNothing(t *testing.T) {
	withCancel, cancel := context.WithCancel(t.Context())
	defer cancel()
	withDeadline, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, tc := range []struct {
		name string
		ctx  context.Context
	}{
		{"Background", context.Background()},
		{"WithCancel", withCancel},
		{"WithDeadline", withDeadline},
	} {
		for _, size := range []int{0, 5, 125, 4000, 20_000} {
			t.Run(tc.name, func(t *testing.T) {
				client, server := Pipe(nil, nil)
				defer client.CloseNow()
				defer server.CloseNow()
				message, buf, echo := make([]byte, size), make([]byte, 0, size), make([]byte, 0, size)
				got := allocs(t, func() {
					if err := client.Write(tc.ctx, Text, message); err != nil {
						t.Fatal(err)
					}
					_, p, err := server.ReadAppend(tc.ctx, buf)
					if err != nil {
						t.Fatal(err)
					}
					if err := server.Write(tc.ctx, Binary, p); err != nil {
						t.Fatal(err)
					}
					if _, _, err := client.ReadAppend(tc.ctx, echo); err != nil {
						t.Fatal(err)
					}
				})
				if got != 0 {
					t.Errorf("%d bytes there and back: %v allocations", size, got)
				}
			})
		}
	}
}

// Read allocates the message that it returns and nothing else.
func TestReadAllocatesTheMessageOnly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client, server := Pipe(nil, nil)
	defer client.CloseNow()
	defer server.CloseNow()
	message := make([]byte, 100)
	got := allocs(t, func() {
		if err := client.Write(ctx, Binary, message); err != nil {
			t.Fatal(err)
		}
		if _, _, err := server.Read(ctx); err != nil {
			t.Fatal(err)
		}
	})
	if got != 1 {
		t.Errorf("%v allocations, want 1", got)
	}
}

// A context that ends between two calls is noticed by the next call that is given it,
// and by no other.
func TestContextEndsBetweenCalls(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		ctx, cancel := context.WithCancel(t.Context())
		p.send(textFrame("one"), textFrame("two"))
		expectMessage(t, c, ctx, Text, "one")
		cancel()
		synctest.Wait()
		if _, _, err := c.Read(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) {
			t.Errorf("Read: %v", err)
		}
		expectMessage(t, c, t.Context(), Text, "two")
		p.send(textFrame("three"))
		expectMessage(t, c, t.Context(), Text, "three")

		// Again, with the input empty so that the next call has to wait.
		ctx, cancel = context.WithCancel(t.Context())
		p.send(textFrame("four"))
		expectMessage(t, c, ctx, Text, "four")
		cancel()
		synctest.Wait()
		time.AfterFunc(time.Second, func() { p.send(textFrame("five")) })
		expectMessage(t, c, t.Context(), Text, "five")
	})
}

// expectMessage reads a message.
func expectMessage(t testing.TB, c *Conn, ctx context.Context, typ MessageType, data string) {
	t.Helper()
	got, p, err := c.Read(ctx)
	if err != nil {
		t.Fatalf("Read: %v, want %v message %q", err, typ, data)
	}
	if d := diff(Message{typ, []byte(data)}, Message{got, p}); d != "" {
		t.Fatalf("Read (-want +got):\n%s", d)
	}
}

// Errors of cancelled calls tell why, and are timeouts if they are.
func TestCancelledErrors(t *testing.T) {
	why := errors.New("why")
	for _, tc := range []struct {
		name    string
		ctx     func(context.Context) (context.Context, context.CancelFunc)
		match   []error
		timeout bool
		text    string
	}{
		{
			"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx, cancel
			},
			[]error{context.Canceled},
			false, "duplex: context canceled",
		},
		{
			"cause", func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Second, func() { cancel(why) })
				return ctx, func() { cancel(nil) }
			},
			[]error{context.Canceled, why},
			false, "duplex: context canceled: why",
		},
		{
			"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			},
			[]error{context.DeadlineExceeded},
			true, "duplex: context deadline exceeded",
		},
		{
			"deadline with cause", func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(ctx, time.Second, why)
			},
			[]error{context.DeadlineExceeded, why},
			true, "duplex: context deadline exceeded: why",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				ctx, cancel := tc.ctx(t.Context())
				defer cancel()
				for range 2 { // waiting, and at once
					_, _, err := c.Read(ctx)
					for _, want := range append(tc.match, context.Cause(ctx)) {
						if !errors.Is(err, want) {
							t.Errorf("%v does not match %v", err, want)
						}
					}
					if errors.Is(err, net.ErrClosed) {
						t.Errorf("%v matches net.ErrClosed", err)
					}
					ne, ok := errors.AsType[net.Error](err)
					if !ok || ne.Timeout() != tc.timeout {
						t.Errorf("%v: a net.Error: %v, a timeout: %v", err, ok, ok && ne.Timeout())
					}
					if diff := cmp.Diff(tc.text, err.Error()); diff != "" {
						t.Errorf("text (-want +got):\n%s", diff)
					}
				}
				p.send(textFrame("still there"))
				expectMessage(t, c, t.Context(), Text, "still there")
			})
		})
	}
}

// Contexts end at any moment, while messages arrive: none is lost or comes twice, and
// no call is interrupted for another's context.
func TestContextsEndAtAnyMoment(t *testing.T) {
	client, server := Pipe(nil, nil)
	defer client.CloseNow()
	defer server.CloseNow()
	const messages = 3000
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range messages {
			if err := client.Write(t.Context(), Binary, []byte{byte(i), byte(i >> 8)}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := 0; i < messages; {
		ctx, cancel := context.WithCancel(t.Context())
		if i%3 != 0 {
			go cancel()
		}
		_, p, err := server.Read(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			t.Fatalf("Read %d: %v, but its context has not ended", i, err)
		case err == nil:
			if diff := cmp.Diff([]byte{byte(i), byte(i >> 8)}, p); diff != "" {
				t.Fatalf("message %d (-want +got):\n%s", i, diff)
			}
			i++
		}
		cancel()
	}
	wg.Wait()
}

// flood is a stream that never runs dry. When its tenth piece is read it cancels.
type flood struct {
	*script
	piece  []byte
	reads  int
	cancel context.CancelFunc
}

// Read implements net.Conn.
func (f *flood) Read(p []byte) (int, error) {
	if f.reads++; f.reads == 10 {
		f.cancel()
	}
	return copy(p, f.piece), nil
}

// A peer that sends without end cannot hold a call whose context has ended.
func TestCancelledInAFlood(t *testing.T) {
	for name, piece := range map[string][]byte{
		"fragments": wire(Client, part(frame.Continuation, false, "")),
		"payload":   make([]byte, 5000),
		"pongs":     wire(Client, pongFrame("")),
	} {
		for _, read := range append(messageReaders, struct {
			name string
			read readAll
		}{"Discard", func(ctx context.Context, c *Conn) ([]Message, error) { return nil, c.Discard(ctx) }}) {
			t.Run(name+", "+read.name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				first := wire(Client, part(frame.Binary, false, ""))
				if name == "payload" {
					first = frame.Header{Opcode: frame.Binary, Masked: true, Length: 1 << 62}.Append(nil)
				}
				c := New(&flood{newScript(), piece, 0, cancel}, Start{Role: Server, Buffered: first}, &Options{ReadLimit: -1})
				defer c.CloseNow()
				_, err := read.read(ctx, c)
				if !errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) {
					t.Errorf("error %v", err)
				}
			})
		}
	}
}

// A read with the connection's own context is woken by the end of the connection, and
// costs no watch: the stream is closed before the context ends.
func TestOwnContext(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		ctx := c.Context()
		p.send(textFrame("one"))
		expectMessage(t, c, ctx, Text, "one")
		if c.reading.stop != nil {
			t.Error("the context is watched")
		}
		reading := async(readError(c, ctx))
		mustWait(t, reading)
		_ = c.CloseNow()
		mustBe(t, <-reading, errCloseNow, net.ErrClosed)
		mustBe(t, c.Write(ctx, Text, nil), errCloseNow)
	})
}
