package conn

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/duplexws/duplex/frame"
)

// pingSize is the payload of our Pings: a number.
const pingSize = 8

// controls are the control frames that a connection has to remember, guarded by Conn.mu.
// Most connections that are silent have none.
type controls struct {
	owed       owed
	pings      pings
	bucketFull instant // see charge
}

// remember returns the place for control frames. It is called with mu held.
func (c *Conn) remember() *controls {
	if c.controls == nil {
		c.controls = new(controls)
	}
	return c.controls
}

// pings are our Pings that may still be answered, guarded by Conn.mu. They are
// numbered in the order in which they leave, from a random number on, so that a Pong
// that answers none of them is told apart.
type pings struct {
	before  uint64 // the number before the first
	sent    uint64 // how many have left, or are about to
	waiting []*ping
	own     *ping // the latest of keepalive, if its answer is of interest
}

// ping is one that waits for its answer.
type ping struct {
	n    uint64
	sent time.Time
	rtt  time.Duration
	done chan struct{} // of a call of Conn.Ping
}

// next numbers a Ping and returns its body.
func (s *pings) next() (body [pingSize]byte) {
	if s.sent == 0 {
		s.before = rand.Uint64()
	}
	s.sent++
	binary.BigEndian.PutUint64(body[:], s.before+s.sent)
	return body
}

// pongArrived tells the Pings that a Pong answers, and reports whether any was waiting.
// A Pong that answers none of ours is ignored.
//
// RFC 6455, section 5.5.3: a Pong may answer only the most recent of several Pings,
// so the earlier ones have had their answer too.
func (c *Conn) pongArrived(body []byte) (answers bool) {
	if len(body) != pingSize {
		return false
	}
	c.mu.Lock()
	if c.controls == nil {
		c.mu.Unlock()
		return false
	}
	s := &c.controls.pings
	n := binary.BigEndian.Uint64(body) - s.before
	if n == 0 || n > s.sent {
		c.mu.Unlock()
		return false
	}
	answered := s.answered(n)
	c.mu.Unlock()
	if c.settings.hooks != nil {
		c.tellPongs(answered)
	}
	for _, p := range answered {
		if p.done != nil {
			close(p.done)
			answers = true
		}
	}
	return answers
}

// answered takes out the Pings up to number n. It is called with mu held.
func (s *pings) answered(n uint64) []*ping {
	now, i := time.Now(), 0
	for i < len(s.waiting) && s.waiting[i].n <= n {
		s.waiting[i].rtt = now.Sub(s.waiting[i].sent)
		i++
	}
	list := s.waiting[:i:i]
	if s.waiting = s.waiting[i:]; len(s.waiting) == 0 {
		s.waiting = nil
	}
	if p := s.own; p != nil && p.n <= n {
		s.own, p.rtt = nil, now.Sub(p.sent)
		list = append(list, p)
	}
	return list
}

// Ping sends a Ping and waits for its Pong; it returns the time between the two.
//
// The Pong is seen by whatever reads: a Read in another goroutine, or Ping itself if
// there is none. But Ping cannot read past a message. If one arrives and nobody comes
// to read it within 5 s, or before ctx ends, Ping returns [ErrNoReader]. Pongs that
// answer no Ping are ignored.
//
// RFC 6455, section 5.5.2.
func (c *Conn) Ping(ctx context.Context) (rtt time.Duration, err error) {
	p, err := c.sendPing(ctx)
	if err != nil {
		return 0, err
	}
	if err := c.awaitPong(ctx, p); err != errEvent {
		c.forgetPing(p)
		return 0, err
	}
	return p.rtt, nil
}

func (c *Conn) sendPing(ctx context.Context) (*ping, error) {
	if err := c.acquire(ctx, &c.writeTurn, nil); err != nil {
		return nil, err
	}
	defer c.releaseWrite()
	if err := c.maySend(); err != nil {
		return nil, err
	}
	p := &ping{sent: time.Now(), done: make(chan struct{})}
	c.mu.Lock()
	s := &c.remember().pings
	body := s.next()
	p.n = s.sent
	s.waiting = append(s.waiting, p)
	c.mu.Unlock()
	if err := c.transmit(ctx, 0, c.control(frame.Ping, body[:]), body[:]); err != nil {
		c.forgetPing(p)
		return nil, err
	}
	return p, nil
}

func (c *Conn) forgetPing(p *ping) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.controls.pings
	for i, q := range s.waiting {
		if q == p {
			s.waiting = append(s.waiting[:i:i], s.waiting[i+1:]...)
			return
		}
	}
}

// awaitPong returns errEvent when p was answered.
func (c *Conn) awaitPong(ctx context.Context, p *ping) error {
	for {
		if err := c.acquire(ctx, &c.readTurn, p.done); err != nil {
			return err
		}
		err := c.attend(ctx, p.done, false)
		reads := c.reads.Load()
		c.releaseRead()
		if err != nil {
			return err
		}
		// A message is next. Whoever comes to read it may also see the Pong.
		switch came, err := c.awaitReader(ctx, p.done, reads, closeTime); {
		case came:
		case err == nil:
			return ErrNoReader
		case err != errEvent && c.terminal() == nil:
			return errors.Join(ErrNoReader, err)
		default:
			return err
		}
	}
}

// awaitReader waits, at most for the given time, until the application has come to
// read since there were so many reads.
func (c *Conn) awaitReader(ctx context.Context, event <-chan struct{}, reads uint32, limit time.Duration) (came bool, err error) {
	c.mu.Lock()
	a := c.attendance()
	if a.came == nil {
		a.came = make(chan struct{})
	}
	arrived := a.came
	c.mu.Unlock()
	c.awaited.Store(true)
	if c.reads.Load() != reads {
		return true, nil
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-arrived:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-event:
		return false, errEvent
	case <-c.ended():
		return false, c.terminal()
	case <-ctx.Done():
		return false, cancelled(ctx)
	}
}
