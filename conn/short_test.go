package conn

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// Among messages that came together, Serve calls its function for none once the connection
// has ended or the context has; in the latter case they are left to others.
func TestServeStopsAmongMany(t *testing.T) {
	frames := []wireFrame{textFrame("one"), textFrame("two"), textFrame("three")}
	for _, tt := range []struct {
		name string
		end  func(c *Conn, cancel func())
		want error
		left string
	}{
		{"CloseNow", func(c *Conn, _ func()) { _ = c.CloseNow() }, net.ErrClosed, ""},
		{"cancel", func(_ *Conn, cancel func()) { cancel() }, context.Canceled, "three"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := tcpPair(t)
			c, p := New(a, Start{Role: Server}, nil), newRawPeer(t, Client, b)
			p.send(frames...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var got []string
			err := c.Serve(ctx, func(_ *Replier, m Message) error {
				if got = append(got, string(m.Data)); len(got) == 2 {
					tt.end(c, cancel)
				}
				return nil
			})
			mustBe(t, err, tt.want)
			if d := strings.Join(got, " "); d != "one two" {
				t.Errorf("the function was called for %q", d)
			}
			if tt.left != "" {
				expectMessage(t, c, t.Context(), Text, tt.left)
			}
			_ = c.CloseNow()
		})
	}
}

// What has arrived of a control frame is not taken for a message, whatever it looks like.
func TestBurstBehindHeader(t *testing.T) {
	c, _ := newRaw(t, Server, nil)
	defer c.CloseNow()
	// Its body is longer than what is there of it, which is a message on the wire.
	looks := wire(Client, textFrame("no message"))
	ping := frame.Header{Opcode: frame.Ping, Fin: true, Masked: true, Length: 100}.Append(nil)
	c.in.held = append(ping, looks...)
	_, n, err := c.rx.Next(c.in.bytes())
	must(t, err)
	c.in.consume(n)
	if got := len(c.in.bytes()); got != len(looks) {
		t.Fatalf("%d bytes are held, want those of the body", got)
	}
	must(t, serving(t.Context(), c, func(_ *Replier, m Message) error {
		t.Errorf("the function was called for %q", m.Data)
		return nil
	}).burst())
}

// A reply is not gathered while another message is being written: it could leave between its
// fragments. It waits until that is complete.
//
// RFC 6455, section 5.4.
func TestReplyWaitsForWriter(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		a, b := tcpPair(t)
		c, p := New(a, Start{Role: role}, nil), newRawPeer(t, role.Peer(), b)
		w, err := c.Writer(t.Context(), Text)
		must(t, err)
		_, err = w.Write(make([]byte, 40_000))
		must(t, err)
		var replied atomic.Bool
		serving := async(func() error {
			return c.Serve(t.Context(), func(r *Replier, m Message) error {
				err := r.Write(m.Type, m.Data)
				replied.Store(true)
				return err
			})
		})
		p.send(textFrame("reply"))
		for !c.messageTurn.contended() && !replied.Load() {
			runtime.Gosched()
		}
		go func() {
			_, _ = w.Write([]byte("more"))
			_ = w.Close()
		}()
		var got wireFrame
		for !got.Fin {
			if got, err = p.next(); err != nil {
				t.Fatal(err)
			} else if got.Body == "reply" {
				t.Fatalf("%v: a reply between fragments", role)
			}
		}
		p.expect(textFrame("reply"))
		must(t, c.CloseNow())
		mustBe(t, <-serving, net.ErrClosed)
	}
}
