package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/pipe"
)

// watchedContext counts the watches that context.AfterFunc puts on it.
type watchedContext struct {
	context.Context
	begun, stopped atomic.Int32
}

// Value hides the contexts of package context, for which AfterFunc has a shorter way.
func (w *watchedContext) Value(any) any { return nil }

// AfterFunc is what context.AfterFunc looks for.
func (w *watchedContext) AfterFunc(f func()) (stop func() bool) {
	w.begun.Add(1)
	inner := context.AfterFunc(w.Context, f)
	return func() bool {
		w.stopped.Add(1)
		return inner()
	}
}

// A watch is kept while the same context comes again, and ended when another comes or
// the connection ends.
func TestContextIsWatchedOnce(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		parent, cancel := context.WithCancel(t.Context())
		defer cancel()
		first := &watchedContext{Context: parent}
		second := &watchedContext{Context: parent}
		other, cancelOther := context.WithCancel(t.Context())
		defer cancelOther()
		third := &watchedContext{Context: other}
		read := func(ctx context.Context, want int, of *watchedContext, stopped int) {
			t.Helper()
			for range 5 {
				p.send(binaryFrame("abc"))
				if _, _, err := c.Read(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if got := of.begun.Load(); got != int32(want) {
				t.Errorf("%d watches, want %d", got, want)
			}
			if got := of.stopped.Load(); got != int32(stopped) {
				t.Errorf("%d watches were ended, want %d", got, stopped)
			}
		}
		read(first, 1, first, 0)
		read(second, 1, first, 0) // has the same Done channel
		read(second, 0, second, 0)
		read(third, 1, third, 0)
		read(context.Background(), 1, first, 1)
		read(third, 2, third, 1)
		if got := c.CloseNow(); got != nil {
			t.Error(got)
		}
		if _, _, err := c.Read(third); !errors.Is(err, errCloseNow) {
			t.Errorf("Read: %v", err)
		}
		if got := third.stopped.Load(); got != 2 {
			t.Errorf("after the end %d watches were ended, want 2", got)
		}
	})
}

// noDeadlines is a stream that has none.
type noDeadlines struct{ net.Conn }

var errNoDeadlines = errors.New("there are no deadlines here")

func (noDeadlines) SetDeadline(time.Time) error      { return errNoDeadlines }
func (noDeadlines) SetReadDeadline(time.Time) error  { return errNoDeadlines }
func (noDeadlines) SetWriteDeadline(time.Time) error { return errNoDeadlines }

// A stream without deadlines works; a read that is cancelled while it waits ends the
// connection, and says so with the error of the context.
func TestStreamWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(0)
		defer b.Close()
		c, p := New(noDeadlines{a}, Start{Role: Server}, nil), newRawPeer(t, Client, b)
		defer c.CloseNow()
		ctx, cancel := context.WithCancelCause(t.Context())
		p.send(textFrame("one"), pingFrame("p"))
		expectMessage(t, c, ctx, Text, "one")
		if err := c.Write(ctx, Binary, []byte("two")); err != nil {
			t.Error(err)
		}
		why := errors.New("why")
		time.AfterFunc(time.Second, func() { cancel(why) })
		_, _, err := c.Read(ctx)
		for _, want := range []error{context.Canceled, why, net.ErrClosed} {
			if !errors.Is(err, want) {
				t.Errorf("Read: %v does not match %v", err, want)
			}
		}
		if again := c.Write(t.Context(), Text, nil); again != err {
			t.Errorf("Write: %v, want %v", again, err)
		}
		p.expect(binaryFrame("two"), pongFrame("p"))
		p.expectEnd()
	})
}

// The same goes for a write.
func TestWriteWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(10)
		defer b.Close()
		c := New(noDeadlines{a}, Start{Role: Server}, nil)
		defer c.CloseNow()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Write(ctx, Binary, make([]byte, 100))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, net.ErrClosed) || !isTimeout(err) {
			t.Errorf("Write: %v", err)
		}
	})
}

// A context that has ended already costs such a stream nothing.
func TestStreamWithoutDeadlinesContextOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(0)
		defer b.Close()
		c, p := New(noDeadlines{a}, Start{Role: Server}, nil), newRawPeer(t, Client, b)
		defer c.CloseNow()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := c.Read(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) {
			t.Errorf("Read: %v", err)
		}
		p.send(textFrame("one"))
		expectMessage(t, c, t.Context(), Text, "one")
	})
}

