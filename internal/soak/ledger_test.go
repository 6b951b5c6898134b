package soak

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/duplexws/duplex/conn"
)

// A ledger knows all sessions that are under way, and what has gone wrong.
type ledger struct {
	mu       sync.Mutex
	last     uint64 // the number of sessions so far
	sessions map[uint64]*session
	wrong    int
	first    []string // the first of what was wrong
	loud     bool     // say at once what is wrong
}

// wrongf takes down something that must not happen.
func (l *ledger) wrongf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong++
	if len(l.first) < 20 {
		l.first = append(l.first, fmt.Sprintf(format, args...))
		if l.loud {
			fmt.Fprintf(os.Stderr, "soak: wrong: "+format+"\n", args...) // while it can be looked into
		}
	}
}

// count returns how many things have gone wrong.
func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wrong
}

// open begins a session.
func (l *ledger) open(c class) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions == nil {
		l.sessions = map[uint64]*session{}
	}
	l.last++
	s := &session{l: l, id: l.last*uint64(classes) + uint64(c), hold: runtime.Gosched}
	l.sessions[s.id] = s
	return s
}

// find returns the session with an id, and nil if there is none.
func (l *ledger) find(id uint64) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions[id]
}

// A session is what a client sends, however many connections that takes. One end of it is
// used by the client, the other by servers.
type session struct {
	l    *ledger
	id   uint64
	hold func() // lets others run

	mu        sync.Mutex
	sent      uint64 // the highest number of which bytes may have left the client
	acked     uint64 // the highest number that was acknowledged
	delivered uint64 // the highest number that a server's application was given
	closing   uint64 // what has to have been delivered when the client's Close arrives
	holder    *conn.Conn
	freed     chan struct{}
	buf       []byte // for the message that is expected
}

// One in so many messages is looked at twice, and others run in between: if its memory was given
// back too soon, they may get it.
const holdEvery = 4

// check compares a message with the one that is expected, which follows *last, and
// counts it.
func (s *session) check(what string, last *uint64, t conn.MessageType, p []byte) {
	kind, want := message(s.buf[:0], s.id, *last+1)
	s.buf = want
	if t == kind && bytes.Equal(p, want) {
		if *last++; *last%holdEvery == 0 {
			s.hold()
			if !bytes.Equal(p, want) {
				s.l.wrongf("session %x: %s: message %d has changed after it had come", s.id, what, *last)
			}
		}
		return
	}
	id, number, ok := numberOf(p)
	switch {
	case !ok || id != s.id:
		s.l.wrongf("session %x: %s: after message %d comes one of somebody else, %d bytes: %.60q", s.id, what, *last, len(p), p)
		return
	case number == *last+1:
		s.l.wrongf("session %x: %s: message %d is not what was sent: %v with %d bytes, want %v with %d",
			s.id, what, number, t, len(p), kind, len(want))
	case number <= *last:
		s.l.wrongf("session %x: %s: message %d comes again, after %d", s.id, what, number, *last)
		return
	default:
		s.l.wrongf("session %x: %s: message %d comes after %d: those between are lost", s.id, what, number, *last)
	}
	*last = number
}

// sending is called by the client before it sends a message.
func (s *session) sending(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = max(s.sent, number)
}

// deliver is called by a server for each message, before it answers.
func (s *session) deliver(c *conn.Conn, t conn.MessageType, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holder != c {
		s.l.wrongf("session %x: delivered by a connection that was replaced", s.id)
		return
	}
	s.check("server", &s.delivered, t, p)
	if s.delivered > s.sent {
		s.l.wrongf("session %x: message %d was delivered, but only %d were sent", s.id, s.delivered, s.sent)
	}
}

// acknowledge is called by the client for each message that comes back.
func (s *session) acknowledge(t conn.MessageType, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.check("client", &s.acked, t, p)
	if s.acked > s.delivered {
		s.l.wrongf("session %x: message %d was acknowledged, but only %d were delivered", s.id, s.acked, s.delivered)
	}
}

// resume is called by the client with what the server says at the beginning of a
// connection: all messages up to that number are thereby acknowledged.
func (s *session) resume(delivered uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delivered < s.acked || delivered > s.sent {
		s.l.wrongf("session %x: the server has %d messages, of %d acknowledged and %d sent", s.id, delivered, s.acked, s.sent)
	}
	s.acked = delivered
}

// willClose is called by the client before it closes a connection on which every message
// up to this number was sent without an error.
func (s *session) willClose(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = number
}

