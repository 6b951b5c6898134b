package pipe_test

import (
	"net"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/duplexws/duplex/internal/pipe"
)

func TestConn(t *testing.T) {
	// An end must hold what nettest's echo sends back before it reads again.
	for name, capacity := range map[string]int{"capacity=default": 0, "capacity=2048": 2048} {
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				a, b := pipe.New(capacity)
				return a, b, func() { a.Close(); b.Close() }, nil
			})
		})
	}
}
