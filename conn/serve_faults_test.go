package conn

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/frame"
)

// mustReturn waits for a call, which must not take long.
func mustReturn[T any](t *testing.T, what string, result <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-result:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s does not return", what)
	}
	return v
}

// ignoring is a function for Serve that answers nothing.
func ignoring(*Replier, Message) error { return nil }

// A stream that was reset together with its last message, or with a part of one, wakes
// nobody again: the reset must be seen with the message. TCP_INQ does not tell of it.
func TestServeSeesTheReset(t *testing.T) {
	half := textFrame("half of a message").append(nil, Client)[:10]
	small, large := textFrame("last"), binaryFrame(strings.Repeat("x", maxGathered)) // gathered, and not
	var all []<-chan error
	for _, test := range []struct {
		sent []byte
		f    func(*Replier, Message) error
	}{
		{wire(Client, small), ignoring},
		{wire(Client, small), echoing},
		{wire(Client, large), ignoring},
		{wire(Client, large), echoing},
		{wire(Client, small, large), echoing},
		{half, ignoring},
		{append(wire(Client, large), half...), echoing},
	} {
		for i := range 20 {
			a, b := tcpPair(t)
			c := New(a, Start{Role: Server}, &Options{KeepAlive: -1})
			serve := func() error { return c.Serve(t.Context(), test.f) }
			var serving <-chan error
			if i%2 == 0 {
				serving = async(serve)
			}
			must(t, b.(*net.TCPConn).SetLinger(0))
			newRawPeer(t, Client, b).sendBytes(test.sent)
			must(t, b.Close())
			if i%2 != 0 {
				serving = async(serve)
			}
			all = append(all, serving)
		}
	}
	for _, serving := range all {
		err := mustReturn(t, "Serve", serving)
		if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != StatusAbnormalClosure {
			t.Fatal(err)
		}
	}
}

// CloseNow ends Serve also while a part of a message arrives.
func TestServeEndsInsideAMessage(t *testing.T) {
	half := textFrame("half of a message").append(nil, Client)[:10]
	for range 100 {
		a, b := tcpPair(t)
		c := New(a, Start{Role: Server}, &Options{KeepAlive: -1})
		serving := async(func() error { return c.Serve(t.Context(), ignoring) })
		sent := async(func() error { _, err := b.Write(half); return err })
		must(t, c.CloseNow())
		mustBe(t, mustReturn(t, "Serve", serving), errCloseNow)
		<-sent
		a.Close()
		b.Close()
	}
}

// A peer that has said all it has to say still gets its replies.
func TestServeAnswersAfterTheEnd(t *testing.T) {
	serveTest(t, nil, func(*Conn) func(*Replier, Message) error { return echoing }, func(t *testing.T, _ *Conn, p *rawPeer, serving <-chan error) {
		p.send(textFrame("1"), textFrame("2"), textFrame("3"))
		p.closeWrite()
		p.expect(textFrame("1"), textFrame("2"), textFrame("3"))
		if ce, ok := errors.AsType[*CloseError](<-serving); !ok || ce.Code != StatusAbnormalClosure {
			t.Error(ce)
		}
	})
}

// What was answered before the context ended leaves, although nothing follows.
func TestServeAnswersBeforeItIsCancelled(t *testing.T) {
	run := func(t *testing.T, c *Conn, p *rawPeer) {
		ctx, cancel := context.WithCancel(t.Context())
		serving := async(func() error {
			return c.Serve(ctx, func(r *Replier, m Message) error {
				defer cancel()
				return echoing(r, m)
			})
		})
		p.send(textFrame("one"))
		mustBe(t, <-serving, context.Canceled)
		p.expect(textFrame("one"))
		p.send(textFrame("two"))
		expectMessage(t, c, t.Context(), Text, "two")
		_ = c.CloseNow()
	}
	t.Run("TCP", func(t *testing.T) {
		a, b := tcpPair(t)
		must(t, b.SetReadDeadline(time.Now().Add(10*time.Second)))
		run(t, New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b))
	})
	t.Run("pipe", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p := newRaw(t, Server, nil)
			defer p.nc.Close()
			run(t, c, p)
		})
	})
}

// Keepalive finds a silent peer.
func TestServeKeepsAlive(t *testing.T) {
	for _, answers := range []bool{true, false} {
		a, b := tcpPair(t)
		c, p := New(a, Start{Role: Server}, &Options{KeepAlive: 50 * time.Millisecond}), newRawPeer(t, Client, b)
		serving := async(func() error { return c.Serve(t.Context(), ignoring) })
		must(t, b.SetReadDeadline(time.Now().Add(10*time.Second)))
		for range 3 {
			f, err := p.next()
			if err != nil || f.Op != frame.Ping {
				t.Fatalf("%+v, %v", f, err)
			}
			if answers {
				p.send(pongFrame(f.Body))
				continue
			}
			mustBe(t, mustReturn(t, "Serve", serving), ErrKeepAlive)
			break
		}
		_ = c.CloseNow()
	}
}

