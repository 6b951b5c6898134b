package conn_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// Opened is called once for each connection, however it is made, before the function that
// Admit has returned and before whoever gets the connection. By then all is known of it.
func TestHooksOpened(t *testing.T) {
	options := func(events chan<- string, who string) conn.Options {
		return conn.Options{
			Subprotocols: []string{"a"},
			Admit: func(context.Context, *handshake.Request) (func(*conn.Conn), error) {
				return func(*conn.Conn) { events <- who + " admitted" }, nil
			},
			Hooks: &conn.Hooks{
				Opened: func(c *conn.Conn) { events <- who + " opened " + c.Subprotocol() },
				Closed: func(*conn.Conn, error) { events <- who + " closed" },
			},
		}
	}
	for name, serve := range frontDoors {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := make(chan string, 10)
				server, client := options(events, "server"), options(events, "client")
				ln := newMemoryListener()
				stop := serve(ln, func(ctx context.Context, c *conn.Conn) error {
					events <- "server serves"
					return c.Discard(ctx)
				}, &server)
				o := ln.dial()
				o.Options = client
				c, err := conn.Dial(t.Context(), "ws://h/", o)
				if err != nil {
					t.Fatal(err)
				}
				if c.ResponseHeader() == nil {
					t.Error("no header")
				}
				synctest.Wait()
				_ = c.CloseNow()
				synctest.Wait()
				stop()
				close(events)
				got := map[string][]string{}
				for e := range events {
					who, what, _ := strings.Cut(e, " ")
					got[who] = append(got[who], what)
				}
				want := map[string][]string{
					"client": {"opened a", "closed"},
					"server": {"opened a", "admitted", "serves", "closed"},
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// Pipe calls Opened for both ends.
func TestHooksOpenedByPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opened []conn.Role
		mine := func(r conn.Role) *conn.Options {
			return &conn.Options{Hooks: &conn.Hooks{Opened: func(*conn.Conn) { opened = append(opened, r) }}}
		}
		a, b := conn.Pipe(mine(conn.Client), mine(conn.Server))
		_, _ = a.CloseNow(), b.CloseNow()
		if diff := cmp.Diff([]conn.Role{conn.Client, conn.Server}, opened); diff != "" {
			t.Error(diff)
		}
	})
}
