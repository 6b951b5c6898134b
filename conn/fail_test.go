package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/wstest"
)

// After a violation: a Close frame, half a close, a look at what still comes, bounded
// in time and bytes, and the end (7.1.1-01, 7.1.7-01, 7.1.7-03).
func TestFailing(t *testing.T) {
	for _, tc := range []struct {
		name string
		peer func(p *rawPeer)
		want time.Duration // until Read returns
	}{
		{"the peer hangs up", func(p *rawPeer) { p.nc.Close() }, 0},
		{"the peer hangs up later", func(p *rawPeer) { <-time.After(failTime / 2); p.nc.Close() }, failTime / 2},
		{"the peer stays", func(*rawPeer) {}, failTime},
		{"bytes trickle in", func(p *rawPeer) {
			for range 20 {
				p.nc.Write(make([]byte, 1))
				<-time.After(failTime / 10)
			}
		}, failTime},
		{"bytes flood in", func(p *rawPeer) {
			if n, err := p.nc.Write(make([]byte, 1<<20)); err == nil || n < failBytes || n > failBytes+3*pipeSize {
				p.t.Errorf("%d bytes were taken, %v", n, err)
			}
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				read := async(readError(c, background))
				p.send(part(frame.Continuation, true, ""))
				start := time.Now()
				f, err := p.next()
				must(t, err)
				if code, _, err := frame.ParseClose([]byte(f.Body)); f.Op != frame.Close || code != StatusProtocolError || err != nil {
					t.Errorf("frame %+v, want a Close with 1002", f)
				}
				p.expectEnd()
				if took := time.Since(start); took != 0 {
					t.Errorf("the peer was told after %v", took)
				}
				done := async(func() bool { tc.peer(p); return true })
				err = <-read
				mustBe(t, err, frame.UnexpectedContinuation, net.ErrClosed)
				if _, ok := errors.AsType[*FailError](err); !ok {
					t.Errorf("error %v, want a FailError", err)
				}
				if took := time.Since(start); took != tc.want {
					t.Errorf("took %v, want %v", took, tc.want)
				}
				<-done
			})
		})
	}
}

// A Close frame that gets stuck half way is given up, and so is one behind a frame
// that does not move. The peer then finds the end of the stream.
func TestFailingBlocked(t *testing.T) {
	for size := 1; size < 8; size++ {
		rawTestSize(t, nil, size, func(t *testing.T, c *Conn, p *rawPeer) {
			go p.sendBytes([]byte{0xFF, 0xFF})
			start := time.Now()
			mustBe(t, readError(c, background)(), frame.ReservedOpcode)
			if took := time.Since(start); took != failTime {
				t.Errorf("%d bytes: took %v", size, took)
			}
			b, err := io.ReadAll(p.nc)
			if len(b) != size || err != nil {
				t.Errorf("the peer has read %d bytes, %v", len(b), err)
			}
		})
	}
}

// The end after a closing handshake is no reset either, whatever the peer still sends:
// that would take with it what the peer has not read yet (7.1.1-01).
func TestCloseWithoutReset(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		for _, who := range []string{"we begin", "the peer begins"} {
			a, b := tcpPair(t)
			c, p := New(a, Start{Role: role}, nil), newRawPeer(t, role.Peer(), b)
			var over <-chan error
			if who == "we begin" {
				over = goClose(c, background)
				p.expect(closeFrame(StatusNormalClosure, ""))
			}
			pongs := slices.Repeat([]wireFrame{pongFrame("x")}, 2*inputSize)
			p.send(append([]wireFrame{closeFrame(StatusNormalClosure, "")}, pongs...)...)
			if who == "the peer begins" {
				over = async(func() error { c.Discard(background); return c.Close(background, 1000, "") })
				p.expect(closeFrame(StatusNormalClosure, ""))
			}
			if role == Client {
				must(t, b.(*net.TCPConn).CloseWrite())
			}
			p.expectEnd()
			must(t, b.Close())
			must(t, <-over)
		}
	}
}

