package conn

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/internal/pipe"
)

// deaf is a TLS connection whose Read waits for something that no deadline can
// interrupt, as the lock of a write that is stuck; the first few, for which it hears, do not.
type deaf struct {
	net.Conn
	once  sync.Once
	gone  chan struct{}
	hears int
}

func (d *deaf) ConnectionState() tls.ConnectionState { return tls.ConnectionState{} }

func (d *deaf) Read(p []byte) (int, error) {
	if d.hears > 0 {
		d.hears--
		return d.Conn.Read(p)
	}
	<-d.gone
	return 0, net.ErrClosed
}

func (d *deaf) Close() error {
	d.once.Do(func() { close(d.gone) })
	return d.Conn.Close()
}

// A read that does not obey its deadline ends the connection soon after it.
func TestGuard(t *testing.T) {
	for _, tc := range []struct {
		name      string
		keepAlive time.Duration
		timeout   time.Duration // of the context
		want      time.Duration // until the end
	}{
		{"context", -1, time.Second, time.Second + overdue},
		{"context that ends first", time.Minute, time.Second, time.Second + overdue},
		{"keepalive", time.Minute, time.Hour, time.Minute + overdue},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(0)
				defer b.Close()
				c := New(&deaf{Conn: a, gone: make(chan struct{})}, Start{Role: Server}, &Options{KeepAlive: tc.keepAlive})
				ctx, cancel := context.WithTimeout(background, tc.timeout)
				defer cancel()
				start := time.Now()
				_, _, err := c.Read(ctx)
				mustBe(t, err, errStuck, net.ErrClosed)
				if took := time.Since(start); took != tc.want {
					t.Errorf("took %v, want %v", took, tc.want)
				}
			})
		})
	}
}

// So does a read that began under the deadline of the one before, at the same time.
func TestGuardOfASecondRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(0)
		defer b.Close()
		nc := &deaf{Conn: a, gone: make(chan struct{}), hears: 1}
		c := New(nc, Start{Role: Server}, &Options{KeepAlive: time.Minute})
		newRawPeer(t, Client, b).send(textFrame("x"))
		start := time.Now()
		must(t, readError(c, background)())
		<-time.After(10 * time.Second)
		mustBe(t, readError(c, background)(), errStuck)
		if took := time.Since(start); took != time.Minute+overdue {
			t.Errorf("took %v, want %v", took, time.Minute+overdue)
		}
	})
}

// A call that begins under a deadline that has passed has as much time from then on as any
// other, and is ended if it takes longer. Many short ones in its place are left alone.
func TestGuardOfALateCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(0)
		defer b.Close()
		c := New(hearing{a}, Start{Role: Server}, nil)
		k := &c.reading
		must(t, k.begin(background, time.Now(), time.Second))
		k.end()
		<-time.After(time.Hour)
		for range 10 {
			if !k.again(background) {
				t.Fatal("the call cannot begin")
			}
			<-time.After(overdue - 1)
			k.end()
		}
		must(t, c.terminal())
		if !k.again(background) {
			t.Fatal("the call cannot begin")
		}
		<-time.After(2*overdue + 1)
		mustBe(t, c.terminal(), errStuck)
	})
}

// hearing is a TLS connection in name only, which obeys.
type hearing struct{ net.Conn }

func (hearing) ConnectionState() tls.ConnectionState { return tls.ConnectionState{} }

// A read that obeys is left alone, however often it is cancelled and however long the
// connection is silent.
func TestGuardLeavesOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(0)
		c := New(hearing{a}, Start{Role: Server}, nil)
		peer := New(b, Start{Role: Client}, &Options{KeepAlive: -1})
		go peer.Discard(background)
		for range 5 {
			ctx, cancel := context.WithTimeout(background, time.Second)
			_, _, err := c.Read(ctx)
			cancel()
			mustBe(t, err, context.DeadlineExceeded)
			<-time.After(time.Hour) // nobody reads
		}
		ctx, cancel := context.WithTimeout(background, time.Hour)
		defer cancel()
		_, _, err := c.Read(ctx)
		mustBe(t, err, context.DeadlineExceeded)
		must(t, c.terminal())
		must(t, c.CloseNow())
		must(t, peer.CloseNow())
	})
}

// CloseNow does not wait for what wraps a TLS connection either.
func TestCloseNowWrappedTLS(t *testing.T) {
	for name, full := range map[string]func(c *Conn, a net.Conn){
		"a writer is stuck": func(c *Conn, _ net.Conn) { go c.Write(background, Binary, make([]byte, 1<<20)) },
		"the stream is full": func(_ *Conn, a net.Conn) {
			_ = a.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = a.Write(make([]byte, 100_000))
			_ = a.SetWriteDeadline(time.Time{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(2000)
				defer b.Close()
				own, _ := secure(t, a, b)
				c := New(struct{ *tls.Conn }{own}, Start{Role: Client}, nil)
				full(c, a)
				synctest.Wait()
				start := time.Now()
				must(t, c.CloseNow())
				if took := time.Since(start); took > 0 {
					t.Errorf("took %v", took)
				}
				synctest.Wait()
			})
		})
	}
}

// A stream that gives nothing for no reason does not keep an ending busy.
func TestDropInputIsBounded(t *testing.T) {
	a, b := pipe.New(0)
	defer b.Close()
	n := 0
	c := New(readFunc{a, func([]byte) (int, error) { n++; return 0, nil }}, Start{Role: Server}, nil)
	c.dropInput(background, failBytes)
	if n > maxEmptyReads {
		t.Errorf("%d reads", n)
	}
	must(t, c.CloseNow()) // nor need a stream be comparable
}

// readFunc is a stream with a Read of its own.
type readFunc struct {
	net.Conn
	read func([]byte) (int, error)
}

func (r readFunc) Read(p []byte) (int, error) { return r.read(p) }

// When TCP itself gives up, its error says Timeout, and is not a deadline of ours.
func TestTCPGivesUp(t *testing.T) {
	a, b := pipe.New(0)
	defer b.Close()
	gone := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	c := New(readFunc{a, func([]byte) (int, error) { return 0, gone }}, Start{Role: Server}, nil)
	_, _, err := c.Read(background)
	mustBe(t, err, syscall.ETIMEDOUT, net.ErrClosed)
}
