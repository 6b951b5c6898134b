package conn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/wstest"
)

// goClose closes from a goroutine of its own.
func goClose(c *Conn, ctx context.Context) <-chan error {
	return async(func() error { return c.Close(ctx, StatusNormalClosure, "") })
}

// A Close that finds a broken stream does not replace what the look at the rest of the
// input will say of it.
func TestCloseWhileAWriteBreaks(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		synctest.Test(t, func(t *testing.T) {
			a, b := pipe.New(0)
			defer b.Close()
			c := New(wstest.NewFaultConn(a, wstest.Faults{FailWrite: 1}), Start{Role: role}, nil)
			defer c.CloseNow()
			p := newRawPeer(t, role.Peer(), b)
			written := async(func() error { return c.Write(background, Text, nil) })
			mustWait(t, written)
			closed := goClose(c, background)
			mustWait(t, closed)
			p.send(closeFrame(StatusMessageTooBig, "stop"))
			p.closeWrite()
			for _, err := range []error{<-written, <-closed} {
				if ce, ok := errors.AsType[*CloseError](err); !ok || ce.Code != StatusMessageTooBig {
					t.Errorf("%v: error %v", role, err)
				}
			}
		})
	}
}

// Messages that have arrived are left to a reader that is between two reads.
func TestCloseLeavesMessagesToAReader(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		var got []string
		read := async(func() error {
			for {
				_, b, err := c.Read(background)
				if err != nil {
					return err
				}
				got = append(got, string(b))
				<-time.After(readerGrace - time.Millisecond)
			}
		})
		var want []string
		for i := range 20 {
			want = append(want, fmt.Sprint(i))
			p.send(textFrame(fmt.Sprint(i)))
			if i == 3 {
				synctest.Wait()
			}
		}
		closed := goClose(c, background)
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		must(t, <-closed)
		<-read
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

// The closing handshake is complete when both Close frames have passed. A Pong that is
// stuck behind ours, and fails when the peer ends the stream, takes nothing from it.
func TestCloseWithAPongInTheWay(t *testing.T) {
	for name, end := range map[string]func(p *rawPeer){
		"the peer ends the stream": func(p *rawPeer) { p.nc.Close() },
		"the peer does nothing":    func(p *rawPeer) {},
	} {
		t.Run(name, func(t *testing.T) {
			rawTestSize(t, nil, 100, func(t *testing.T, c *Conn, p *rawPeer) {
				closed := goClose(c, background)
				p.expect(closeFrame(StatusNormalClosure, ""))
				p.send(pingFrame(strings.Repeat("x", 98)))
				go p.send(closeFrame(StatusNormalClosure, ""))
				synctest.Wait()
				end(p)
				must(t, <-closed)
			})
		})
	}
}
