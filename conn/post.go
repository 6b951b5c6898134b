package conn

import (
	"context"
	"sync"
)

// posts are the messages that were posted and have not left yet. They are guarded by
// Conn.mu.
type posts struct {
	size  int64  // bytes that they count for
	batch *batch // the one that may still grow; nil: none
}

// batch is messages that leave together, in one turn. A goroutine that was started with
// it waits for that turn, and ends when they have left.
type batch struct {
	list  []*Prepared
	w     *waiter // its place in the queue for the message turn; nil: it has the turn
	begun int64   // what a message counts for of which only a part has left; 0: there is none
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// Post queues a message that was prepared and returns at once, so that one slow receiver
// does not keep the others of a broadcast waiting. It takes its place among the messages
// of Write and the like: they leave in the order of the calls. What is posted while the
// connection is busy leaves together. An error that the stream meets later ends the
// connection; later calls return it.
//
// If the messages that have not left yet would have more bytes than [Options].PostLimit,
// this one is not queued and the error is [ErrPostLimit]; the connection goes on, and it
// is the caller who decides whether a receiver that does not keep up misses messages or
// is closed. A nil or zero Prepared is [ErrMessageType].
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
	if err := c.mayPost(m); err != nil {
		c.mu.Unlock()
		return err
	}
	c.posts.size += m.posted()
	if c.leavesAtOnce(m) { // the fast path: without it all goes on the same
		c.mu.Unlock()
		c.postAtOnce(m)
		return nil
	}
	// Whoever came to write since the batch was begun has its turn first.
	if b := c.posts.batch; b != nil && c.messageTurn.isLast(b.w) {
		b.list = append(b.list, m)
	} else {
		b = batches.Get().(*batch)
		b.list, b.w = append(b.list, m), c.messageTurn.enqueue()
		c.posts.batch = b
		go c.postBatch(b)
	}
	c.mu.Unlock()
	return nil
}

// mayPost returns an error if a message cannot be posted. It is called with mu held.
func (c *Conn) mayPost(m *Prepared) error {
	switch {
	case c.err != nil:
		return c.err
	case !c.state.MaySend():
		return errClosing
	case c.settings.postLimit >= 0 && m.posted() > c.settings.postLimit-c.posts.size:
		return ErrPostLimit
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
	if c.posts.batch == b {
		c.posts.batch = nil
	}
	c.mu.Unlock()
	if err != nil {
		c.posted(b) // the connection has ended
		return
	}
	c.gathering = true
	for _, m := range b.list {
		if err == nil {
			err = c.sendPrepared(ctx, m)
		}
	}
	c.gathering = false
	if c.replies.some.Load() || b.begun > 0 {
		_ = c.flushReplies(ctx, false)
	}
	c.posted(b)
	c.releaseMessage()
	clear(b.list)
	b.list, b.w, b.begun = b.list[:0], nil, 0
	batches.Put(b)
	c.noteRush()
}

// posted notes that a batch waits no longer.
func (c *Conn) posted(b *batch) {
	size := b.begun
	for _, m := range b.list {
		size += m.posted()
	}
	c.mu.Lock()
	c.posts.size -= size
	c.mu.Unlock()
}

// minPosted is what a message counts for at least, so that no number of empty ones waits.
const minPosted = 8

// posted returns what the message counts for while it waits.
func (m *Prepared) posted() int64 { return max(int64(len(m.data)), minPosted) }

// awaitPosts waits for a moment until what was posted has left.
func (c *Conn) awaitPosts(ctx context.Context) {
	c.mu.Lock()
	some := c.posts.size > 0 || c.posts.batch != nil
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
