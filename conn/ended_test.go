package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// late is what is known of a connection that has ended.
type late struct {
	end    error // why
	clean  bool  // the closing handshake was completed
	normal bool  // the peer has closed normally
}

func lateOf(c *Conn) late {
	return late{c.terminal(), c.closedCleanly(), closedNormally(c.terminal())}
}

// What calls return after the end.
func sticky(l late) error { return l.end }
func succeeds(late) error { return nil }
func unlessClean(l late) error {
	if l.clean {
		return nil
	}
	return l.end
}

func unlessNormal(l late) error {
	if l.normal {
		return nil
	}
	return l.end
}

var errMissing = errors.New("there is none")

// lateCall is a call after the end, and what it is to return.
type lateCall struct {
	call func(c *Conn) error
	want func(l late) error
}

// lateCalls has every method of Conn.
var lateCalls = map[string]lateCall{
	"Backlog": {func(c *Conn) error {
		if n, _ := c.Backlog(); n != 0 {
			return errMissing
		}
		return nil
	}, succeeds},
	"Close":    {func(c *Conn) error { return c.Close(background, StatusNormalClosure, "again") }, unlessClean},
	"CloseNow": {(*Conn).CloseNow, succeeds},
	"Context":  {func(c *Conn) error { return context.Cause(c.Context()) }, sticky},
	"Discard":  {func(c *Conn) error { return c.Discard(background) }, sticky},
	"LocalAddr": {func(c *Conn) error {
		if c.LocalAddr() == nil {
			return errMissing
		}
		return nil
	}, succeeds},
	"Messages": {func(c *Conn) (err error) {
		for _, err = range c.Messages(background) {
		}
		return err
	}, unlessNormal},
	"NetConn": {func(c *Conn) error {
		if c.NetConn() == nil {
			return errMissing
		}
		return nil
	}, succeeds},
	"Ping": {func(c *Conn) error { _, err := c.Ping(background); return err }, sticky},
	"Post": {func(c *Conn) error { return c.Post(&Prepared{t: Text}) }, sticky},
	"Read": {func(c *Conn) error { _, _, err := c.Read(background); return err }, sticky},
	"ReadAppend": {func(c *Conn) error {
		_, b, err := c.ReadAppend(background, []byte("x"))
		if string(b) != "x" {
			return errMissing
		}
		return err
	}, sticky},
	"Reader": {func(c *Conn) error { _, _, err := c.Reader(background); return err }, sticky},
	"RemoteAddr": {func(c *Conn) error {
		if c.RemoteAddr() == nil {
			return errMissing
		}
		return nil
	}, succeeds},
	"ResponseHeader": {func(c *Conn) error { c.ResponseHeader(); return nil }, succeeds},
	"Serve": {func(c *Conn) error {
		return c.Serve(background, func(*Replier, Message) error { return errEnough })
	}, sticky},
	"SetReadLimit":  {func(c *Conn) error { c.SetReadLimit(1); return nil }, succeeds},
	"Subprotocol":   {func(c *Conn) error { c.Subprotocol(); return nil }, succeeds},
	"Write":         {func(c *Conn) error { return c.Write(background, Text, []byte("x")) }, sticky},
	"WritePrepared": {func(c *Conn) error { return c.WritePrepared(background, &Prepared{t: Text}) }, sticky},
	"Writer":        {func(c *Conn) error { _, err := c.Writer(background, Text); return err }, sticky},
}

// methodsOf returns the names of the exported methods of a type.
func methodsOf(v any) map[string]bool {
	names := map[string]bool{}
	for m := range reflect.TypeOf(v).Methods() {
		names[m.Name] = true
	}
	return names
}

// callTwice makes all calls twice, one after the other and all at once. None may wait.
func callTwice(t *testing.T, calls map[string]func() (got, want error)) {
	t.Helper()
	begun := time.Now()
	check := func(name string, call func() (got, want error)) {
		if got, want := call(); got != want {
			t.Errorf("%s returned %v, want %v", name, got, want)
		}
	}
	for range 2 {
		for name, call := range calls {
			check(name, call)
		}
	}
	var all sync.WaitGroup
	for range 2 {
		for name, call := range calls {
			all.Go(func() { check(name, call) })
		}
	}
	all.Wait()
	if took := time.Since(begun); took != 0 {
		t.Errorf("calls have waited %v", took)
	}
}

// Every method of a connection that has ended returns what its documentation says, at once,
// however the connection has ended, however often it is called, by however many. A method
// that has no row here fails the test.
func TestAfterTheEnd(t *testing.T) {
	rows := map[string]bool{}
	for name := range lateCalls {
		rows[name] = true
	}
	if diff := cmp.Diff(methodsOf((*Conn)(nil)), rows); diff != "" {
		t.Fatalf("methods (-of Conn +that are called):\n%s", diff)
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
				end(c, p)
				<-c.ended()
				l := lateOf(c)
				mustBe(t, l.end, net.ErrClosed)
				calls := map[string]func() (got, want error){}
				for name, row := range lateCalls {
					calls[name] = func() (got, want error) { return row.call(c), row.want(l) }
				}
				callTwice(t, calls)
			})
		})
	}
}

