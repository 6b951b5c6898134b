package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/protocol"
	"github.com/duplexws/duplex/internal/wstest"
)

// rig is two connections over a wire that has faults, by role. It is used in a bubble.
type rig struct {
	t     *testing.T
	name  string // of the case, for messages
	wires [2]*wstest.FaultConn
	conns [2]*Conn
	sides [2]played
	start time.Time
}

// errWire is what a broken wire says.
var errWire = errors.New("the wire is broken")

// newRig returns connections that compress, with the given faults at each end of a pipe
// that holds size bytes each way.
func newRig(t *testing.T, name string, size int, faults [2]wstest.Faults) *rig {
	r := &rig{t: t, name: name, start: time.Now()}
	a, b := pipe.New(size)
	o := &Options{Compression: &Compression{}}
	agreed := o.Compression.choose(o.Compression.offers())
	for i, nc := range []net.Conn{a, b} {
		if faults[i].Err == nil {
			faults[i].Err = errWire
		}
		r.wires[i] = wstest.NewFaultConn(nc, faults[i])
		r.conns[i] = New(r.wires[i], Start{Role: Role(i), Extensions: agreed}, o)
	}
	wstest.Tie(r.wires[0], r.wires[1])
	return r
}

// errorf reports a failure of the case.
func (r *rig) errorf(format string, args ...any) {
	r.t.Helper()
	r.t.Errorf("%s: %s", r.name, fmt.Sprintf(format, args...))
}

// saying is something that a side of a script does.
type saying struct {
	t     MessageType // 0: a Ping
	text  string
	piece int // the size of the pieces that a Writer is given; 0: Write is called
}

// textOf is a message with its type, to compare.
func textOf(t MessageType, text string) string {
	if t == Binary {
		return "binary: " + text
	}
	return "text: " + text
}

// messagesOf returns the messages of a script.
func messagesOf(script []saying) (list []string) {
	for _, l := range script {
		if l.t != 0 {
			list = append(list, textOf(l.t&^plain, l.text))
		}
	}
	return list
}

// say does it.
func (l saying) say(c *Conn) error {
	switch {
	case l.t == 0:
		_, err := c.Ping(background)
		return err
	case l.piece == 0:
		return c.Write(background, l.t, []byte(l.text))
	}
	w, err := c.Writer(background, l.t)
	if err != nil {
		return err
	}
	for p := []byte(l.text); len(p) > 0 && err == nil; p = p[min(l.piece, len(p)):] {
		_, err = w.Write(p[:min(l.piece, len(p))])
	}
	if closed := w.Close(); err == nil {
		err = closed
	}
	return err
}

// played is what a side of a script has come to.
type played struct {
	got    []string // messages
	read   error    // what has ended the reading
	write  error    // the first error of what was said
	closed error    // of Close
}

// What the closing side of a script says.
const (
	lastCode   StatusCode = 4000
	lastReason            = "that is all"
	lastKind              = "closed 4000" // see kindOf
)

// play has both sides say what they have to say and read what there is. When the closer
// has got everything, or reading has ended, it calls Close; the other side calls it when
// its reading has ended.
func (r *rig) play(script []saying, closer Role) {
	want := len(messagesOf(script))
	var ended [2]chan struct{}
	var heard [2]chan struct{}
	for i, c := range r.conns {
		side := &r.sides[i]
		read, all, spoken := make(chan struct{}), make(chan struct{}), make(chan struct{})
		ended[i], heard[i] = make(chan struct{}), read
		go func() {
			defer close(read)
			for {
				m, p, err := c.Read(background)
				if side.read = err; err != nil {
					return
				}
				if side.got = append(side.got, textOf(m, string(p))); len(side.got) == want {
					close(all)
				}
			}
		}()
		go func() {
			defer close(spoken)
			for _, l := range script {
				if side.write = l.say(c); side.write != nil {
					return
				}
			}
		}()
		go func() {
			defer close(ended[i])
			<-spoken
			if Role(i) == closer {
				select {
				case <-all:
				case <-read:
				}
				side.closed = c.Close(background, lastCode, lastReason)
			} else {
				<-read
				side.closed = c.Close(background, StatusNormalClosure, "")
			}
		}()
	}
	for i := range ended {
		<-ended[i]
		<-heard[i]
	}
	synctest.Wait()
}