// Deadlines that somebody has left on a stream do no harm.
func TestDeadlinesLeftOnTheStream(t *testing.T) {
	for _, o := range []*Options{nil, {KeepAlive: -1}} {
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe.New(0)
			defer b.Close()
			if err := a.SetDeadline(time.Now().Add(-time.Second)); err != nil {
				t.Fatal(err)
			}
			c, p := New(a, Start{Role: Server}, o), newRawPeer(t, Client, b)
			defer c.CloseNow()
			if err := c.Write(t.Context(), Text, []byte("out")); err != nil {
				t.Error(err)
			}
			p.expect(textFrame("out"))
			p.send(textFrame("in"))
			expectMessage(t, c, t.Context(), Text, "in")
		})
	}
}

// When the connection has ended nothing keeps it in memory, in particular not a
// context that lives on.
func TestEndedConnectionIsCollected(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	connect := func() weak.Pointer[Conn] {
		client, server := Pipe(nil, nil)
		defer client.CloseNow()
		for range 3 {
			if err := client.Write(ctx, Text, []byte("hello")); err != nil {
				t.Error(err)
			}
			expectMessage(t, server, ctx, Text, "hello")
			if err := server.Write(ctx, Text, []byte("hello")); err != nil {
				t.Error(err)
			}
		}
		_ = server.CloseNow()
		if _, _, err := server.Read(ctx); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		return weak.Make(server)
	}
	p := connect()
	for range 100 {
		runtime.GC()
		if p.Value() == nil {
			return
		}
	}
	t.Error("the connection is still in memory")
}

// deadlineLog is a stream that notes how its deadlines are set.
type deadlineLog struct {
	net.Conn
	set []time.Time
}

func (l *deadlineLog) SetReadDeadline(t time.Time) error {
	l.set = append(l.set, t)
	return nil
}
func (l *deadlineLog) SetWriteDeadline(t time.Time) error { return l.SetReadDeadline(t) }
func (l *deadlineLog) Close() error                       { return io.ErrClosedPipe }

// Deadlines are moved only when they have to be, since that costs.
func TestClockMovesDeadlinesRarely(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	type call struct {
		now   int // seconds
		limit int // seconds
	}
	for _, tc := range []struct {
		name  string
		write bool
		calls []call
		want  []time.Time
	}{
		{"no limit", false, []call{{0, 0}, {1, 0}}, []time.Time{{}}},
		{"read, the same limit", false, []call{{0, 30}, {10, 30}, {29, 30}}, []time.Time{at(30)}},
		{"read, passed", false, []call{{0, 30}, {30, 30}, {31, 30}}, []time.Time{at(30), at(60)}},
		{"read, a shorter limit", false, []call{{0, 30}, {1, 10}}, []time.Time{at(30), at(11)}},
		{"read, a limit and none", false, []call{{0, 30}, {1, 0}, {2, 30}}, []time.Time{at(30), {}, at(32)}},
		{"write, the same limit", true, []call{{0, 30}, {10, 30}}, []time.Time{at(30), at(40)}},
		{"write, no limit", true, []call{{0, 30}, {1, 0}, {2, 0}}, []time.Time{at(30), {}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := &deadlineLog{}
			k := newClock(&Conn{nc: l}, tc.write)
			for _, c := range tc.calls {
				if err := k.begin(t.Context(), at(c.now), time.Duration(c.limit)*time.Second); err != nil {
					t.Fatal(err)
				}
				k.end()
			}
			if diff := cmp.Diff(tc.want, l.set); diff != "" {
				t.Errorf("deadlines (-want +got):\n%s", diff)
			}
			k.release()
		})
	}
}

// A call is interrupted by a deadline in the past, and the next call sets its own.
func TestClockInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &deadlineLog{}
		k := newClock(&Conn{nc: l}, false)
		defer k.release()
		ctx, cancel := context.WithCancel(t.Context())
		if err := k.begin(ctx, time.Time{}, 0); err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		k.end()
		for range 2 {
			if err := k.begin(t.Context(), time.Time{}, 0); err != nil {
				t.Fatal(err)
			}
			k.end()
		}
		if diff := cmp.Diff([]time.Time{{}, past, {}}, l.set); diff != "" {
			t.Errorf("deadlines (-want +got):\n%s", diff)
		}
	})
}
