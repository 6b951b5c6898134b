package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/wstest"
)

// goClose closes from a goroutine of its own.
func goClose(c *Conn, ctx context.Context) <-chan error {
	return async(func() error { return c.Close(ctx, StatusNormalClosure, "") })
}

// A Close that finds a broken stream does not replace what the look at the rest of the
// input will say of it.
func TestCloseWhileAWriteBreaks(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe.New(0)
			defer b.Close()
			c := New(wstest.NewFaultConn(a, wstest.Faults{FailWrite: 1}), Start{Role: role}, nil)
			defer c.CloseNow()
			p := newRawPeer(t, role.Peer(), b)
			written := async(func() error { return c.Write(background, Text, nil) })
			mustWait(t, written)
			closed := goClose(c, background)
			mustWait(t, closed)
			p.send(closeFrame(StatusMessageTooBig, "stop"))
			p.closeWrite()
			for _, err := range []error{<-written, <-closed} {
				if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != StatusMessageTooBig {
					t.Errorf("%v: error %v", role, err)
				}
			}
		})
	}
}

// A Pong that cannot be sent after our Close does not end the connection: what is still
// to come, the peer's Close at last, is read. Nor does a message that breaks before, as
// long as the rest of the input may tell why.
func TestCloseAfterAPongBreaks(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe.New(0)
			defer b.Close()
			c := New(wstest.NewFaultConn(a, wstest.Faults{FailWrite: 2}), Start{Role: role}, nil)
			defer c.CloseNow()
			p := newRawPeer(t, role.Peer(), b)
			read := async(func() (n int) {
				for readError(c, background)() == nil {
					n++
				}
				return n
			})
			closed := goClose(c, background)
			p.expect(closeFrame(StatusNormalClosure, ""))
			p.send(pingFrame("x"))
			const messages = 30
			for range messages {
				p.send(textFrame("x"))
				<-time.After(time.Second / 10)
			}
			p.send(closeFrame(StatusNormalClosure, ""))
			p.closeWrite()
			must(t, <-closed)
			if n := <-read; n != messages {
				t.Errorf("%v: %d of %d messages were read", role, n, messages)
			}
		})
	}
}

// Once Close has dropped a message, nobody gets those that follow it: a reader that comes
// too late learns of the end, not of messages with a gap before them.
func TestCloseLeavesNoGap(t *testing.T) {
	for name, read := range map[string]func(*Conn) error{
		"Read": func(c *Conn) error {
			_, p, err := c.Read(background)
			if err == nil {
				return fmt.Errorf("%q was read", p)
			}
			return err
		},
		"Serve": func(c *Conn) error {
			return c.Serve(background, func(_ *Replier, m Message) error { return fmt.Errorf("%q was served", m.Data) })
		},
		"Discard": func(c *Conn) error { return c.Discard(background) },
	} {
		t.Run(name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				closed := goClose(c, background)
				p.expect(closeFrame(StatusNormalClosure, ""))
				p.send(textFrame("nobody reads this in time"))
				<-time.After(2 * readerGrace)
				late := async(func() error { return read(c) })
				synctest.Wait()
				begun := time.Now()
				p.send(textFrame("this is read"))
				p.send(closeFrame(StatusNormalClosure, ""))
				p.closeWrite()
				must(t, <-closed)
				if err := <-late; !closedNormally(err) {
					t.Error(err)
				}
				if took := time.Since(begun); took > 0 {
					t.Errorf("Close waited %v for a reader who gets nothing", took)
				}
			})
		})
	}
}