// What closes a connection from inside the function and then leaves Serve is closed in
// the same way.
func TestServeIsClosedAndLeft(t *testing.T) {
	stop := errors.New("stop")
	serveTest(t, nil, func(c *Conn) func(*Replier, Message) error {
		return func(r *Replier, m Message) error {
			err := errors.Join(r.Write(Text, []byte("reply")), c.Post(prepared(t, "post")), c.Close(t.Context(), StatusGoingAway, ""))
			if err != nil {
				t.Error(err)
			}
			return stop
		}
	}, func(t *testing.T, c *Conn, p *rawPeer, serving <-chan error) {
		begun := time.Now()
		p.send(textFrame("close"))
		p.expect(textFrame("reply"), textFrame("post"), closeFrame(StatusGoingAway, ""))
		mustBe(t, <-serving, stop)
		p.send(closeFrame(StatusGoingAway, ""))
		p.expectEnd()
		p.closeWrite()
		mustEnd(t, c)
		if took := time.Since(begun); !c.closedCleanly() || took > 3*time.Second {
			t.Errorf("closed cleanly: %v, after %v", c.closedCleanly(), took)
		}
	})
}

// Close after the end says why it has ended, from inside the function too.
func TestServeClosesAfterTheEnd(t *testing.T) {
	serveTest(t, nil, func(c *Conn) func(*Replier, Message) error {
		return func(*Replier, Message) error {
			_ = c.CloseNow()
			if err := c.Close(t.Context(), StatusNormalClosure, ""); !errors.Is(err, errCloseNow) {
				t.Errorf("Close: %v", err)
			}
			return nil
		}
	}, func(t *testing.T, _ *Conn, p *rawPeer, serving <-chan error) {
		p.send(textFrame("close"))
		mustBe(t, <-serving, errCloseNow)
	})
}

// A Replier that is used too late, or by another goroutine, leaves nothing behind.
func TestReplierLate(t *testing.T) {
	for _, size := range []int{4, maxGathered} {
		late := strings.Repeat("late", size/4)
		serveTest(t, nil, func(c *Conn) func(*Replier, Message) error {
			return func(r *Replier, _ Message) error {
				go func() {
					for range 100 {
						must(t, r.Write(Text, []byte(late)))
					}
				}()
				return nil
			}
		}, func(t *testing.T, _ *Conn, p *rawPeer, _ <-chan error) {
			for range 20 {
				_ = p.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
				// The second one is read while the first is answered.
				p.send(textFrame("reply later"))
				p.send(textFrame("reply later, too"))
				for range 200 {
					p.expect(textFrame(late))
				}
			}
		})
	}
}

// What the peer said before it hung up is heard, also if a reply cannot leave any more.
func TestServeReadsOnWhenRepliesFail(t *testing.T) {
	for range 10 {
		a, b := tcpPair(t)
		c, p := New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b)
		serving := async(func() error {
			return c.Serve(t.Context(), func(r *Replier, m Message) error {
				p.send(closeFrame(StatusGoingAway, "enough"))
				p.nc.Close()
				if err := c.NetConn().(*net.TCPConn).CloseWrite(); err != nil {
					return err
				}
				return echoing(r, m)
			})
		})
		p.send(textFrame("one"))
		begun := time.Now()
		err := mustReturn(t, "Serve", serving)
		if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != StatusGoingAway {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("after %v", took)
		}
	}
}

// Text is judged as far as it has come also if the stream ends with it.
func TestServeJudgesBeforeTheEnd(t *testing.T) {
	serveTest(t, nil, func(*Conn) func(*Replier, Message) error { return echoing }, func(t *testing.T, c *Conn, p *rawPeer, serving <-chan error) {
		p.sendBytes(textFrame("\xff and more that does not come").append(nil, Client)[:10])
		p.closeWrite()
		p.rest()
		mustBe(t, <-serving, frame.TextNotUTF8)
	})
}

// While a closing handshake is completed nobody else may read.
func TestServeLeavesTheEndAlone(t *testing.T) {
	a, b := tcpPair(t)
	c, p := New(a, Start{Role: Client}, nil), newRawPeer(t, Server, b)
	ctx, cancel := context.WithCancel(t.Context())
	serving := async(func() error {
		return c.Serve(ctx, func(*Replier, Message) error { return errors.New("no message is sent") })
	})
	p.send(closeFrame(StatusGoingAway, ""))
	p.expect(closeFrame(StatusGoingAway, ""))
	cancel() // the client waits for the server to close TCP, without Serve
	err := mustReturn(t, "Serve", serving)
	begun := time.Now()
	if again := c.Serve(t.Context(), ignoring); again != err || time.Since(begun) > 3*time.Second {
		t.Errorf("%v, after %v; want %v", again, time.Since(begun), err)
	}
	must(t, b.Close())
	mustEnd(t, c)
}
