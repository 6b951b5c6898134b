package conn

import "context"

// Overflow says what [Conn.Post] does with a message for which [Options].PostLimit leaves
// no room. Whatever it is, Post does not wait, and a message that is larger than PostLimit
// by itself is refused with [ErrPostLimit].
type Overflow uint8

const (
	// OverflowFail refuses the message with [ErrPostLimit]. The connection goes on, and
	// it is the caller who decides what becomes of it.
	OverflowFail Overflow = iota

	// OverflowDrop drops the message. Post returns nil, and [Conn.Backlog] counts it.
	OverflowDrop

	// OverflowDropOldest drops those that have waited longest until there is room: for
	// feeds, where what comes later is worth more. One that has begun to leave is not
	// dropped, nor are those about to leave together with it, as far as they have no more
	// than a quarter of PostLimit; if they take up the room, the new message is dropped.
	// Post returns nil, and [Conn.Backlog] counts what was dropped.
	OverflowDropOldest

	// OverflowClose closes the connection with [StatusTryAgainLater]. Post and all later
	// calls return an error that matches [ErrPostLimit] and net.ErrClosed; nothing that
	// waits is sent any more. The peer gets the Close frame if it takes what is on its way
	// within 5 s.
	OverflowClose
)

// slowReason is what a peer is told that does not keep up.
const slowReason = "too slow for what is sent"

// Backlog returns how many bytes of messages that were posted have not left yet: as
// [Options].PostLimit counts them, and 0 once the connection has ended. And it returns how
// many messages were dropped because of [Options].PostOverflow, ever.
func (c *Conn) Backlog() (bytes, dropped int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		bytes = c.posts.size
	}
	if l := c.posts.backlog; l != nil {
		dropped = l.dropped
	}
	return bytes, dropped
}

// makeRoom reports whether there is room for n bytes more, perhaps made of that of others.
// If not, it returns what Post is to return. It is called with mu held.
func (c *Conn) makeRoom(n int64) (room bool, err error) {
	limit := c.settings.postLimit
	free := limit - c.posts.size
	switch {
	case limit < 0 || n <= free:
		return true, nil
	case n > limit:
		return false, ErrPostLimit
	}
	l := c.posts.waiting()
	switch c.settings.postOverflow {
	case OverflowDropOldest:
		if n-free <= l.waits {
			c.dropOldest(l, n-free)
			return true, nil
		}
		l.dropped++
		return false, nil
	case OverflowDrop:
		l.dropped++
		return false, nil
	case OverflowClose:
		return false, c.tooSlow()
	}
	return false, ErrPostLimit
}

// dropOldest drops the messages that wait longest, of n bytes at least; so many wait. Nor
// does a batch wait of which nothing is left: a peer that takes nothing for long would
// leave one behind for everybody who came to write meanwhile. It is called with mu held.
func (c *Conn) dropOldest(l *backlog, n int64) {
	for at := &l.first; n > 0; {
		b := *at
		if b.left() == 0 {
			if b.w != nil && c.messageTurn.withdraw(b.w) {
				b.gone = true
				close(b.w.ready)
				*at = b.next
			} else {
				at = &b.next
			}
			continue
		}
		size := b.take().posted()
		c.posts.size -= size
		l.waits -= size
		l.dropped++
		n -= size
	}
}

// tooSlow ends the connection because its peer does not keep up, and returns the terminal
// error. It is called with mu held, and all that takes time is done elsewhere.
func (c *Conn) tooSlow() error {
	c.failing(ErrPostLimit)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTime)
		defer cancel()
		_ = c.depart(ctx, StatusTryAgainLater, slowReason)
	}()
	return c.err
}
