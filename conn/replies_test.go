package conn

import (
	"testing"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// The Close frame of a failure never comes in the middle of a reply that has begun to leave.
func TestFailureAfterPartOfReply(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		must(t, c.acquire(background, &c.writeTurn, nil))
		reply := []byte("reply")
		c.replies.gather(gatherReply, protocol.Header(c.role, frame.Text, true, len(reply)), reply)
		const part = 3
		_, err := c.put(c.replies.bytes()[:part])
		must(t, err)
		c.replies.sent(part)
		c.releaseWrite()
		c.mu.Lock() // as somebody does who fails the connection
		c.enter(c.state.After(protocol.Fail))
		c.settle(errCloseNow)
		c.mu.Unlock()
		mustBe(t, c.flushReplies(background, true), errCloseNow)
		must(t, c.sendFailure(errCloseNow, StatusInternalError, ""))
		p.expect(textFrame(string(reply)), closeFrame(StatusInternalError, ""))
	})
}