// Messages that have arrived are left to a reader that is between two reads.
func TestCloseLeavesMessagesToAReader(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		var got []string
		read := async(func() error {
			for {
				_, b, err := c.Read(background)
				if err != nil {
					return err
				}
				got = append(got, string(b))
				<-time.After(readerGrace - time.Millisecond)
			}
		})
		var want []string
		for i := range 20 {
			want = append(want, fmt.Sprint(i))
			p.send(textFrame(fmt.Sprint(i)))
			if i == 3 {
				synctest.Wait()
			}
		}
		closed := goClose(c, background)
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		must(t, <-closed)
		<-read
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

// The closing handshake is complete when both Close frames have passed. A Pong that is
// stuck behind ours, and fails when the peer ends the stream, takes nothing from it, nor
// does a server wait for it.
func TestCloseWithAPongInTheWay(t *testing.T) {
	for _, vanish := range []bool{true, false} {
		rawTestSize(t, nil, 100, func(t *testing.T, c *Conn, p *rawPeer) {
			closed := goClose(c, background)
			p.expect(closeFrame(StatusNormalClosure, ""))
			go p.send(pingFrame(strings.Repeat("x", 125)), closeFrame(StatusNormalClosure, ""))
			<-time.After(time.Second)
			if vanish {
				p.nc.Close()
			} else if c.role == Server {
				b, err := io.ReadAll(p.nc)
				if len(b) != 100 || err != nil {
					t.Errorf("%d bytes of the Pong have come, %v; want what was there at once", len(b), err)
				}
			}
			must(t, <-closed)
		})
	}
}

// Whatever reads when Close is called, or nothing at all, the peer's Close is found
// behind what it still sends, and nothing but our Close is sent.
func TestCloseWhileReading(t *testing.T) {
	const many = 100
	for name, tc := range map[string]struct {
		read func(c *Conn) (n int)
		want int           // messages that the application gets; -1: any
		most time.Duration // that Close may take
	}{
		"nobody":  {func(*Conn) int { return 0 }, 0, readerGrace},
		"Discard": {func(c *Conn) int { c.Discard(background); return 0 }, 0, 0},
		"Read": {func(c *Conn) (n int) {
			for readError(c, background)() == nil {
				n++
			}
			return n
		}, many, readerGrace},
		"one Read": {func(c *Conn) int { c.Read(background); return 1 }, 1, slowReader},
		"a slow loop": {func(c *Conn) (n int) {
			for readError(c, background)() == nil {
				n++
				<-time.After(time.Hour)
			}
			return n
		}, 1, slowReader},
		"Reader": {func(c *Conn) (n int) {
			for {
				_, r, err := c.Reader(background)
				if err != nil {
					return n
				}
				io.Copy(io.Discard, r)
				n++
			}
		}, many, readerGrace},
		"a Reader that waits": {func(c *Conn) int {
			_, r, _ := c.Reader(background)
			<-time.After(time.Hour)
			_, err := io.ReadAll(r)
			if !errors.Is(err, net.ErrClosed) {
				return 2
			}
			return 1
		}, 1, slowReader},
		"Ping": {func(c *Conn) int { c.Ping(background); return 0 }, 0, readerGrace},
	} {
		t.Run(name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				if name == "Ping" {
					go p.next() // our Ping
				}
				read := async(func() int { return tc.read(c) })
				synctest.Wait()
				start := time.Now()
				closed := goClose(c, background)
				p.expect(closeFrame(StatusNormalClosure, ""))
				for i := range many {
					p.send(part(frame.Text, false, fmt.Sprint(i)), part(frame.Continuation, true, large[:i]))
				}
				p.send(closeFrame(StatusGoingAway, ""))
				p.closeWrite()
				must(t, <-closed)
				if took := time.Since(start); took > tc.most {
					t.Errorf("Close took %v, at most %v were due", took, tc.most)
				}
				if got := <-read; got != tc.want {
					t.Errorf("the application has got %d messages, want %d", got, tc.want)
				}
				p.expectEnd()
				if ce, ok := errors.AsType[*CloseError](c.terminal()); !ok || ce.Code != StatusGoingAway {
					t.Errorf("ended with %v", c.terminal())
				}
			})
		})
	}
}

// A read whose context ends does not wait for the rest of a closing handshake, which goes
// on without it: the stream may be slow to take our Close, or the peer to hang up.
func TestReadCancelledWhileClosing(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		start := time.Now()
		p.send(closeFrame(4001, ""))
		err := c.Discard(ctx)
		if code := closeError(t, err).Code; code != 4001 {
			t.Errorf("code %v", code)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("the %v has waited for %v", c.role, took)
		}
		p.expect(closeFrame(4001, ""))
		must(t, c.Close(background, StatusNormalClosure, ""))
		if took := time.Since(start); took != closeTime {
			t.Errorf("the %v has ended after %v", c.role, took)
		}
	})
}

// Both sides close at once, from many goroutines, while messages are on their way in
// both directions, or stuck in both: every Close returns nil.
func TestCloseFromEverywhere(t *testing.T) {
	for _, size := range []int{64, 4096} {
		for _, reading := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, reading %v", size, reading), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a, b := pipe.New(size)
					c := New(a, Start{Role: Client}, nil)
					s := New(b, Start{Role: Server}, nil)
					var closes []<-chan error
					for _, side := range []*Conn{c, s} {
						go func() {
							for side.Write(background, Binary, make([]byte, size)) == nil {
							}
						}()
						if reading {
							go side.Discard(background)
						} else {
							synctest.Wait() // until the write is stuck
						}
						for code := range StatusCode(20) {
							closes = append(closes, async(func() error { return side.Close(background, 4000+code, "") }))
						}
					}
					for i, closed := range closes {
						if err := <-closed; err != nil {
							t.Errorf("call %d: %v", i, err)
						}
					}
				})
			})
		}
	}
}

