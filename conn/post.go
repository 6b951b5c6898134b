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
	list []*Prepared
	w    *waiter // its place in the queue for the message turn; nil: it has the turn
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
func (c *Conn) Post(m *Prepared) error {
	if m == nil || m.t == 0 {
		return ErrMessageType
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch size := m.posted(); {
	case c.err != nil:
		return c.err
	case !c.state.MaySend():
		return errClosing
	case c.postLimit >= 0 && size > c.postLimit-c.posts.size:
		return ErrPostLimit
	default:
		c.posts.size += size
	}
	// Whoever came to write since the batch was begun has its turn first.
	if b := c.posts.batch; b != nil && c.messageTurn.isLast(b.w) {
		b.list = append(b.list, m)
		return nil
	}
	b := batches.Get().(*batch)
	b.list, b.w = append(b.list, m), c.messageTurn.enqueue()
	c.posts.batch = b
	go c.postBatch(b)
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
	if c.replies.some.Load() {
		_ = c.flushReplies(ctx, false)
	}
	c.posted(b)
	c.releaseMessage()
	clear(b.list)
	b.list, b.w = b.list[:0], nil
	batches.Put(b)
}

// posted notes that a batch waits no longer.
func (c *Conn) posted(b *batch) {
	size := int64(0)
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
