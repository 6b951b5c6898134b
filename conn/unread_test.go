package conn

import (
	"errors"
	"testing"
	"time"
)

// Whoever is told that the peer has closed normally has got all that it sent before. If
// writing has failed meanwhile and nobody comes to read, the rest is lost, and so is the
// connection.
func TestBrokenWriteBeforeTheRestIsRead(t *testing.T) {
	for _, tc := range []struct {
		name   string
		unread int // messages before the peer's Close frame
		read   int // how many of them are read in time
		code   StatusCode
		want   StatusCode
	}{
		{"nothing is left", 0, 0, StatusNormalClosure, StatusNormalClosure},
		{"all is read", 2, 2, StatusNormalClosure, StatusNormalClosure},
		{"normal", 2, 0, StatusNormalClosure, StatusAbnormalClosure},
		{"going away", 2, 1, StatusGoingAway, StatusAbnormalClosure},
		{"no code", 1, 0, StatusNoStatusReceived, StatusAbnormalClosure},
		{"a failure says why", 2, 0, StatusMessageTooBig, StatusMessageTooBig},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				for range tc.unread {
					p.send(textFrame("unread"))
				}
				p.send(closeFrame(tc.code, ""))
				_ = p.nc.Close()
				written := async(func() error { return c.Write(background, Text, []byte("x")) })
				<-time.After(readerGrace / 2)
				for range tc.read {
					_, _, err := c.Read(background)
					must(t, err)
				}
				err := <-written
				if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != tc.want || (ce.Err != nil) != (tc.want == StatusAbnormalClosure) {
					t.Errorf("Write returned %v, want %v", err, tc.want)
				}
				_, _, again := c.Read(background)
				mustBe(t, again, err)
			})
		})
	}
}
