package conn

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A stream that takes nothing ends the connection, whatever the peer sends meanwhile, and
// with nobody reading.
func TestWriteTimeout(t *testing.T) {
	for _, way := range []struct {
		name  string
		write func(c *Conn) error
	}{
		{"Write", func(c *Conn) error { return c.Write(background, Binary, make([]byte, 10_000)) }},
		{"small", func(c *Conn) error {
			for {
				if err := c.Write(background, Text, []byte("small")); err != nil {
					return err
				}
			}
		}},
		{"large", func(c *Conn) error { return c.Write(background, Binary, make([]byte, 10*maxPut)) }},
		{"Ping", func(c *Conn) error {
			for {
				if _, err := c.sendPing(background); err != nil {
					return err
				}
			}
		}},
		{"AsNetConn", func(c *Conn) error { _, err := AsNetConn(c, Binary).Write(make([]byte, 10_000)); return err }},
		{"echo", func(c *Conn) error {
			return c.Serve(background, func(r *Replier, m Message) error { return r.Write(m.Type, make([]byte, 10_000)) })
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
				lively := async(func() error { // but taking nothing
					for {
						if _, err := p.nc.Write(wire(p.role, textFrame("a"))); err != nil {
							return err
						}
						time.Sleep(time.Second)
					}
				})
				start := time.Now()
				err := way.write(c)
				took := time.Since(start)
				if !errors.Is(err, ErrWriteTimeout) || !errors.Is(err, net.ErrClosed) || !isTimeout(err) {
					t.Errorf("error %v, want %v", err, ErrWriteTimeout)
				}
				if took < 30*time.Second || took > 61*time.Second {
					t.Errorf("took %v, want 30 s to 60 s", took)
				}
				<-c.ended()
				p.nc.Close()
				<-lively
			})
		})
	}
}

// Whatever is taken in time counts, however long it takes altogether.
func TestWriteTimeoutProgress(t *testing.T) {
	rawTestSize(t, &Options{WriteTimeout: 10 * time.Second}, maxPut/5, func(t *testing.T, c *Conn, p *rawPeer) {
		const size = 20 * maxPut
		go c.Discard(background)
		p.nc = &slowConn{Conn: p.nc, most: maxPut / 5, pause: time.Second}
		start := time.Now()
		written := async(func() error { return c.Write(background, Binary, make([]byte, size)) })
		if n := len(p.nextMessage().Body); n != size {
			t.Errorf("%d bytes came, want %d", n, size)
		}
		must(t, <-written)
		if took := time.Since(start); took < time.Minute {
			t.Errorf("took %v, too little for a test", took)
		}
	})
}

// Without a limit a write may take any time; the timer is not there while nothing is
// written, and does not keep a connection that has ended.
func TestWriteTimeoutTimer(t *testing.T) {
	rawTestSize(t, &Options{WriteTimeout: -1, KeepAlive: -1}, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
		stuck := async(func() error { return c.Write(background, Binary, make([]byte, 10_000)) })
		time.Sleep(24 * time.Hour)
		mustWait(t, stuck)
		_ = c.CloseNow()
		<-stuck
	})
	rawTest(t, &Options{KeepAlive: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
		armed := func(want bool) {
			t.Helper()
			synctest.Wait()
			if got := c.stall != nil && c.stall.armed.Load(); got != want {
				t.Errorf("the timer is set: %v, want %v", got, want)
			}
		}
		armed(false)
		for range 3 {
			must(t, c.Write(background, Text, []byte("a")))
			armed(true)
			time.Sleep(20 * time.Second)
			must(t, c.Write(background, Text, []byte("b")))
			armed(true)
			time.Sleep(11 * time.Second)
			armed(false)
		}
		must(t, c.Write(background, Text, []byte("a")))
		_ = c.CloseNow()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.stall.timer != nil {
			t.Error("the timer outlives the connection")
		}
	})
}

// A peer that takes nothing and sends nothing either is found by whichever clock is first.
func TestWriteTimeoutWithoutKeepAlive(t *testing.T) {
	rawTestSize(t, &Options{KeepAlive: -1, WriteTimeout: time.Second}, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(pingFrame("a"))
		stuck := async(func() error { return c.Write(background, Binary, make([]byte, 10_000)) })
		if _, _, err := c.Read(background); !errors.Is(err, ErrWriteTimeout) {
			t.Errorf("Read: %v, want %v", err, ErrWriteTimeout)
		}
		if err := <-stuck; !errors.Is(err, ErrWriteTimeout) {
			t.Errorf("Write: %v, want %v", err, ErrWriteTimeout)
		}
	})
}
