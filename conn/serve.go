package conn

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// Serve reads messages and calls f for each, one after the other, until f returns an
// error, ctx ends, or the connection ends; it returns that error. It is the fastest way to
// answer messages: nothing is allocated or copied for them. The data of a message belongs
// to the connection and is valid until f returns; until then f may change it.
//
// Replies that f makes through the [Replier] are gathered, and leave together before
// Serve would wait for more. Every other way to write works as always, and what was
// gathered before leaves before it. While f runs nothing is read from the connection:
// Pings are not answered, and f must not wait for anything that has to be read from the
// same connection, such as a message or a Pong, [Conn.Close] apart: it would wait for
// itself until its context ends. Nor may f close what [Conn.NetConn] returns; that is what
// [Conn.CloseNow] is for. Limits, contexts and errors are those of
// [Conn.Read]: if ctx ends nothing is lost, and Serve or Read go on later. After an error
// of f the connection is as it was; the caller decides.
func (c *Conn) Serve(ctx context.Context, f func(*Replier, Message) error) error {
	if f == nil {
		return errNoFunction
	}
	if err := c.acquireRead(ctx); err != nil {
		return err
	}
	return serving(ctx, c, f).run()
}

// server is one call of Serve.
type server struct {
	c       *Conn
	ctx     context.Context
	f       func(*Replier, Message) error
	replier Replier
	size    int           // of the last message that needed a buffer of its own
	reads   uint32        // counts what was read inside the loop; never 0
	took    atomic.Uint32 // reads, when the last large reply had begun to leave that the stream has taken
}

// serving returns a call of Serve.
func serving(ctx context.Context, c *Conn, f func(*Replier, Message) error) *server {
	s := &server{c: c, ctx: ctx, f: f, reads: 1}
	s.replier.s = s
	return s
}

// run deals with messages until there is an error.
func (s *server) run() error {
	defer s.stop()
	var err error
	if c := s.c; c.socket.usable() {
		if err = c.awake(s.ctx); err == nil {
			err = c.serveSocket(s)
		}
	} else {
		for err == nil {
			if err = s.step(); err == nil {
				err = s.burst()
			}
		}
	}
	if c := s.c; c.replies.due() {
		if lost := c.flushReplies(s.ctx, false); lost != nil && c.terminal() != nil {
			return lost
		}
	}
	return err
}

// step deals with the next message.
func (s *server) step() error {
	t, p, own, err := s.borrow()
	if err != nil {
		return err
	}
	s.calling()
	err = s.f(&s.replier, Message{t, p})
	if own {
		s.size = len(p)
		putMessage(p)
	}
	return err
}

// calling notes that the function is about to be called.
func (s *server) calling() {
	if s.c.handling.Load() != s.reads {
		s.c.handling.Store(s.reads)
	}
	if more := len(s.c.in.bytes()) > 0; more != s.c.replies.more.Load() {
		s.c.replies.more.Store(more)
	}
}

// stop gives back what Serve holds, also if f has panicked. What f has answered leaves all
// the same.
func (s *server) stop() {
	s.c.handling.Store(0)
	if s.c.replies.due() {
		s.c.flushSoon()
	}
	s.idle()
	s.c.releaseRead()
}

// littleKept is how much of a message is moved to a slice of its own while the rest is
// waited for, rather than hold a larger buffer.
const littleKept = 1 << minMessageBits / 4

// idle gives back what is not needed while nothing is being received.
func (s *server) idle() {
	c := s.c
	if kept := c.message.kept; cap(kept) > littleKept && len(kept) <= littleKept {
		c.message.kept = bytesClone(kept)
		putMessage(kept)
	}
	c.in.park()
}

// borrow returns the next message where it lies: in the input buffer, or, own, in a
// buffer that is to be given back.
func (s *server) borrow() (t MessageType, p []byte, own bool, err error) {
	c := s.c
	if c.rx.Between() {
		if err := c.arrive(s.ctx); err != nil {
			return 0, nil, false, err
		}
		if t, p, ok, err := c.short(nil); ok || err != nil {
			return t, p, false, err
		}
	}
	if err := c.beginMessage(s.ctx, false); err != nil {
		return 0, nil, false, err
	}
	t = MessageType(c.rx.Opcode())
	if c.rx.Whole() && !c.compressed() {
		p, ok, err := s.inPlace()
		if ok || err != nil {
			return t, p, false, err
		}
	}
	if c.message.kept == nil {
		c.message.kept = getMessage(s.size)
	}
	t, p, err = c.readMessage(s.ctx, nil)
	return t, p, true, err
}

// inPlace returns the message under way, which is one frame, in the input buffer. It
// returns false if there is no room for it, or if it is text that has not wholly arrived:
// what there is of it is judged before more is read.
//
// RFC 6455, section 8.1.
func (s *server) inPlace() (p []byte, ok bool, err error) {
	c := s.c
	n := c.rx.Left()
	for uint64(len(c.in.bytes())) < n {
		if c.rx.Opcode() == frame.Text || c.in.pooled == nil || n > uint64(len(c.in.pooled.b)) {
			return nil, false, nil
		}
		if err := c.fill(s.ctx); err != nil {
			return nil, false, err
		}
	}
	p = c.in.bytes()[:n:n]
	c.rx.Frame(p)
	if err := c.rx.Message(p); err != nil {
		return nil, false, c.fail(err)
	}
	c.in.consume(int(n))
	if kind, err := c.next(s.ctx); err != nil || kind != protocol.End {
		return nil, false, err
	}
	return p, true, c.endMessage()
}

// errNothingYet is what reading returns inside a loop when there is nothing to read, and
// errLeave when the loop has to end.
var (
	errNothingYet = errors.New("duplex: nothing to read")
	errLeave      = errors.New("duplex: leave the loop")
)
