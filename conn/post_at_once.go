package conn

import (
	"sync/atomic"
	"time"

	"github.com/duplexws/duplex/frame"
)

// A message that is posted to an idle connection need not wait for a goroutine: starting
// one costs as much as sending. So Post sends it itself, if that is one small write to a
// socket that does not wait. What the socket does not take is left to a batch, as is all
// else: a message to a connection where somebody writes or something waits, a large one,
// other streams, and what follows in a rush.
//
// A rush is when one message is posted right after the other, on whichever connections:
// then what goes to the same connection should leave in one write, so it has to wait a
// little, and a batch does that until its goroutine comes to run. Of a rush each
// connection gets the first message at once, the others by batches. It is over when for a
// moment nothing was posted in the process and nothing that was posted has left. A clock for
// each connection could not tell: between two posts of a burst on the same one, all
// others have their turn.

// maxPostedAtOnce is the payload of the largest message that Post sends itself.
const maxPostedAtOnce = smallOutput - frame.MaxHeaderLen

// leavesAtOnce reports whether Post is to send a message itself, with both turns, which it
// has then. It is called with mu held.
func (c *Conn) leavesAtOnce(m *Prepared) bool {
	if !c.socket.usable() || len(m.data) > maxPostedAtOnce || c.posts.growing() {
		return false
	}
	n := theRush.join()
	if n == c.rush || !c.messageTurn.try() {
		return false
	}
	if c.writeTurn.try() {
		if c.tail == nil && c.replies.o == nil {
			c.rush = n
			return true
		}
		c.releaseWrite()
	}
	c.releaseMessage()
	return false
}

// postAtOnce sends a message that counts as waiting, and gives both turns back or leaves
// them to a batch. It never waits; all that it may have to do besides is to compress a
// small message, once for all connections.
func (c *Conn) postAtOnce(m *Prepared) {
	p, compressed := c.payload(m)
	c.begin(m.t, compressed)
	o := getOutput(smallOutput)
	b := encode(o.b, c.tx.Frame(true, len(p)), p)
	n := c.socket.sendOutside(b, nil)
	whole := n == len(b)
	if n > 0 {
		c.hasSent()
		if compressed {
			_ = c.deflate.enc.Add(m.data) // no message is unfinished
		}
		if !whole {
			c.keepTail(b[n:])
		}
	}
	putOutput(o)
	c.releaseWrite()
	if n > 0 && c.settings.hooks != nil {
		c.tellSent(m.t, len(m.data), len(p))
	}
	if whole {
		c.mu.Lock()
		c.posts.size -= m.posted()
		c.mu.Unlock()
		c.releaseMessage()
	} else {
		c.postRest(m, n > 0)
	}
}

// postRest leaves to a batch, together with the message turn, what the socket has not
// taken: a message, or the end of one that has begun to leave.
func (c *Conn) postRest(m *Prepared, begun bool) {
	b := batches.Get().(*batch)
	c.mu.Lock()
	l := c.posts.waiting()
	if begun {
		b.leaving = m.posted()
	} else {
		b.add(m)
		l.waits += m.posted()
	}
	b.next, l.first = l.first, b
	if b.next == nil {
		l.grows = b
	}
	c.mu.Unlock()
	go c.postBatch(b)
}

// rush counts the rushes of the process.
type rush struct {
	lull time.Duration // the pause that ends one
	last atomic.Int64  // when something was posted, or a batch left
	n    atomic.Uint32
}

// theRush ends with a pause of some times as long as sending a message takes, and less
// than what a caller takes who waits for the network in between.
var theRush = rush{lull: 50 * time.Microsecond}

// join notes that something is posted, and returns the number of the rush.
func (r *rush) join() uint32 {
	now := int64(time.Since(epoch))
	if now-r.last.Swap(now) > int64(r.lull) {
		return r.n.Add(1)
	}
	return r.n.Load()
}

// noteRush notes that a batch has left.
func (c *Conn) noteRush() {
	if c.socket.usable() {
		theRush.last.Store(int64(time.Since(epoch)))
	}
}
