package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/duplexws/duplex/frame"
)

// idle fails the test if the connection holds working state of an encoder. It returns
// the size of the window that it keeps.
func idle(t *testing.T, c *Conn, when string) (kept int) {
	t.Helper()
	for !c.messageTurn.try() { // somebody is about to give it back
		runtime.Gosched()
	}
	defer c.messageTurn.release()
	if c.deflate.enc.Add(nil) != nil {
		t.Errorf("%s: a message is unfinished", when)
	}
	return reflect.ValueOf(&c.deflate.enc).Elem().FieldByName("past").FieldByName("ring").Len()
}

// goOn shows that a connection works on as if nothing had happened: the messages that
// come are those of the texts.
func goOn(t *testing.T, c *Conn, p *flatePeer, texts ...string) (wires []string) {
	t.Helper()
	for i, text := range texts {
		m, err := Prepare(Text, []byte(text))
		must(t, err)
		switch i % 3 {
		case 0:
			must(t, c.Write(background, Text, []byte(text)))
		case 1:
			must(t, c.WritePrepared(background, m))
		case 2:
			must(t, writeInPieces(background, c, Text, text, 100))
		}
		wires = append(wires, p.expectText(Text, true, text).Wire)
	}
	idle(t, c, "after messages")
	return wires
}

// A context that ends before a message has its turn changes nothing, not even what is
// sent later: neither is anything of the message in the window, nor is the window lost.
func TestCompressedCancelledBeforeItsTurn(t *testing.T) {
	why := errors.New("why")
	ended, end := context.WithCancelCause(background)
	end(why)
	before, after := []string{jsonText(500, 1), jsonText(600, 2)}, []string{jsonText(500, 1), jsonText(600, 2), jsonText(2000, 3)}
	stuck, never := string(noise(3000)), jsonText(5000, 1)
	for name, params := range takeovers {
		t.Run(name, func(t *testing.T) {
			var want []string
			flateTest(t, 1000, params, Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
				goOn(t, c, p, before...)
				write := async(func() error { return c.Write(background, Binary, []byte(stuck)) })
				p.expectText(Binary, true, stuck)
				must(t, <-write)
				want = goOn(t, c, p, after...)
			})
			flateTest(t, 1000, params, Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
				goOn(t, c, p, before...)
				for _, way := range sendOnes[:4] {
					mustBe(t, way.send(ended, c, Text, never), why, context.Canceled)
				}
				write := async(func() error { return c.Write(background, Binary, []byte(stuck)) })
				mustWait(t, write)
				ctx, cancel := context.WithTimeoutCause(background, time.Second, why)
				defer cancel()
				for _, way := range sendOnes[:4] {
					mustBe(t, way.send(ended, c, Text, never), why, context.Canceled)
					mustBe(t, way.send(ctx, c, Text, never), why, context.DeadlineExceeded)
				}
				n := AsNetConn(c, Text)
				must(t, n.SetWriteDeadline(time.Now().Add(time.Second)))
				_, err := io.WriteString(n, never)
				mustBe(t, err, os.ErrDeadlineExceeded)
				p.expectText(Binary, true, stuck)
				must(t, <-write)
				_, err = io.WriteString(n, never)
				mustBe(t, err, os.ErrDeadlineExceeded)
				for _, way := range sendOnes[:4] {
					mustBe(t, way.send(ctx, c, Text, never), why)
				}
				must(t, c.terminal())
				for i, wire := range goOn(t, c, p, after...) {
					if wire != want[i] {
						t.Errorf("message %d has %d bytes, and %d if nothing was cancelled before", i, len(wire), len(want[i]))
					}
				}
			})
		})
	}
}

// A message that waits for a control frame to leave can be cancelled, too: it was
// compressed already, so the window may be lost, but nothing else.
func TestCompressedCancelledBehindAControlFrame(t *testing.T) {
	for name, params := range takeovers {
		for _, way := range sendOnes[:4] {
			t.Run(name+", "+way.name, func(t *testing.T) {
				flateTest(t, 100, params, Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
					texts := []string{jsonText(2000, 1), jsonText(3000, 2), jsonText(2000, 1)}
					sent := async(func() error { return c.Write(background, Text, []byte(texts[0])) })
					p.expectText(Text, true, texts[0])
					must(t, <-sent)
					go c.Discard(background)
					p.send(pingFrame(large[:125]))
					time.Sleep(2 * replyPatience) // the Pong is stuck
					ctx, cancel := context.WithTimeout(background, time.Second)
					defer cancel()
					mustBe(t, way.send(ctx, c, Text, jsonText(4000, 1)), context.DeadlineExceeded)
					must(t, c.terminal())
					idle(t, c, "after the cancelled message")
					sent = async(func() error {
						var err error
						for _, text := range texts {
							err = errors.Join(err, c.Write(background, Text, []byte(text)))
						}
						return err
					})
					p.expect(pongFrame(large[:125]))
					for _, text := range texts {
						p.expectText(Text, true, text)
					}
					must(t, <-sent)
				})
			})
		}
	}
}

