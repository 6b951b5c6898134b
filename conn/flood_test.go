package conn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/frame"
)

// Frames that nobody sees come out of a bucket: 1,000 of them at once, and then 100 in a
// second, as the options say by default.
func TestControlFlood(t *testing.T) {
	ping, pong, empty := pingFrame(""), pongFrame("p"), part(frame.Continuation, false, "")
	for _, tc := range []struct {
		name   string
		o      *Options
		frames []wireFrame // again and again
		burst  int         // how many may come at once
		rate   int         // and then in each second
	}{
		{"pings", nil, []wireFrame{ping}, 1000, 100},
		{"pongs", nil, []wireFrame{pong}, 1000, 100},
		{"empty fragments", nil, []wireFrame{empty}, 1000, 100},
		{"all of them", nil, []wireFrame{ping, pong, empty}, 1000, 100},
		{"another rate", &Options{ControlRate: 3}, []wireFrame{ping}, 30, 3},
		{"no limit", &Options{ControlRate: -1}, []wireFrame{ping, empty}, 20_000, 20_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, tc.o, func(t *testing.T, c *Conn, p *rawPeer) {
				drop := async(func() error { return c.Discard(background) })
				next := 0
				flood := func(n int) {
					for range n {
						p.send(tc.frames[next%len(tc.frames)])
						next++
					}
					synctest.Wait()
				}
				go func() { // takes the Pongs
					peer := newRawPeer(t, p.role, p.nc)
					for {
						if f, err := peer.next(); err != nil || f.Op == frame.Close {
							return
						}
					}
				}()
				p.send(part(frame.Text, false, "a"))
				flood(tc.burst)
				mustWait(t, drop)
				time.Sleep(time.Second)
				flood(tc.rate)
				mustWait(t, drop)
				if tc.o != nil && tc.o.ControlRate < 0 {
					return
				}
				p.send(tc.frames[next%len(tc.frames)])
				if err := <-drop; !errors.Is(err, frame.ControlFlood) {
					t.Errorf("after one frame more: %v, want %v", err, frame.ControlFlood)
				}
			})
		})
	}
}

// What bounds itself is not counted: fragments with payload, the last fragment of a message,
// empty messages, and Pongs that were asked for. A Close always gets its answer.
func TestControlFloodCounts(t *testing.T) {
	const many = 5000
	rawTest(t, &Options{KeepAlive: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
		received := async(func() error {
			for range c.Messages(background) {
			}
			return c.terminal()
		})
		p.send(part(frame.Binary, false, "a"))
		for range many {
			p.send(part(frame.Continuation, false, "x"))
		}
		p.send(part(frame.Continuation, true, ""))
		for range many {
			p.send(textFrame(""))
			p.send(part(frame.Text, false, "a"), part(frame.Continuation, true, ""))
		}
		for range many {
			pinged := async(func() error { _, err := c.Ping(background); return err })
			f, err := p.next()
			must(t, err)
			p.send(wireFrame{Op: frame.Pong, Fin: true, Body: f.Body})
			must(t, <-pinged)
		}
		mustWait(t, received)
		for range 1000 {
			p.send(pongFrame("unasked"))
		}
		p.send(closeFrame(StatusNormalClosure, ""))
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.nc.Close()
		if err := <-received; !errors.As(err, new(*CloseError)) {
			t.Errorf("the connection ended with %v", err)
		}
	})
}

// A Pong that is forged, or comes again, answers nothing and is counted.
func TestControlFloodForgedPongs(t *testing.T) {
	rawTest(t, &Options{KeepAlive: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
		drop := async(func() error { return c.Discard(background) })
		pinged := async(func() error { _, err := c.Ping(background); return err })
		f, err := p.next()
		must(t, err)
		pong := wireFrame{Op: frame.Pong, Fin: true, Body: f.Body}
		p.send(pong)
		must(t, <-pinged)
		next := binary.BigEndian.Uint64([]byte(f.Body)) + 1
		for i := range 500 {
			p.send(pong)
			p.send(pongFrame(string(binary.BigEndian.AppendUint64(nil, next+uint64(i)))))
		}
		mustWait(t, drop)
		p.send(pong)
		p.expect(closeFrame(StatusPolicyViolation, frame.ControlFlood.Error()))
		p.nc.Close()
		if err := <-drop; !errors.Is(err, frame.ControlFlood) {
			t.Errorf("%v, want %v", err, frame.ControlFlood)
		}
	})
}

// The rate may be any number.
func TestControlRates(t *testing.T) {
	for _, rate := range []int{1, 1e9, 1<<31 - 1, -1 << 31} {
		c := New(newScript(wire(Client, pingFrame(fmt.Sprint(rate)), textFrame("a"))), Start{Role: Server}, &Options{ControlRate: rate})
		expectMessage(t, c, t.Context(), Text, "a")
		_ = c.CloseNow()
	}
}