// A client that still has much to read answers Pings in it, after our Close too. A
// server that has ended its direction takes that, as long as a closing handshake may
// last: with a reset what the client has not received would be lost.
func TestCloseReadsOnAtTheServer(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{time.Second: time.Second, time.Hour: closeTime} {
		synctest.Test(t, func(t *testing.T) {
			c, p := newRaw(t, Server, nil)
			defer p.nc.Close()
			start := time.Now()
			p.send(closeFrame(StatusNormalClosure, ""))
			closed := goClose(c, background)
			p.expect(closeFrame(StatusNormalClosure, ""))
			p.expectEnd()
			<-time.After(min(after, closeTime) - 1)
			mustWait(t, closed)
			p.send(pongFrame("x"))
			<-time.After(1)
			if after < closeTime {
				p.closeWrite()
			}
			must(t, <-closed)
			if took := time.Since(start); took != want {
				t.Errorf("took %v, want %v", took, want)
			}
		})
	}
}

// line is a pair of connections whose wire can be cut.
type line struct {
	c, s *Conn
	ends []net.Conn
}

// newLine returns connections over a wire that holds about 3*size bytes each way.
func newLine(size int) *line {
	a, b := pipe.New(size)
	d, e := pipe.New(size)
	for _, way := range [][2]net.Conn{{b, d}, {d, b}} {
		go func() {
			io.CopyBuffer(struct{ io.Writer }{way[1]}, struct{ io.Reader }{way[0]}, make([]byte, size))
			closeWrite(way[1])
		}()
	}
	return &line{New(a, Start{Role: Client}, nil), New(e, Start{Role: Server}, nil), []net.Conn{b, d}}
}

// cut ends the wire: both sides find the end of the stream.
func (l *line) cut() {
	for _, end := range l.ends {
		end.Close()
	}
}

// Whatever the two sides are doing when the wire is cut, all their calls return soon,
// with the same error on each side.
func TestCutAtAnyTime(t *testing.T) {
	big := make([]byte, 1<<16)
	states := map[string]func(one, other *Conn) []<-chan error{
		"idle":             func(_, _ *Conn) []<-chan error { return nil },
		"reading":          func(one, _ *Conn) []<-chan error { return []<-chan error{async(readError(one, background))} },
		"writing is stuck": func(one, _ *Conn) []<-chan error { return []<-chan error{goWrite(one, big)} },
		"both are stuck":   func(one, other *Conn) []<-chan error { return []<-chan error{goWrite(one, big), goWrite(other, big)} },
		"half a message": func(one, other *Conn) []<-chan error {
			w, _ := one.Writer(background, Text)
			go io.WriteString(w, large)
			return []<-chan error{async(readError(other, background))}
		},
		"a Reader": func(one, other *Conn) []<-chan error {
			write := goWrite(one, big)
			_, r, _ := other.Reader(background)
			r.Read(make([]byte, 10))
			return []<-chan error{write, async(func() error { _, err := io.Copy(io.Discard, r); return err })}
		},
		"Ping": func(one, other *Conn) []<-chan error {
			return []<-chan error{async(func() error { _, err := one.Ping(background); return err })}
		},
		"Ping behind a message": func(one, other *Conn) []<-chan error {
			other.Write(background, Text, nil)
			return []<-chan error{async(func() error { _, err := one.Ping(background); return err })}
		},
		"Close":           func(one, _ *Conn) []<-chan error { return []<-chan error{goClose(one, background)} },
		"Close and stuck": func(one, _ *Conn) []<-chan error { return []<-chan error{goWrite(one, big), goClose(one, background)} },
		"Close and reading": func(one, _ *Conn) []<-chan error {
			return []<-chan error{async(readError(one, background)), goClose(one, background)}
		},
		"Close unanswered, the other is stuck": func(one, other *Conn) []<-chan error {
			return []<-chan error{goWrite(other, big), goClose(one, background)}
		},
		"answer is stuck": func(one, other *Conn) []<-chan error {
			return []<-chan error{goWrite(other, big), goClose(one, background), async(readError(other, background))}
		},
		"failing": func(one, other *Conn) []<-chan error {
			w, _ := one.Writer(background, Text)
			io.WriteString(w, large[:100])
			return []<-chan error{async(func() error { _, err := io.WriteString(w, large+"\xff"); return err }), async(readError(other, background))}
		},
	}
	for name, prepare := range states {
		closing := strings.HasPrefix(name, "Close") || strings.HasPrefix(name, "answer")
		for _, after := range []time.Duration{0, 100 * time.Millisecond, 3 * time.Second} {
			for _, turned := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %v, %v", name, after, turned), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						l := newLine(500)
						one, other := l.c, l.s
						if turned {
							one, other = other, one
						}
						calls := prepare(one, other)
						synctest.Wait()
						<-time.After(after)
						start := time.Now()
						l.cut()
						for _, call := range calls {
							<-call // what was done before the cut may be in order
						}
						for _, side := range []*Conn{one, other} {
							err := side.Discard(background)
							mustBe(t, err, net.ErrClosed)
							if err != side.terminal() || context.Cause(side.Context()) != err {
								t.Errorf("Read returned %v, the connection has ended with %v, its context with %v", err, side.terminal(), context.Cause(side.Context()))
							}
							if ce, ok := errors.AsType[*CloseError](err); ok && ce.Code == 1000 && closing {
								continue
							} else if !ok && !errors.Is(err, frame.TextNotUTF8) || ok && ce.Code != StatusAbnormalClosure && ce.Code != StatusInternalError {
								t.Errorf("ended with %v", err)
							}
							mustBe(t, side.Write(background, Text, nil), err)
							mustBe(t, side.Close(background, 1000, ""), err)
						}
						if took := time.Since(start); took > closeTime+time.Second {
							t.Errorf("took %v", took)
						}
					})
				})
			}
		}
	}
}

