package soak

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/conn/redial"
)

// patience bounds the wait for an answer: whoever waits as long has found a lost message, or
// a lost wake-up.
const patience = 30 * time.Second

// A kind is a sort of client that takes part in sessions.
type kind struct {
	name     string
	class    class
	depth    int // messages that may be unanswered
	pause    time.Duration
	slow     time.Duration // from one answer to the next
	cancels  bool
	posts    bool
	compress func() *conn.Compression
	write    writeFunc
	each     eachFunc
}

func noCompression() *conn.Compression { return nil }
func takeover() *conn.Compression      { return &conn.Compression{MinSize: -1} }
func noTakeover() *conn.Compression {
	return &conn.Compression{ServerNoContextTakeover: true, ClientNoContextTakeover: true}
}

// kinds are those of the clients, one after the other.
var kinds = []kind{
	{name: "plain", class: small, depth: 1, pause: 10, compress: noCompression, write: write, each: eachRead},
	{name: "compressed", class: medium, depth: 4, pause: 10, compress: takeover, write: write, each: eachAppend},
	{name: "fragmented", class: mixed, depth: 4, pause: 20, compress: noCompression, write: writePieces, each: eachReader},
	{name: "pipelining", class: small, depth: 200, compress: noCompression, write: write, each: eachServe, pause: 2},
	{name: "cancelling", class: mixed, depth: 8, pause: 10, compress: noCompression, write: write, cancels: true},
	{name: "large", class: large, depth: 2, pause: 50, compress: noCompression, write: write, each: eachAppend},
	{name: "compressed without takeover", class: mixed, depth: 4, pause: 20, compress: noTakeover, write: writePrepared, each: eachMessage},
	{name: "slow reader", class: mixed, depth: 32, pause: 1, slow: 20, compress: noCompression, write: write, each: eachRead},
	{name: "posting", class: medium, depth: 32, pause: 10, compress: takeover, write: post, posts: true, each: eachServe},
	{name: "compressed in fragments", class: mixed, depth: 4, pause: 20, compress: takeover, write: writePieces, each: eachReader},
	{name: "cancelling, compressed", class: mixed, depth: 8, pause: 10, compress: takeover, write: writePieces, cancels: true},
}

// A client has one session after the other.
type client struct {
	kind
	w      *world
	random *rand.Rand
	buf    []byte // for the message that is sent
}

// run has sessions until stop ends.
func (k *client) run(stop context.Context) {
	for stop.Err() == nil {
		s := k.w.ledger.open(k.class)
		messages := uint64(1 + k.random.IntN(2000))
		over := false
		dial := func(ctx context.Context) (*conn.Conn, error) {
			server := k.w.servers[k.random.IntN(len(k.w.servers))]
			path := k.w.paths[k.random.IntN(len(k.w.paths))]
			return k.w.dial(ctx, k.random, server, path, conn.Options{Compression: k.compress()})
		}
		pauses := &redial.Options{First: 20 * time.Millisecond, Max: 300 * time.Millisecond, Stable: -1}
		first := true
		for c, err := range redial.Conns(k.w.hard, dial, pauses) {
			if err != nil {
				k.w.tally.add("dials that failed", reason(err), 1)
				continue
			}
			if !first {
				k.w.tally.add("sessions", "resumed", 1)
			}
			first = false
			if over = k.converse(stop, s, c, &messages); over {
				break
			}
		}
		if !over {
			if k.w.hard.Err() == nil {
				k.w.ledger.wrongf("%s: redial has given up", k.name)
			}
			return
		}
		s.finish()
		k.w.tally.add("sessions", "complete", 1)
	}
}

