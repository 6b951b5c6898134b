package conn

import (
	"context"
	"sync"
)

// posts are the messages that were posted and have not left yet. They are guarded by
// Conn.mu.
type posts struct {
	size    int64    // bytes that they count for
	backlog *backlog // made when a message has to wait for the first time
}

// backlog is the batches, in the order in which they have their turn.
type backlog struct {
	first   *batch
	grows   *batch // the last one, if it may still grow; nil: none
	waits   int64  // bytes of the messages that have not begun to leave
	dropped int64  // how many were dropped, see Overflow
}

// waiting returns the backlog. It is called with mu held.
func (p *posts) waiting() *backlog {
	if p.backlog == nil {
		p.backlog = new(backlog)
	}
	return p.backlog
}

// growing reports whether there is a batch that may still grow.
func (p *posts) growing() bool { return p.backlog != nil && p.backlog.grows != nil }

// batch is messages that leave together, in one turn. A goroutine that was started with
// it waits for that turn, and ends when they have left. But for w, what it holds is guarded
// by Conn.mu.
type batch struct {
	list    []*Prepared
	n       int     // how many of the list were taken, to be sent or dropped
	w       *waiter // its place in the queue for the message turn; nil: it has the turn
	leaving int64   // bytes of what was taken to be sent and may not have left yet
	gone    bool    // it gave its place up, since nothing is left
	next    *batch
}

// left returns how many messages wait.
func (b *batch) left() int { return len(b.list) - b.n }

// add adds a message. The memory of those that were taken is used again, so that a batch
// which grows at one end as it shrinks at the other takes no more than it has to.
func (b *batch) add(m *Prepared) {
	if b.n > 0 && b.n >= len(b.list)/2 && len(b.list) == cap(b.list) {
		n := copy(b.list, b.list[b.n:])
		clear(b.list[n:])
		b.list, b.n = b.list[:n], 0
	}
	b.list = append(b.list, m)
}

// take takes the first message out.
func (b *batch) take() *Prepared {
	m := b.list[b.n]
	b.list[b.n] = nil
	b.n++
	return m
}

