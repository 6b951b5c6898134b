package conn

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
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
