package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// pinged is what Ping returns.
type pinged struct {
	rtt time.Duration
	err error
}

// goPing calls Ping on a goroutine of its own.
func goPing(c *Conn, ctx context.Context) <-chan pinged {
	return async(func() pinged { rtt, err := c.Ping(ctx); return pinged{rtt, err} })
}

// mustPing fails the test unless Ping has taken so long, by its own measure.
func mustPing(t *testing.T, result <-chan pinged, want time.Duration) {
	t.Helper()
	if got := <-result; got.err != nil || got.rtt != want {
		t.Fatalf("Ping returned %v, %v; want %v", got.rtt, got.err, want)
	}
}

// nextPing waits for a Ping of the connection and returns its Pong.
func nextPing(t *testing.T, p *rawPeer) (pong wireFrame) {
	t.Helper()
	f, err := p.next()
	must(t, err)
	if f.Op != frame.Ping {
		t.Fatalf("frame %+v, want a Ping", f)
	}
	return pongFrame(f.Body)
}

// readers are ways for the Pong to be read while Ping waits.
var readers = map[string]func(c *Conn, ctx context.Context){
	"no reader":    func(*Conn, context.Context) {},
	"Read":         func(c *Conn, ctx context.Context) { c.Read(ctx) },
	"Discard":      func(c *Conn, ctx context.Context) { c.Discard(ctx) },
	"Reader":       func(c *Conn, ctx context.Context) { c.Reader(ctx) },
	"Messages":     func(c *Conn, ctx context.Context) { c.Messages(ctx)(func(Message, error) bool { return false }) },
	"another Ping": func(c *Conn, ctx context.Context) { c.Ping(ctx) },
}

// The Pong is seen by whatever reads, Ping itself included.
func TestPing(t *testing.T) {
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				ctx, cancel := context.WithCancel(background)
				defer cancel()
				go read(c, ctx)
				synctest.Wait()
				if name == "another Ping" {
					nextPing(t, p)
				}
				for i := range 3 {
					result := goPing(c, background)
					pong := nextPing(t, p)
					rtt := time.Duration(i) * time.Second
					<-time.After(rtt)
					mustWait(t, result)
					p.send(pong)
					mustPing(t, result, rtt)
				}
			})
		})
	}
}

// Someone who reads but one message does not keep Ping from its Pong behind it.
func TestPingAfterAReaderHasLeft(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		result := goPing(c, background)
		p.send(textFrame("x"), nextPing(t, p))
		<-time.After(time.Second)
		mustWait(t, result)
		must(t, readError(c, background)())
		got := <-result
		must(t, got.err)
		if got.rtt > time.Second+readerGrace {
			t.Errorf("Ping took %v, although the message was read after 1 s", got.rtt)
		}
	})
}

// A Pong answers its Ping and all before it, and none after it (5.5.3-02).
func TestPingConcurrent(t *testing.T) {
	const pings = 10
	for answered := range pings {
		rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			var results []<-chan pinged
			var pongs []wireFrame
			for range pings {
				results = append(results, goPing(c, ctx))
				pongs = append(pongs, nextPing(t, p))
				<-time.After(time.Second)
			}
			p.send(pongs[answered])
			for i, result := range results[:answered+1] {
				mustPing(t, result, time.Duration(pings-i)*time.Second)
			}
			mustWait(t, results[answered+1:]...)
			p.send(pongs[pings-1])
			for _, result := range results[answered+1:] {
				must(t, (<-result).err)
			}
			if c.controls.pings.waiting != nil {
				t.Errorf("%d Pings are remembered", len(c.controls.pings.waiting))
			}
		})
	}
}

// Pongs that answer no Ping of ours are ignored, and so is one that comes again
// (5.5.3-03).
func TestPingForgedPongs(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(pongFrame(""), pongFrame("unasked"), pongFrame("8 bytes!"))
		first := goPing(c, background)
		answer := nextPing(t, p)
		p.send(answer)
		must(t, (<-first).err)

		second := goPing(c, background)
		pong := nextPing(t, p)
		other := func(n int, body string) wireFrame { // the number, moved by n
			b := []byte(body)
			b[7] += byte(n)
			return pongFrame(string(b))
		}
		p.send(answer, pongFrame(""), pongFrame(pong.Body[:7]), pongFrame(pong.Body+"x"), pongFrame("\x00\x00\x00\x00\x00\x00\x00\x00"),
			other(1, pong.Body), other(-2, pong.Body), pongFrame("unasked"))
		mustWait(t, second)
		p.send(pong)
		must(t, (<-second).err)
	})
}

// The numbers of Pings do not start from where a peer can guess, and keepalive's Pings
// are among them.
func TestPingAndKeepAlive(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		result := goPing(c, background)
		nextPing(t, p) // lost
		start := time.Now()
		pong := nextPing(t, p)
		if took := time.Since(start); took != defaultKeepAlive {
			t.Errorf("keepalive's Ping came after %v", took)
		}
		p.send(pong)
		mustPing(t, result, defaultKeepAlive)
	})
}

