package conn

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// The connection's own context is like any other: it can be waited for in every way, before
// and after the end, and tells why it has ended.
func TestLifetime(t *testing.T) {
	type key struct{}
	type other struct{}
	type none struct{}
	for name, early := range map[string]bool{"asked before the end": true, "asked after it": false} {
		t.Run(name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				c.base = context.WithValue(context.Background(), key{}, "value")
				ctx := c.Context()
				if err := ctx.Err(); err != nil {
					t.Errorf("Err before the end: %v", err)
				}
				if _, ok := ctx.Deadline(); ok {
					t.Error("there is a deadline")
				}
				if s := fmt.Sprint(ctx); s != "conn.Context" {
					t.Errorf("printed as %s", s)
				}
				if !early {
					_ = c.CloseNow()
				}
				child, cancel := context.WithCancel(context.WithValue(ctx, other{}, "other"))
				defer cancel()
				ran := make(chan struct{})
				stop := context.AfterFunc(ctx, func() { close(ran) })
				if early {
					if !context.AfterFunc(ctx, func() { t.Error("ran after stop") })() {
						t.Error("stop: it had run")
					}
					synctest.Wait()
					select {
					case <-ctx.Done():
						t.Error("done before the end")
					case <-child.Done():
						t.Error("a child is done before the end")
					case <-ran:
						t.Error("AfterFunc ran before the end")
					default:
					}
					_ = c.CloseNow()
				}
				<-ctx.Done()
				<-child.Done()
				<-ran
				if stop() {
					t.Error("stop after the end: it had not run")
				}
				for name, ctx := range map[string]context.Context{"its own": ctx, "a child's": child} {
					mustBe(t, ctx.Err(), context.Canceled)
					if got, want := context.Cause(ctx), c.terminal(); got != want {
						t.Errorf("%s cause: %v, want %v", name, got, want)
					}
					if got := ctx.Value(key{}); got != "value" {
						t.Errorf("%s value: %v", name, got)
					}
					if got := ctx.Value(none{}); got != nil {
						t.Errorf("%s value of an unknown key: %v", name, got)
					}
				}
				mustBe(t, context.Cause(ctx), errCloseNow, net.ErrClosed)
			})
		})
	}
}

// To wait for the connection's own context by way of package context takes no goroutine,
// and to have it, to ask whether it has ended and to read and write with it, nothing at all.
func TestLifetimeIsCheap(t *testing.T) {
	client, server := Pipe(nil, nil)
	defer client.CloseNow()
	defer server.CloseNow()
	message, buf := []byte("x"), make([]byte, 0, 16)
	if n := allocs(t, func() {
		ctx, peer := server.Context(), client.Context()
		if err := client.Write(peer, Text, message); err != nil {
			t.Fatal(err)
		}
		if _, _, err := server.ReadAppend(ctx, buf); err != nil || ctx.Err() != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	if server.waits != nil || client.waits != nil {
		t.Error("another context was made")
	}
	before := runtime.NumGoroutine()
	for range 100 {
		ctx, cancel := context.WithTimeout(server.Context(), time.Hour)
		defer cancel()
		defer context.AfterFunc(ctx, func() {})()
	}
	if n := runtime.NumGoroutine(); n > before+10 {
		t.Errorf("%d goroutines, %d before there were 100 children", n, before)
	}
}