// goWrite writes from a goroutine of its own.
func goWrite(c *Conn, b []byte) <-chan error {
	return async(func() error { return c.Write(background, Binary, b) })
}

// A message that cannot be completed ends the connection in bounded time, also if the
// Close frame cannot leave, or a Read waits that nothing comes to.
func TestAbandonTakesBoundedTime(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(c *Conn, p *rawPeer) <-chan error
		closes  bool
		want    time.Duration
	}{
		"a Read waits": {func(c *Conn, _ *rawPeer) <-chan error { return async(readError(c, background)) }, true, failTime},
		"a Pong is stuck": {func(c *Conn, p *rawPeer) <-chan error {
			p.send(pingFrame(large[:125]))
			return async(readError(c, background))
		}, false, failTime},
		"nobody reads": {func(*Conn, *rawPeer) <-chan error { return nil }, true, failTime},
	} {
		t.Run(name, func(t *testing.T) {
			rawTestSize(t, nil, len(large)+100, func(t *testing.T, c *Conn, p *rawPeer) {
				w := mustWriter(t, c, background, Text)
				mustWriteString(t, w, large)
				read := tc.prepare(c, p)
				synctest.Wait()
				start := time.Now()
				_, err := io.WriteString(w, "\xff")
				mustBe(t, err, frame.TextNotUTF8, net.ErrClosed)
				if took := time.Since(start); took > tc.want {
					t.Errorf("took %v, want %v", took, tc.want)
				}
				if read != nil {
					if again := <-read; again != err {
						t.Errorf("Read returned %v, want %v", again, err)
					}
				}
				if !tc.closes {
					return
				}
				p.expect(part(frame.Text, false, large), closeFrame(StatusInternalError, ""))
				p.expectEnd()
			})
		})
	}
}

// The Close frame of a failure has as much time to leave as any, also if the turn to write
// came late.
func TestFailureAfterALateTurn(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		t.Run(role.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(0)
				nc := wstest.NewFaultConn(a, wstest.Faults{WriteDelay: failTime / 2})
				c, p := New(nc, Start{Role: role}, nil), newRawPeer(t, role.Peer(), b)
				defer b.Close()
				if !c.writeTurn.try() {
					t.Fatal("the turn is not free")
				}
				read := async(func() error { return c.Discard(background) })
				p.sendBytes([]byte{0xff, 0x80})
				<-time.After(failTime - time.Millisecond)
				c.releaseWrite()
				f, err := p.next()
				if err != nil || f.Op != frame.Close {
					t.Errorf("the peer got %+v, %v", f, err)
				}
				mustBe(t, <-read, net.ErrClosed)
			})
		})
	}
}
