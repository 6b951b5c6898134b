package conn

import (
	"bytes"
	"context"
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
)

// Every Ping gets its own Pong with the same body, in order, also in the middle of a
// message that is half there (5.5.2-02, 5.5.2-03, 5.5.3-01).
func TestPongs(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		bodies := []string{"", "\x00", "hello", "\xff\xfe not text", strings.Repeat("x", 125)}
		read := async(func() error { return c.Discard(background) })
		for _, before := range [][]wireFrame{nil, {part(frame.Text, false, "half a mess")}} {
			p.send(before...)
			for _, body := range bodies {
				p.send(pingFrame(body))
				p.expect(pongFrame(body))
			}
			// All at once.
			var pings, pongs []wireFrame
			for i := range 100 {
				pings = append(pings, pingFrame(fmt.Sprint(i)))
				pongs = append(pongs, pongFrame(fmt.Sprint(i)))
			}
			p.send(pings...)
			p.expect(pongs...)
		}
		mustWait(t, read)
	})
}

// A program that writes all the time answers every Ping all the same.
func TestPongsBetweenWrites(t *testing.T) {
	rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
		const pings = 200
		ctx, cancel := context.WithCancel(background)
		defer cancel()
		go c.Discard(background)
		for range 3 {
			go func() {
				for c.Write(ctx, Binary, make([]byte, 700)) == nil {
				}
			}()
		}
		go func() {
			for i := range pings {
				p.send(pingFrame(fmt.Sprint(i)))
			}
		}()
		var want, got []string
		for i := range pings {
			want = append(want, fmt.Sprint(i))
		}
		for len(got) < pings {
			f, err := p.next()
			must(t, err)
			if f.Op == frame.Pong {
				got = append(got, f.Body)
			}
			if len(got) > 0 && got[len(got)-1] == want[pings-1] {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Pongs (-want +got):\n%s", diff)
		}
	})
}

// While a frame is stuck, Pings do not keep the connection from reading. Once there is
// room the latest of them is answered (5.5.3-02).
func TestPongsBehindAStuckWrite(t *testing.T) {
	rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
		message := strings.Repeat("x", 2000)
		stuck := async(func() error { return c.Write(background, Text, []byte(message)) })
		mustWait(t, stuck)
		start := time.Now()
		for i := range 1000 {
			p.send(pingFrame(fmt.Sprint(i)))
			if i%100 == 0 {
				go p.send(textFrame(fmt.Sprint(i)))
				_, got, err := c.Read(background)
				must(t, err)
				if string(got) != fmt.Sprint(i) {
					t.Fatalf("Read returned %q, want %d", got, i)
				}
			}
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("reading went on for %v, longer than one reply may take", took)
		}
		go c.Discard(background)
		mustWait(t, stuck)
		p.expect(textFrame(message), pongFrame("999"))
		must(t, <-stuck)
	})
}

// A Ping that comes while a Pong is stuck is answered after it, although nothing else
// is written.
func TestPongsBehindAStuckPong(t *testing.T) {
	rawTestSize(t, nil, 150, func(t *testing.T, c *Conn, p *rawPeer) {
		go c.Discard(background)
		body := strings.Repeat("x", 124)
		for i := range 4 { // the first leaves, the second is stuck, the fourth replaces the third
			p.send(pingFrame(body + fmt.Sprint(i)))
			synctest.Wait()
			<-time.After(replyPatience)
		}
		p.expect(pongFrame(body+"0"), pongFrame(body+"1"), pongFrame(body+"3"))
		p.send(pingFrame("again"))
		p.expect(pongFrame("again"))
	})
}

// A Write has done its part when its own frame is out: a Pong that gets stuck after it
// is not its concern.
func TestWriteDoesNotWaitForThePong(t *testing.T) {
	rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
		go c.Discard(background)
		message := bytes.Repeat([]byte("x"), 1990)
		stuck := async(func() error { return c.Write(background, Text, message) })
		mustWait(t, stuck)
		p.send(pingFrame(strings.Repeat("p", 125)))
		synctest.Wait()
		// Room for the rest of the message, but not for the Pong after it.
		size := len(wire(c.role, textFrame(string(message))))
		got := make([]byte, size-990)
		_, err := io.ReadFull(p.nc, got)
		must(t, err)
		synctest.Wait()
		must(t, <-stuck)
		// A turn that the Pong holds can be waited for with a context.
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		mustBe(t, c.Write(ctx, Text, nil), context.DeadlineExceeded)
		must(t, c.terminal())
	})
}

// Both sides flood each other with Pings and messages over a stream that holds next to
// nothing. Everything arrives all the same.
func TestPingFloodOnBothSides(t *testing.T) {
	for _, size := range []int{1, 10, 300} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const messages = 100
				a, b := pipe.New(size)
				c := New(a, Start{Role: Client}, nil)
				s := New(b, Start{Role: Server}, nil)
				defer c.CloseNow()
				defer s.CloseNow()
				var got []<-chan int
				for _, side := range []*Conn{c, s} {
					for range 3 {
						go func() {
							for {
								if _, err := side.Ping(background); err != nil {
									return
								}
							}
						}()
					}
					go func() {
						for i := range messages {
							if err := side.Write(background, Binary, make([]byte, i*7)); err != nil {
								t.Error(err)
							}
						}
					}()
					got = append(got, async(func() int {
						for i := range messages {
							_, b, err := side.Read(background)
							if err != nil || len(b) != i*7 {
								t.Errorf("message %d: %d bytes, %v", i, len(b), err)
								return i
							}
						}
						return messages
					}))
				}
				for _, n := range got {
					if n := <-n; n != messages {
						t.Errorf("%d of %d messages have arrived", n, messages)
					}
				}
				go s.Discard(background)
				must(t, c.Close(background, StatusNormalClosure, ""))
			})
		})
	}
}

// A flood of Pings from a peer that takes the Pongs at leisure does not keep messages of
// ours from leaving: a message that waits is next, before what is owed by then.
func TestPingFloodLeavesRoomForMessages(t *testing.T) {
	rawTestSize(t, nil, 200, func(t *testing.T, c *Conn, p *rawPeer) {
		go c.Discard(background)
		ping := func(i int) wireFrame { return pingFrame(strings.Repeat(fmt.Sprint(i), 125)) }
		pong := func(i int) wireFrame { return pongFrame(ping(i).Body) }
		for round := range 5 {
			p.send(ping(1), ping(2)) // the second Pong does not fit any more
			<-time.After(2 * replyPatience)
			written := async(func() error { return c.Write(background, Binary, []byte("message")) })
			synctest.Wait()
			for i := 3; i < 9; i++ {
				p.send(ping(i))
				synctest.Wait()
			}
			p.expect(pong(1), pong(2), binaryFrame("message"), pong(8))
			if err := <-written; err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
	})
}

// A Pong that the stream does not take is given up after twice keepalive's time, as a write
// that takes too long, also if the peer shows life all the time.
func TestPongTakesBoundedTime(t *testing.T) {
	const every = 10 * time.Second
	rawTestSize(t, &Options{WriteTimeout: -1, KeepAlive: every}, 1, func(t *testing.T, c *Conn, p *rawPeer) {
		start := time.Now()
		go func() {
			_, _ = p.nc.Write(wire(p.role, pingFrame("x")))
			sendForever(p, textFrame("alive"))
		}()
		mustBe(t, c.Discard(background), ErrWriteTimeout, net.ErrClosed)
		if took := time.Since(start); took != 2*every {
			t.Errorf("took %v", took)
		}
		<-time.After(time.Second) // for sendForever to see it
	})
}