// Close takes no longer than its context and 5 s allow, in any situation; then the
// stream is cut, and the error says which it was.
func TestCloseTakesBoundedTime(t *testing.T) {
	why := errors.New("why")
	for name, prepare := range map[string]func(c *Conn, p *rawPeer){
		"the peer is silent":   func(*Conn, *rawPeer) {},
		"a write is stuck":     func(c *Conn, _ *rawPeer) { go c.Write(background, Text, []byte(large)) },
		"a Writer is stuck":    func(c *Conn, _ *rawPeer) { w, _ := c.Writer(background, Text); go io.WriteString(w, large) },
		"a Read waits":         func(c *Conn, _ *rawPeer) { go c.Read(background) },
		"a Reader is open":     func(c *Conn, p *rawPeer) { p.send(part(frame.Text, false, "x")); c.Reader(background) },
		"half a header":        func(_ *Conn, p *rawPeer) { p.sendBytes([]byte{0x81}) },
		"half a message":       func(_ *Conn, p *rawPeer) { p.send(part(frame.Text, false, "x")) },
		"messages without end": func(_ *Conn, p *rawPeer) { go sendForever(p, binaryFrame(large[:100])) },
		"Pings without end":    func(_ *Conn, p *rawPeer) { go sendForever(p, pingFrame("x")) },
	} {
		for _, limit := range []time.Duration{0, time.Second, time.Hour} {
			t.Run(fmt.Sprintf("%s, %v", name, limit), func(t *testing.T) {
				rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
					prepare(c, p)
					synctest.Wait()
					start := time.Now()
					ctx, cancel := context.WithTimeoutCause(background, limit, why)
					defer cancel()
					err := c.Close(ctx, StatusNormalClosure, "")
					want := []error{why, context.DeadlineExceeded, net.ErrClosed}
					if limit > closeTime {
						want[0] = errCloseTime
					}
					mustBe(t, err, want...)
					if took := time.Since(start); took != min(limit, closeTime) {
						t.Errorf("took %v", took)
					}
					if again := c.Close(background, StatusNormalClosure, ""); again != err {
						t.Errorf("later: %v, want %v", again, err)
					}
					if _, err := io.Copy(io.Discard, p.nc); err != nil {
						t.Errorf("the peer has met %v, want the end of the stream", err)
					}
					<-time.After(time.Second) // for sendForever to see it
				})
			})
		}
	}
}

// sendForever sends a frame again and again, as long as the stream takes it.
func sendForever(p *rawPeer, f wireFrame) {
	b := wire(p.role, f)
	for {
		if _, err := p.nc.Write(b); err != nil {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
}

// However the connection has ended, Close tells the same each time: nil if the closing
// handshake was completed, whoever began it.
func TestCloseAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		end   func(c *Conn, p *rawPeer)
		clean bool
	}{
		"we have closed":      {func(c *Conn, p *rawPeer) { p.send(closeFrame(1000, "")); p.closeWrite(); c.Close(background, 1000, "") }, true},
		"the peer has closed": {func(c *Conn, p *rawPeer) { p.send(closeFrame(4000, "")); p.closeWrite(); c.Read(background) }, true},
		"nobody answered":     {func(c *Conn, p *rawPeer) { c.Close(background, 1000, "") }, false},
		"CloseNow":            {func(c *Conn, p *rawPeer) { c.CloseNow() }, false},
		"lost":                {func(c *Conn, p *rawPeer) { p.nc.Close(); c.Read(background) }, false},
		"failed":              {func(c *Conn, p *rawPeer) { p.sendBytes([]byte{0xFF, 0xFF}); c.Read(background) }, false},
		"failed after our Close": {func(c *Conn, p *rawPeer) {
			p.sendBytes([]byte{0xFF, 0xFF})
			c.Close(background, 1000, "")
		}, false},
		"failed by a Close": {func(c *Conn, p *rawPeer) {
			p.send(wireFrame{Op: frame.Close, Fin: true, Body: "x"}, closeFrame(1000, ""))
			c.Close(background, 1000, "")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				tc.end(c, p)
				want := c.terminal()
				mustBe(t, want, net.ErrClosed)
				if tc.clean {
					want = nil
				}
				start := time.Now()
				for range 2 {
					if err := c.Close(background, StatusGoingAway, ""); err != want {
						t.Errorf("Close returned %v, want %v", err, want)
					}
					err := c.Close(background, 1006, "")
					if want != nil && err != want || want == nil && !errors.Is(err, frame.CloseCodeInvalid) {
						t.Errorf("Close with a bad code returned %v", err)
					}
					must(t, c.CloseNow())
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// A CloseError says who has begun. Of two who begin at the same time each thinks that it was
// the one.
func TestCloseErrorAnswer(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(c *Conn, p *rawPeer) <-chan error
		want CloseError
	}{
		{"the peer", func(_ *Conn, p *rawPeer) <-chan error {
			p.send(closeFrame(4000, "mine"))
			return nil
		}, CloseError{Code: 4000, Reason: "mine"}},
		{"we", func(c *Conn, p *rawPeer) <-chan error {
			closed := goClose(c, background)
			p.expect(closeFrame(StatusNormalClosure, ""))
			p.send(closeFrame(StatusNormalClosure, ""))
			return closed
		}, CloseError{Code: StatusNormalClosure, Answer: true}},
		{"both", func(c *Conn, p *rawPeer) <-chan error {
			closed := goClose(c, background)
			synctest.Wait()
			p.send(closeFrame(4000, "mine"))
			return closed
		}, CloseError{Code: 4000, Reason: "mine", Answer: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				read := async(readError(c, background))
				closed := tc.do(c, p)
				p.closeWrite()
				got, _ := errors.AsType[*CloseError](<-read)
				if diff := cmp.Diff(&tc.want, got); diff != "" {
					t.Error(diff)
				}
				if closed != nil {
					must(t, <-closed)
				}
			})
		})
	}
}