// kindOf names how a connection has ended.
func kindOf(err error) string {
	ce, ok := errors.AsType[*CloseError](err)
	switch {
	case err == nil:
		return "not at all"
	case ok && ce.Code != StatusAbnormalClosure:
		return fmt.Sprintf("closed %d", uint16(ce.Code))
	case ok && errors.Is(ce.Err, errWire):
		return "broken"
	case ok && errors.Is(ce.Err, io.ErrUnexpectedEOF):
		return "ended"
	case ok && errors.Is(ce.Err, io.ErrClosedPipe):
		return "hung up"
	case ok && errors.Is(ce.Err, io.ErrShortWrite):
		return "short write"
	case errors.Is(err, ErrKeepAlive):
		return "keepalive"
	case errors.Is(err, ErrWriteTimeout):
		return "write timeout"
	case errors.Is(err, errCloseTime):
		return "close timeout"
	case errors.Is(err, errCloseNow):
		return "CloseNow"
	}
	if fe, ok := errors.AsType[*FailError](err); ok {
		return fmt.Sprintf("failed %d", uint16(fe.Violation.Code()))
	}
	return err.Error()
}

// hasEnded checks a connection that has ended: it says the same to everybody, for ever,
// and holds nothing any more.
func (r *rig) hasEnded(c *Conn) {
	r.t.Helper()
	err := c.terminal()
	if !errors.Is(err, net.ErrClosed) {
		r.errorf("the %v has ended with %v", c.role, err)
		return
	}
	if c.state != protocol.Closed || context.Cause(c.Context()) != err {
		r.errorf("the %v is in state %d, its context has ended with %v", c.role, c.state, context.Cause(c.Context()))
	}
	var closed error
	if !c.closedCleanly() {
		closed = err
	}
	for range 2 {
		got := afterTheEnd(c)
		want := map[string]error{"Close": closed, "CloseNow": nil}
		for name := range got {
			if _, ok := want[name]; !ok {
				want[name] = err
			}
		}
		if !maps.Equal(want, got) {
			r.errorf("the %v has ended with %v, but says (-want +got):\n%s", c.role, err,
				cmp.Diff(want, got, cmp.Comparer(func(a, b error) bool { return a == b })))
		}
	}
	if left := leftBy(c); len(left) > 0 {
		r.errorf("the %v has ended with %v and holds %v", c.role, err, left)
	}
}

// afterTheEnd calls what must return the terminal error.
func afterTheEnd(c *Conn) map[string]error {
	_, _, read := c.Read(background)
	_, _, reader := c.Reader(background)
	_, writer := c.Writer(background, Text)
	_, ping := c.Ping(background)
	var messages error
	for _, err := range c.Messages(background) {
		messages = err
	}
	if closedNormally(c.terminal()) {
		messages = c.terminal() // it says nothing then
	}
	return map[string]error{
		"Read": read, "Reader": reader, "Messages": messages, "Discard": c.Discard(background),
		"Serve": c.Serve(background, ignoring),
		"Write": c.Write(background, Text, []byte("too late")), "Writer": writer,
		"Ping": ping, "Close": c.Close(background, StatusGoingAway, ""), "CloseNow": c.CloseNow(),
	}
}

// leftBy returns what a connection holds that it should have given back when it ended.
func leftBy(c *Conn) (left []string) {
	held := func(what string, is bool) {
		if is {
			left = append(left, what)
		}
	}
	held("input", c.in.pooled != nil || len(c.in.held) > 0)
	held("a message", c.message.reader != nil || c.message.kept != nil)
	held("replies", c.replies.o != nil)
	held("the rest of a frame", c.tail != nil)
	held("an inflater", c.inflate != nil && !reflect.ValueOf(&c.inflate.dec).Elem().FieldByName("f").IsNil())
	held("a compressor", c.deflate != nil && !reflect.ValueOf(&c.deflate.enc).Elem().FieldByName("c").IsNil())
	held("a timer for writing", c.stall != nil && c.stall.timer != nil)
	held("a watch for reading", c.reading.stop != nil)
	held("a watch for writing", c.writing.stop != nil)
	held("the read turn", !c.readTurn.free())
	held("the write turn", !c.writeTurn.free())
	held("the message turn", !c.messageTurn.free())
	held("posts", c.posts.size != 0 || c.posts.backlog != nil && c.posts.backlog.first != nil)
	held("Pings", c.controls != nil && len(c.controls.pings.waiting) > 0)
	return left
}