// With a message in the way and nobody to read it, Ping says so in bounded time. The
// message is not lost.
func TestPingNoReader(t *testing.T) {
	for name, before := range map[string][]wireFrame{
		"message":             {textFrame("hello")},
		"half a message":      {part(frame.Text, false, "hel"), part(frame.Continuation, true, "lo")},
		"an empty fragment":   {part(frame.Text, false, ""), part(frame.Continuation, true, "hello")},
		"control frames, too": {pingFrame(""), pongFrame(""), textFrame("hello")},
	} {
		t.Run(name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				p.send(before...)
				timeline(p)
				for _, limit := range []time.Duration{closeTime, time.Second, 100 * time.Millisecond} {
					ctx, cancel := context.WithTimeoutCause(background, limit, errors.New("late"))
					if limit == closeTime {
						ctx = background
					}
					start := time.Now()
					_, err := c.Ping(ctx)
					mustBe(t, err, ErrNoReader)
					if limit < closeTime {
						mustBe(t, err, context.DeadlineExceeded, context.Cause(ctx))
					}
					if took := time.Since(start); took != limit {
						t.Errorf("took %v, want %v", took, limit)
					}
					cancel()
				}
				_, got, err := c.Read(background)
				must(t, err)
				if diff := cmp.Diff("hello", string(got)); diff != "" {
					t.Errorf("message (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The same with a Reader that is not read from; once it is, the Pong is seen.
func TestPingBehindAReader(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(textFrame("hello"))
		_, r, err := c.Reader(background)
		must(t, err)
		ping := goPing(c, background)
		nextPing(t, p)
		mustBe(t, (<-ping).err, ErrNoReader)
		ping = goPing(c, background)
		p.send(nextPing(t, p))
		<-time.After(time.Second)
		mustWait(t, ping)
		if _, err := io.ReadAll(r); err != nil {
			t.Error(err)
		}
		must(t, (<-ping).err)
	})
}

// A Ping that is cancelled leaves the connection as it is, wherever it waits.
func TestPingCancelled(t *testing.T) {
	late := errors.New("late")
	for name, prepare := range map[string]func(t *testing.T, c *Conn) (sent bool){
		"before":            nil,
		"for its turn":      func(_ *testing.T, c *Conn) bool { go c.Write(background, Text, []byte(large)); return false },
		"for its Pong":      func(*testing.T, *Conn) bool { return true },
		"behind a Read":     func(_ *testing.T, c *Conn) bool { go c.Read(background); return true },
		"behind a Ping":     func(_ *testing.T, c *Conn) bool { go c.Ping(background); return true },
		"behind a cut Ping": func(t *testing.T, c *Conn) bool { cutPing(t, c); return true },
	} {
		t.Run(name, func(t *testing.T) {
			rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
				ctx, cancel := context.WithCancelCause(background)
				defer cancel(nil)
				sent := false
				if prepare == nil {
					cancel(late)
				} else {
					sent = prepare(t, c)
					synctest.Wait()
					time.AfterFunc(time.Second, func() { cancel(late) })
				}
				frames := async(func() []wireFrame { <-time.After(2 * time.Second); return p.rest() })
				_, err := c.Ping(ctx)
				mustBe(t, err, context.Canceled, late)
				if errors.Is(err, net.ErrClosed) {
					t.Errorf("error %v says that the connection has ended", err)
				}
				<-time.After(2 * time.Second)
				must(t, c.terminal())
				ping := goPing(c, background)
				synctest.Wait()
				must(t, c.CloseNow())
				<-ping
				want := 1
				if sent {
					want = 2
				}
				got := 0
				for _, f := range <-frames {
					if f.Op == frame.Ping {
						got++
					}
				}
				if strings.HasPrefix(name, "behind a") && strings.HasSuffix(name, "Ping") {
					got--
				}
				if got != want {
					t.Errorf("%d Pings have left, want %d", got, want)
				}
			})
		})
	}
}

// cutPing calls Ping and cancels it.
func cutPing(t *testing.T, c *Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(background, time.Second)
	defer cancel()
	_, err := c.Ping(ctx)
	mustBe(t, err, context.DeadlineExceeded)
}

// The end of the connection is the end of Ping.
func TestPingMeetsTheEnd(t *testing.T) {
	for name, end := range map[string]func(c *Conn, p *rawPeer){
		"Close":    func(_ *Conn, p *rawPeer) { p.send(closeFrame(1000, "")); p.closeWrite() },
		"lost":     func(_ *Conn, p *rawPeer) { p.nc.Close() },
		"failed":   func(_ *Conn, p *rawPeer) { p.sendBytes([]byte{0xFF, 0xFF}); p.closeWrite() },
		"CloseNow": func(c *Conn, _ *rawPeer) { c.CloseNow() },
	} {
		for reader, read := range readers {
			t.Run(name+", "+reader, func(t *testing.T) {
				rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
					go read(c, background)
					ping := goPing(c, background)
					mustWait(t, ping)
					end(c, p)
					if got := <-ping; got.err != c.terminal() || got.err == nil {
						t.Errorf("Ping returned %v, the connection has ended with %v", got.err, c.terminal())
					}
					for range 2 {
						if _, err := c.Ping(background); err != c.terminal() {
							t.Errorf("later: %v", err)
						}
					}
				})
			})
		}
	}
}