// claim gives the session to a connection of a server, as soon as the one that had it
// has done with it; that one is cut. It returns how many messages have been delivered.
func (s *session) claim(c *conn.Conn) uint64 {
	for {
		s.mu.Lock()
		old, freed := s.holder, s.freed
		if old == nil {
			s.holder, s.freed = c, make(chan struct{})
			defer s.mu.Unlock()
			return s.delivered
		}
		s.mu.Unlock()
		_ = old.CloseNow()
		<-freed
	}
}

// release is called when a server has done with a connection that had claimed the session,
// with the error that has ended it, and whether the server itself has closed it: then it
// need not have seen all.
func (s *session) release(err error, ours bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.freed)
	s.holder = nil
	if ce, ok := errors.AsType[*conn.CloseError](err); !ours && ok && ce.Code == conn.StatusNormalClosure && s.delivered < s.closing {
		s.l.wrongf("session %x: the client's Close came after message %d, but it had sent %d before", s.id, s.delivered, s.closing)
	}
}

// finish ends the session, all messages of which must be acknowledged.
func (s *session) finish() {
	s.mu.Lock()
	if s.sent != s.acked || s.acked != s.delivered {
		s.l.wrongf("session %x: of %d messages %d were delivered and %d acknowledged", s.id, s.sent, s.delivered, s.acked)
	}
	s.mu.Unlock()
	s.l.mu.Lock()
	defer s.l.mu.Unlock()
	delete(s.l.sessions, s.id)
}

// TestLedger shows what a ledger finds wrong.
func TestLedger(t *testing.T) {
	c := new(conn.Conn)
	arrive := func(number uint64) func(*session) {
		return func(s *session) {
			kind, p := message(nil, s.id, number)
			s.sending(number)
			s.deliver(c, kind, p)
			s.acknowledge(kind, p)
		}
	}
	finish := (*session).finish
	for _, test := range []struct {
		name  string
		steps []func(*session)
		want  string
	}{
		{"nothing", []func(*session){arrive(1), arrive(2), arrive(3), finish}, ""},
		{"lost", []func(*session){arrive(1), arrive(3), finish}, "lost"},
		{"twice", []func(*session){arrive(1), arrive(2), arrive(2), finish}, "comes again"},
		{"out of order", []func(*session){arrive(2), arrive(1), finish}, "lost"},
		{"changed", []func(*session){func(s *session) {
			s.sending(1)
			kind, p := message(nil, s.id, 1)
			p[len(p)-1] ^= 1
			s.deliver(c, kind, p)
		}}, "not what was sent"},
		{"changed later", []func(*session){arrive(1), arrive(2), arrive(3), func(s *session) {
			s.sending(4)
			kind, p := message(nil, s.id, 4)
			s.hold = func() { p[0] ^= 1 }
			s.deliver(c, kind, p)
		}}, "has changed"},
		{"of the other type", []func(*session){func(s *session) {
			s.sending(1)
			kind, p := message(nil, s.id, 1)
			s.deliver(c, conn.Text+conn.Binary-kind, p)
		}}, "not what was sent"},
		{"of another session", []func(*session){func(s *session) {
			kind, p := message(nil, s.id+1, 1)
			s.deliver(c, kind, p)
		}}, "somebody else"},
		{"never sent", []func(*session){func(s *session) {
			kind, p := message(nil, s.id, 1)
			s.deliver(c, kind, p)
		}}, "only 0 were sent"},
		{"acknowledged but not delivered", []func(*session){func(s *session) {
			s.sending(1)
			kind, p := message(nil, s.id, 1)
			s.acknowledge(kind, p)
		}}, "only 0 were delivered"},
		{"forgotten", []func(*session){arrive(1), func(s *session) { s.resume(0) }}, "of 1 acknowledged"},
		{"not acknowledged", []func(*session){arrive(1), func(s *session) { s.sending(2) }, finish}, "of 2 messages 1 were delivered"},
		{"overtaken by Close", []func(*session){arrive(1), func(s *session) {
			s.willClose(2)
			s.release(&conn.CloseError{Code: conn.StatusNormalClosure}, false)
		}}, "Close came after message 1"},
		{"by a connection that was replaced", []func(*session){func(s *session) { s.holder = nil }, arrive(1)}, "was replaced"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var l ledger
			s := l.open(mixed)
			s.claim(c)
			for _, step := range test.steps {
				step(s)
			}
			got := strings.Join(l.first, "\n")
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