// converse goes on with a session on a connection, and reports whether all its messages
// are acknowledged.
func (k *client) converse(stop context.Context, s *session, c *conn.Conn, messages *uint64) (over bool) {
	next, err := k.greet(s, c)
	if err != nil {
		k.w.ended(err)
		return false
	}
	ctx, window := c.Context(), make(chan struct{}, k.depth)
	var reader sync.WaitGroup
	reader.Go(func() { k.read(ctx, s, c, window) })
	defer func() {
		_ = c.CloseNow()
		reader.Wait()
	}()
	hangUp := next + uint64(k.random.IntN(3000)) // and do not wait for answers
	var wait bool
	for ; next <= *messages; next++ {
		if stop.Err() != nil {
			*messages = next - 1 // or what was sent on an earlier connection
			s.mu.Lock()
			*messages = max(*messages, s.sent)
			s.mu.Unlock()
			hangUp = 0
			if next > *messages {
				break
			}
		}
		if !k.take(c, window) {
			return false
		}
		s.sending(next)
		if err = k.send(ctx, s, c, next); err != nil {
			return false
		}
		if next == hangUp {
			return k.leave(s, c, next)
		}
		if wait = k.random.IntN(k.depth) == 0; wait {
			pause(ctx, time.Duration(k.random.Int64N(int64(2*k.pause*time.Millisecond))))
		}
	}
	for range k.depth {
		if !k.take(c, window) {
			return false
		}
	}
	s.willClose(*messages)
	if err := c.Close(ctx, conn.StatusNormalClosure, ""); err == nil {
		k.w.tally.add("closing handshakes of clients", "complete", 1)
	} else {
		k.w.tally.add("closing handshakes of clients", "broken off", 1)
	}
	return true
}

// leave closes the connection without having seen the answers.
func (k *client) leave(s *session, c *conn.Conn, last uint64) (over bool) {
	if k.posts {
		last = 0 // what was posted may be dropped
	}
	s.willClose(last)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.Close(ctx, conn.StatusNormalClosure, "")
	k.w.tally.add("closing handshakes of clients", "with messages under way", 1)
	return false
}

// greet says which session this is, and returns the number of the message to go on with.
func (k *client) greet(s *session, c *conn.Conn) (next uint64, err error) {
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	if err := c.Write(ctx, conn.Text, greeting(s.id)); err != nil {
		return 0, err
	}
	t, p, err := c.Read(ctx)
	if errors.Is(err, context.DeadlineExceeded) && !k.w.stood(patience) {
		k.w.ledger.wrongf("%s: no answer to the greeting in %v", k.name, patience)
	}
	if err != nil {
		return 0, err
	}
	delivered, ok := welcomed(p)
	if !ok || t != conn.Text {
		k.w.ledger.wrongf("%s: the answer to the greeting is %v, %.60q", k.name, t, p)
	}
	s.resume(delivered)
	return delivered + 1, nil
}

// take waits until one more message may be sent, or the last is answered.
func (k *client) take(c *conn.Conn, window chan struct{}) bool {
	select { // the usual case, without a timer
	case window <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case window <- struct{}{}:
		return true
	case <-c.Context().Done():
	case <-timer.C:
		if !k.w.stood(patience) {
			k.w.ledger.wrongf("%s: no answer in %v", k.name, patience)
		}
	}
	return false
}

// send sends a message, again and again if that was cancelled before any of it had left.
func (k *client) send(ctx context.Context, s *session, c *conn.Conn, number uint64) error {
	t, p := message(k.buf[:0], s.id, number)
	k.buf = p
	for {
		some, cancel := ctx, context.CancelFunc(func() {})
		if k.cancels && k.random.IntN(20) == 0 {
			some, cancel = context.WithTimeout(ctx, time.Duration(k.random.Int64N(int64(200*time.Microsecond))))
		}
		err := k.write(some, c, t, p)
		cancel()
		switch {
		case err == nil:
			k.w.sent.add(len(p))
			return nil
		case errors.Is(err, net.ErrClosed) || ctx.Err() != nil:
			return err
		case errors.Is(err, context.DeadlineExceeded):
			k.w.tally.add("cancelled", "writes that have changed nothing", 1)
		default:
			k.w.ledger.wrongf("%s: message %d was refused: %v", k.name, number, err)
			return err
		}
	}
}

// read takes the answers until the connection ends.
func (k *client) read(ctx context.Context, s *session, c *conn.Conn, window chan struct{}) {
	each := k.each
	if k.cancels {
		each = eachCancelled(rand.New(rand.NewPCG(k.w.seed, s.id)), func() { k.w.tally.add("cancelled", "reads", 1) })
	}
	err := each(ctx, c, func(t conn.MessageType, p []byte) error {
		s.acknowledge(t, p)
		k.w.received.add(len(p))
		select {
		case <-window:
		default: // an answer to nothing, which the ledger has seen
		}
		if k.slow > 0 {
			pause(ctx, k.slow*time.Millisecond)
		}
		return nil
	})
	k.w.ended(err)
	_ = c.CloseNow()
}

// A traffic counts messages and their bytes.
type traffic struct{ messages, bytes atomic.Int64 }

func (t *traffic) add(bytes int) {
	t.messages.Add(1)
	t.bytes.Add(int64(bytes))
}
