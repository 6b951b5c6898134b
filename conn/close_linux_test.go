//go:build linux && (amd64 || arm64)

package conn

import (
	"context"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// A Close frame that the socket takes at once leaves, however late it is: on a busy machine
// the time that a failing connection has for it may be over before it was tried.
func TestCloseFrameLeavesLate(t *testing.T) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for _, role := range []Role{Server, Client} {
		a, b := tcpPair(t)
		c, p := New(a, Start{Role: role}, nil), newRawPeer(t, role.Peer(), b)
		body, err := frame.AppendClose(nil, StatusProtocolError, "late")
		must(t, err)
		must(t, c.sendClose(over, body))
		p.expect(closeFrame(StatusProtocolError, "late"))
		must(t, c.CloseNow())
	}
}