// lateEndings are ways to end a connection of which a Reader and a Writer are in use.
var lateEndings = map[string]func(c *Conn, r io.Reader, p *rawPeer){
	"Close": func(c *Conn, r io.Reader, p *rawPeer) {
		go io.Copy(io.Discard, r)
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		_ = c.Close(background, StatusNormalClosure, "")
	},
	"CloseNow": func(c *Conn, _ io.Reader, _ *rawPeer) { _ = c.CloseNow() },
	"the peer's Close": func(_ *Conn, r io.Reader, p *rawPeer) {
		p.send(closeFrame(StatusGoingAway, ""))
		p.closeWrite()
		_, _ = io.Copy(io.Discard, r)
	},
	"a violation": func(_ *Conn, r io.Reader, p *rawPeer) {
		p.sendBytes([]byte{0xFF, 0xFF})
		p.closeWrite()
		_, _ = io.Copy(io.Discard, r)
	},
	"the stream is lost": func(_ *Conn, r io.Reader, p *rawPeer) {
		_ = p.nc.Close()
		_, _ = io.Copy(io.Discard, r)
	},
}

// What a connection has given goes on to answer after its end, too: the Reader and the
// Writer of messages that were under way, the Replier of a function that has returned, and
// the net.Conn.
func TestAfterTheEndOfWhatAConnGives(t *testing.T) {
	for name, end := range lateEndings {
		t.Run(name, func(t *testing.T) {
			rawTestSize(t, nil, 1000, func(t *testing.T, c *Conn, p *rawPeer) {
				var replier *Replier
				p.send(textFrame("one"), wireFrame{Op: 1, Body: "two"})
				mustBe(t, c.Serve(background, func(r *Replier, _ Message) error { replier = r; return errEnough }), errEnough)
				_, r, err := c.Reader(background)
				must(t, err)
				w, err := c.Writer(background, Text)
				must(t, err)
				nc := AsNetConn(c, Text)
				end(c, r, p)
				<-c.ended()
				synctest.Wait()
				l := lateOf(c)
				mustBe(t, l.end, net.ErrClosed)
				calls := map[string]map[string]func() error{
					"Reader": {
						"Read":  func() error { _, err := r.Read(make([]byte, 1)); return err },
						"Close": r.Close,
					},
					"Writer": {
						"Write": func() error { _, err := w.Write([]byte("x")); return err },
						"Close": w.Close,
					},
					"Replier": {
						"Write": func() error { return replier.Write(Text, []byte("x")) },
						"Flush": replier.Flush,
					},
					"net.Conn": {
						"Read": func() error {
							_, err := nc.Read(make([]byte, 1))
							if l.normal && err == io.EOF {
								err = l.end
							}
							return cause(err)
						},
						"Write":            func() error { _, err := nc.Write([]byte("x")); return cause(err) },
						"LocalAddr":        func() error { return lateCalls["LocalAddr"].call(c) },
						"RemoteAddr":       func() error { return lateCalls["RemoteAddr"].call(c) },
						"SetDeadline":      func() error { return nc.SetDeadline(time.Time{}) },
						"SetReadDeadline":  func() error { return nc.SetReadDeadline(time.Time{}) },
						"SetWriteDeadline": func() error { return nc.SetWriteDeadline(time.Time{}) },
						"Close":            func() error { return nil }, // is the last, see below
					},
				}
				all := map[string]func() (got, want error){}
				for what, of := range map[string]any{"Reader": r, "Writer": w, "Replier": replier, "net.Conn": nc} {
					rows := map[string]bool{}
					for name, call := range calls[what] {
						rows[name] = true
						want := l.end
						if what == "net.Conn" && name != "Read" && name != "Write" || what == "Reader" && name == "Close" {
							want = nil
						}
						all[what+"."+name] = func() (got, _ error) { return call(), want }
					}
					if diff := cmp.Diff(methodsOf(of), rows); diff != "" {
						t.Errorf("methods (-of %s +that are called):\n%s", what, diff)
					}
				}
				callTwice(t, all)
				must(t, nc.Close())
				for range 2 { // it has deadlines of its own, which that has ended
					mustBe(t, nc.Close(), net.ErrClosed)
					for name, call := range calls["net.Conn"] {
						if err := call(); err == nil && name != "LocalAddr" && name != "RemoteAddr" && name != "Close" {
							t.Errorf("%s returned nil after Close", name)
						}
					}
				}
			})
		})
	}
}

// cause returns what a net.OpError wraps.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}
