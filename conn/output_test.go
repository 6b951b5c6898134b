package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/wstest"
)

// A stream that fails, or takes less than it should, has ended.
func TestWriteMeetsABadStream(t *testing.T) {
	for _, size := range []int{10, smallOutput + 1, 100_000, 300_000} {
		for name, tc := range map[string]struct {
			wrap func(net.Conn) net.Conn
			want error
		}{
			"short":       {func(nc net.Conn) net.Conn { return shortConn{nc} }, io.ErrShortWrite},
			"fails":       {func(nc net.Conn) net.Conn { return wstest.NewFaultConn(nc, wstest.Faults{FailWrite: 1}) }, wstest.ErrFault},
			"fails later": {func(nc net.Conn) net.Conn { return wstest.NewFaultConn(nc, wstest.Faults{FailWrite: 2}) }, wstest.ErrFault},
			"fails within": {func(nc net.Conn) net.Conn {
				return wstest.NewFaultConn(nc, wstest.Faults{FailWrite: 2, WritePart: 5})
			}, wstest.ErrFault},
		} {
			for _, role := range []Role{Client, Server} {
				t.Run(fmt.Sprintf("%s, %d bytes, %v", name, size, role), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						a, b := pipe.New(-1)
						defer b.Close()
						c := New(tc.wrap(a), Start{Role: role}, nil)
						defer c.CloseNow()
						var err error
						for range 2 {
							if err = c.Write(background, Binary, make([]byte, size)); err != nil {
								break
							}
						}
						mustBe(t, err, tc.want, net.ErrClosed)
						if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != StatusAbnormalClosure {
							t.Errorf("error %v, want a CloseError with 1006", err)
						}
						if again := c.Write(background, Binary, nil); again != err {
							t.Errorf("later: %v", again)
						}
					})
				})
			}
		}
	}
}

// Writing allocates nothing, with a context that never ends or one that comes again.
func TestWriteAllocatesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	for _, role := range []Role{Client, Server} {
		for name, ctx := range map[string]context.Context{"background": background, "the same context": ctx} {
			for _, size := range []int{0, 100, smallOutput, 100_000, 300_000} {
				t.Run(fmt.Sprintf("%v, %s, %d bytes", role, name, size), func(t *testing.T) {
					c := New(discardConn{newScript()}, Start{Role: role}, nil)
					defer c.CloseNow()
					b := make([]byte, size)
					prepared, err := Prepare(Binary, b)
					must(t, err)
					if got := allocs(t, func() {
						_ = c.Write(ctx, Binary, b)
						_ = c.WritePrepared(ctx, prepared)
					}); got != 0 {
						t.Errorf("%v allocations", got)
					}
					must(t, c.terminal())
				})
			}
		}
	}
}

// discardConn takes everything that is written.
type discardConn struct{ net.Conn }

func (discardConn) Write(p []byte) (int, error) { return len(p), nil }

// The same over TCP, where large frames are written without a copy.
func TestWriteAllocatesNothingOverTCP(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		a, b := tcpPair(t)
		copied := async(func() error { _, err := io.Copy(io.Discard, b); return err })
		c := New(a, Start{Role: role}, nil)
		message := make([]byte, 200_000)
		if got := allocs(t, func() { _ = c.Write(background, Binary, message) }); got != 0 {
			t.Errorf("%v: %v allocations", role, got)
		}
		must(t, c.terminal())
		must(t, c.CloseNow())
		must(t, <-copied)
	}
}
