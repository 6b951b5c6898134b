package conn

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// handOver gives a held turn to a waiter that has lost interest at the same moment: what
// acquire does then is run after f.
func handOver(c *Conn, t *turn, f func()) {
	if !t.try() {
		panic("the turn is taken")
	}
	w := t.enqueue()
	c.giveBack(t) // to w
	f()
	if t.forget(w) {
		c.giveBack(t)
	}
}

// A turn that comes too late is given back with what its holder owes.
func TestHandOverPaysWhatIsOwed(t *testing.T) {
	rawTest(t, &Options{KeepAlive: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
		go c.Read(background)
		handOver(c, &c.writeTurn, func() {
			p.send(pingFrame("x"))
			<-time.After(time.Second)
		})
		p.expect(pongFrame("x"))
	})
}

// Keepalive does not blame a peer for a Ping that was never sent.
func TestHandOverAndKeepAlive(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		read := async(readError(c, background))
		handOver(c, &c.writeTurn, func() { <-time.After(defaultKeepAlive + time.Second) })
		f, err := p.next()
		must(t, err)
		if f.Op != frame.Ping {
			t.Fatalf("frame %+v, want a Ping", f)
		}
		p.send(pongFrame(f.Body))
		<-time.After(defaultKeepAlive - time.Second)
		select {
		case err := <-read:
			t.Errorf("Read returned %v", err)
		default:
		}
	})
}

// The input buffer is given back if the end comes while the read turn changes hands.
func TestHandOverKeepsNoInput(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(textFrame("read"), textFrame("held"))
		_, _, err := c.Read(background)
		must(t, err)
		handOver(c, &c.readTurn, func() { must(t, c.CloseNow()) })
		if c.in.held != nil {
			t.Error("the buffer is still held")
		}
	})
}

// Close reads while its frame waits for a writer, who waits for the peer, who waits for
// us to read: an echo server whose client does not read.
func TestCloseFreesAnEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := Pipe(nil, nil)
		go func() {
			for m, err := range s.Messages(background) {
				if err != nil || s.Write(background, m.Type, m.Data) != nil {
					return
				}
			}
		}()
		go func() {
			for c.Write(background, Binary, make([]byte, 10_000)) == nil {
			}
		}()
		synctest.Wait()
		start := time.Now()
		must(t, c.Close(background, StatusNormalClosure, ""))
		if took := time.Since(start); took > readerGrace {
			t.Errorf("took %v", took)
		}
		must(t, s.Close(background, StatusNormalClosure, ""))
	})
}

// A reader that takes its time with each message gets all that the peer sent before its
// Close.
func TestCloseWaitsForASlowReader(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		var got []string
		read := async(func() error {
			for {
				_, b, err := c.Read(background)
				if err != nil {
					return err
				}
				got = append(got, string(b))
				<-time.After(2 * readerGrace)
			}
		})
		synctest.Wait()
		closed := goClose(c, background)
		p.expect(closeFrame(StatusNormalClosure, ""))
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprint(i))
			p.send(textFrame(fmt.Sprint(i)))
		}
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		must(t, <-closed)
		<-read
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

// A Close whose context has ended still says goodbye, as a program does that shuts down
// because its context has ended.
func TestCloseWithAnEndedContext(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		ctx, cancel := context.WithCancel(background)
		cancel()
		start := time.Now()
		mustBe(t, c.Close(ctx, StatusGoingAway, "shutdown"), context.Canceled)
		if took := time.Since(start); took > 0 {
			t.Errorf("took %v", took)
		}
		p.expect(closeFrame(StatusGoingAway, "shutdown"))
		p.expectEnd()
	})
}

// A code that may not be sent is reported, also if the handshake is not completed.
func TestCloseReportsMisuse(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		mustBe(t, c.Close(background, StatusAbnormalClosure, ""), frame.CloseCodeInvalid, errCloseTime)
		p.expect(closeFrame(StatusInternalError, ""))
	})
}

// A Writer that is given up by its context, and never closed, keeps nobody waiting.
func TestAbandonedWriter(t *testing.T) {
	rawTest(t, &Options{KeepAlive: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
		ctx, cancel := context.WithCancel(background)
		w, err := c.Writer(ctx, Text)
		must(t, err)
		mustWriteString(t, w, "x")
		cancel()
		must(t, c.Write(background, Text, []byte("y")))
		p.expect(textFrame("y"))
		mustBe(t, w.Close(), context.Canceled)
	})
}

// The time that Ping measures is that of the Pong, whoever reads in between.
func TestPingBetweenReads(t *testing.T) {
	rawTest(t, &Options{KeepAlive: -1}, func(t *testing.T, c *Conn, p *rawPeer) {
		go c.Read(background)
		go func() {
			f, err := p.next()
			if err == nil {
				<-time.After(time.Second)
				p.send(textFrame("m"), pongFrame(f.Body))
			}
		}()
		rtt, err := c.Ping(background)
		must(t, err)
		if rtt != time.Second {
			t.Errorf("got %v, want 1 s", rtt)
		}
	})
}