// A Writer that is given up before anything of its message has left, because its context
// ends or its text is none, leaves the connection as good as it was, whatever the
// encoder holds.
func TestCompressedWriterGivenUp(t *testing.T) {
	why := errors.New("why")
	for name, params := range takeovers {
		for held, text := range map[string]string{"nothing": "", "gathered": jsonText(100, 1), "compressed": jsonText(20_000, 1)} {
			for _, end := range []string{"cancelled, Write", "cancelled, Close", "cancelled, nothing", "not text", "not text at the end"} {
				t.Run(name+", "+held+", "+end, func(t *testing.T) {
					flateTest(t, 0, params, Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
						texts := []string{jsonText(2000, 1), jsonText(3000, 2), jsonText(2000, 1)}
						goOn(t, c, p, texts...)
						ctx, cancel := context.WithCancelCause(background)
						defer cancel(nil)
						w := mustWriter(t, c, ctx, Text)
						mustWriteString(t, w, text)
						want := why
						if strings.HasPrefix(end, "cancelled") {
							cancel(why)
						} else {
							want = error(frame.TextNotUTF8)
						}
						var err error
						switch end {
						case "cancelled, Write":
							_, err = io.WriteString(w, jsonText(10_000, 4))
						case "cancelled, Close":
							err = w.Close()
						case "not text":
							_, err = io.WriteString(w, jsonText(10_000, 4)+"\xff")
						case "not text at the end":
							mustWriteString(t, w, "\xc3")
							err = w.Close()
						}
						if end != "cancelled, nothing" {
							mustBe(t, err, want)
							mustBe(t, w.Close(), want)
						}
						goOn(t, c, p, texts...)
						mustBe(t, w.Close(), want)
						goOn(t, c, p, texts...)
					})
				})
			}
		}
	}
}

// Once a part has left the connection ends, and nothing is kept.
func TestCompressedWriterCannotGoOn(t *testing.T) {
	why := errors.New("why")
	part := string(noise(100_000))
	for name, params := range takeovers {
		for _, end := range []string{"cancelled", "not text"} {
			t.Run(name+", "+end, func(t *testing.T) {
				flateTest(t, -1, params, Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
					goOn(t, c, p, jsonText(2000, 1))
					ctx, cancel := context.WithCancelCause(background)
					defer cancel(nil)
					typ, want := Binary, why
					text := part
					if end == "not text" {
						typ, want, text = Text, error(frame.TextNotUTF8), jsonText(500_000, 3)
					}
					w := mustWriter(t, c, ctx, typ)
					mustWriteString(t, w, text)
					p.closeWrite()
					if end == "cancelled" {
						cancel(why)
					}
					_, err := io.WriteString(w, "\xff")
					mustBe(t, errors.Join(err, w.Close()), want, net.ErrClosed)
					mustBe(t, w.Close(), want)
					if kept := idle(t, c, "after the end"); kept > 0 {
						t.Errorf("a window of %d bytes is kept", kept)
					}
					frames := p.rest()
					last := frames[len(frames)-1]
					if last.Op != frame.Close || frames[0].RSV != frame.RSV1 {
						t.Errorf("%d frames, the first %v with RSV %v, the last %v", len(frames), frames[0].Op, frames[0].RSV, last.Op)
					}
					for _, f := range frames[:len(frames)-1] {
						if f.Fin {
							t.Error("the message was completed")
						}
					}
				})
			})
		}
	}
}

// Our Close ends a message that a Writer has begun.
func TestCompressedWriterMeetsClose(t *testing.T) {
	for name, params := range takeovers {
		for held, text := range map[string]string{"held back": jsonText(20_000, 1), "partly sent": string(noise(100_000))} {
			t.Run(name+", "+held, func(t *testing.T) {
				flateTest(t, -1, params, Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
					goOn(t, c, p, jsonText(2000, 1))
					w := mustWriter(t, c, background, Binary)
					mustWriteString(t, w, text)
					closed := async(func() error { return c.Close(background, StatusGoingAway, "") })
					mustWait(t, closed)
					_, err := io.WriteString(w, text)
					mustBe(t, err, net.ErrClosed)
					mustBe(t, w.Close(), net.ErrClosed)
					idle(t, c, "after Close")
					p.send(closeFrame(StatusGoingAway, ""))
					p.closeWrite()
					must(t, <-closed)
					if kept := idle(t, c, "after the end"); kept > 0 {
						t.Errorf("a window of %d bytes is kept", kept)
					}
					frames := p.rest()
					for i, f := range frames {
						if f.Fin != (i == len(frames)-1) || f.Fin && f.Op != frame.Close {
							t.Errorf("frame %d of %d: %v, FIN %v", i, len(frames), f.Op, f.Fin)
						}
					}
				})
			})
		}
	}
}

// However a connection ends, it keeps neither window nor working state, and whatever is
// called after that takes none again.
func TestCompressedAfterTheEnd(t *testing.T) {
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			flateTest(t, 16, "", Compression{MinSize: -1}, func(t *testing.T, c *Conn, p *flatePeer) {
				text := jsonText(1000, 1)
				sent := async(func() error { return c.Write(background, Text, []byte(text)) })
				p.expectText(Text, true, text)
				must(t, <-sent)
				if kept := idle(t, c, "after a message"); kept < 1000 {
					t.Errorf("a window of %d bytes is kept", kept)
				}
				end(c, p.rawPeer)
				mustBe(t, c.terminal(), net.ErrClosed)
				for range 2 {
					if kept := idle(t, c, "after the end"); kept > 0 {
						t.Errorf("a window of %d bytes is kept", kept)
					}
					for _, way := range sendOnes {
						mustBe(t, way.send(background, c, Text, text), c.terminal())
					}
				}
			})
		})
	}
}

// The window is let go also if the end comes while the message turn changes hands.
func TestHandOverKeepsNoWindow(t *testing.T) {
	flateTest(t, 0, "", Compression{}, func(t *testing.T, c *Conn, p *flatePeer) {
		goOn(t, c, p, jsonText(2000, 1))
		handOver(c, &c.messageTurn, func() { must(t, c.CloseNow()) })
		if kept := idle(t, c, "after the end"); kept > 0 {
			t.Errorf("a window of %d bytes is kept", kept)
		}
	})
}