// enter adds a batch at the end.
func (l *backlog) enter(b *batch) {
	at := &l.first
	if l.grows != nil {
		at = &l.grows.next
	}
	for *at != nil {
		at = &(*at).next
	}
	*at, l.grows = b, b
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// Post queues a message that was prepared and returns at once, so that one slow receiver
// does not keep the others of a broadcast waiting. It takes its place among the messages
// of Write and the like: they leave in the order of the calls. What is posted while the
// connection is busy leaves together. An error that the stream meets later ends the
// connection; later calls return it.
//
// If the messages that have not left yet would have more bytes than [Options].PostLimit,
// [Options].PostOverflow decides. By default this one is not queued and the error is
// [ErrPostLimit]; the connection goes on, and it is the caller who decides whether a
// receiver that does not keep up misses messages or is closed. [Conn.Backlog] tells how
// many bytes wait. A nil or zero Prepared is [ErrMessageType].
//
// A small message that finds the connection idle is given to the stream before Post
// returns, if that is plain TCP on Linux and takes it without waiting. That costs the
// caller some microseconds, and the first time also those of compressing it; to share
// a broadcast between CPUs, post from several goroutines.
func (c *Conn) Post(m *Prepared) error {
	if m == nil || m.t == 0 {
		return ErrMessageType
	}
	c.mu.Lock()
	err := c.mayPost()
	room := false
	if err == nil {
		room, err = c.makeRoom(m.posted())
	}
	if !room {
		c.mu.Unlock()
		return err
	}
	c.posts.size += m.posted()
	if c.leavesAtOnce(m) { // the fast path: without it all goes on the same
		c.mu.Unlock()
		c.postAtOnce(m)
		return nil
	}
	l := c.posts.waiting()
	l.waits += m.posted()
	// Whoever came to write since the batch was begun has its turn first.
	if b := l.grows; b != nil && c.messageTurn.isLast(b.w) {
		b.add(m)
	} else {
		b = batches.Get().(*batch)
		b.add(m)
		b.w = c.messageTurn.enqueue()
		l.enter(b)
		go c.postBatch(b)
	}
	c.mu.Unlock()
	return nil
}

// mayPost returns an error if nothing can be posted any more. It is called with mu held.
func (c *Conn) mayPost() error {
	switch {
	case c.err != nil:
		return c.err
	case !c.state.MaySend():
		return errClosing
	}
	return nil
}

// postBatch sends a batch when it is its turn.
func (c *Conn) postBatch(b *batch) {
	ctx := context.Background()
	err := error(nil)
	if b.w != nil {
		err = c.await(ctx, &c.messageTurn, b.w, nil)
	}
	c.mu.Lock()
	if c.posts.backlog.grows == b {
		c.posts.backlog.grows = nil
	}
	rest, gone := b.leaving > 0, b.gone
	c.mu.Unlock()
	if err != nil {
		c.posted(b) // the connection has ended
		return
	}
	if !gone {
		c.sendBatch(ctx, b, rest)
		c.posted(b)
		c.releaseMessage()
		c.noteRush()
	}
	clear(b.list)
	*b = batch{list: b.list[:0]}
	batches.Put(b)
}

// sendBatch sends what waits in a batch, after the rest of a frame that was cut, if there is
// one. What is gathered cannot be dropped any more, so that is a part of PostLimit only.
func (c *Conn) sendBatch(ctx context.Context, b *batch, rest bool) {
	if rest {
		_ = c.flushReplies(ctx, false)
	}
	limit := c.settings.postLimit
	var room [16]*Prepared
	for list := c.nextPosted(b, room[:0]); len(list) > 0; list = c.nextPosted(b, room[:0]) {
		c.gathering = gatherNothing
		if limit < 0 || b.leaving <= limit/4 {
			c.gathering = gatherPosts
		}
		if !c.sendAll(ctx, list) {
			break // nothing can be sent any more
		}
	}
	c.gathering = gatherNothing
	if c.replies.some.Load() != 0 {
		_ = c.flushReplies(ctx, false)
	}
}

// sendAll sends messages that were prepared, and reports whether it could.
func (c *Conn) sendAll(ctx context.Context, list []*Prepared) bool {
	for _, m := range list {
		if c.sendPrepared(ctx, m) != nil {
			return false
		}
	}
	return true
}

// nextPosted appends the next messages of a batch to an empty list: some small ones, which
// are gathered together, as far as the list has memory for them, or one. Those before count
// no longer once they have left.
func (c *Conn) nextPosted(b *batch, list []*Prepared) []*Prepared {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.replies.some.Load() == 0 {
		c.posts.size -= b.leaving
		b.leaving = 0
	}
	most := b.leaving + maxGathered
	if limit := c.settings.postLimit; limit >= 0 {
		most = min(most, limit/4)
	}
	for b.left() > 0 && len(list) < cap(list) {
		size := b.list[b.n].posted()
		if len(list) > 0 && b.leaving+size > most {
			break
		}
		b.leaving += size
		c.posts.backlog.waits -= size
		list = append(list, b.take())
	}
	return list
}

// posted notes that a batch waits no longer.
func (c *Conn) posted(b *batch) {
	c.mu.Lock()
	l := c.posts.backlog
	c.posts.size -= b.leaving
	for b.left() > 0 {
		size := b.take().posted()
		c.posts.size -= size
		l.waits -= size
	}
	if l.first == b { // if not, the connection has ended
		l.first = b.next
	}
	c.mu.Unlock()
}

// minPosted is what a message counts for at least, so that no number of empty ones waits.
const minPosted = 8

// posted returns what the message counts for while it waits.
func (m *Prepared) posted() int64 { return max(int64(len(m.data)), minPosted) }

// awaitPosts waits for a moment until what was posted has left.
func (c *Conn) awaitPosts(ctx context.Context) {
	c.mu.Lock()
	some := c.posts.size > 0 || c.posts.growing()
	c.mu.Unlock()
	if !some {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, failTime)
	defer cancel()
	if c.acquire(ctx, &c.messageTurn, nil) == nil {
		c.releaseMessage()
	}
}
