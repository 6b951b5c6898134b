package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/frame"
)

func TestExplain(t *testing.T) {
	closed := func(code conn.StatusCode) error { return &conn.CloseError{Code: code} }
	for _, test := range []struct {
		err   error
		who   string
		why   string
		level slog.Level
	}{
		{&conn.FailError{Violation: frame.TextNotUTF8}, "we", "failed with 1007", slog.LevelInfo},
		{&conn.CloseError{Code: 1000, Answer: true}, "we", "closed", slog.LevelInfo},
		{&conn.CloseError{Code: 1006, Err: io.ErrUnexpectedEOF}, "nobody", "lost", slog.LevelInfo},
		{closed(1000), "peer", "closed with 1000", slog.LevelInfo},
		{closed(1005), "peer", "closed with 1005", slog.LevelInfo},
		{closed(1011), "peer", "closed with 1011", slog.LevelWarn},
		{closed(3999), "peer", "closed with 3xxx", slog.LevelInfo},
		{closed(4999), "peer", "closed with 4xxx", slog.LevelInfo},
		{conn.ErrKeepAlive, "we", "no sign of life", slog.LevelInfo},
		{conn.ErrIdleTimeout, "we", "idle", slog.LevelInfo},
		{conn.ErrWriteTimeout, "we", "takes nothing", slog.LevelWarn},
		{conn.ErrPostLimit, "we", "does not keep up", slog.LevelWarn},
		{context.Canceled, "we", "cancelled", slog.LevelInfo},
		{context.DeadlineExceeded, "we", "too late", slog.LevelWarn},
		{errors.New("another"), "we", "cut", slog.LevelWarn},
	} {
		want := ending{test.who, test.why, test.level}
		if got := explain(fmt.Errorf("wrapped: %w", test.err)); got != want {
			t.Errorf("explain(%v): got %v, want %v", test.err, got, want)
		}
	}
}

// pipe runs f with the ends of a connection in memory, of which the server has hooks and
// echoes, and waits for the end.
func pipe(t *testing.T, h *conn.Hooks, f func(client *conn.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		z := &conn.Compression{}
		client, server := conn.Pipe(&conn.Options{Compression: z}, &conn.Options{Compression: z, Hooks: h})
		served := make(chan error, 1)
		go func() {
			err := echo(server.Context(), server)
			if err == nil {
				err = server.Close(server.Context(), conn.StatusNormalClosure, "")
			}
			served <- err
		}()
		f(client)
		_ = client.CloseNow()
		<-served
		<-server.Context().Done()
		_ = server.CloseNow()
		synctest.Wait()
	})
}

// join tells both, in order.
func TestJoin(t *testing.T) {
	var events []string
	one := func(name string) *conn.Hooks {
		h := join(newMetrics().hooks(), newMetrics().hooks())
		opened, closed := h.Opened, h.Closed
		h.Opened = func(c *conn.Conn) { opened(c); events = append(events, name+" opened") }
		h.Closed = func(c *conn.Conn, err error) { closed(c, err); events = append(events, name+" closed") }
		return h
	}
	pipe(t, join(one("a"), one("b")), func(*conn.Conn) {})
	if diff := cmp.Diff([]string{"a opened", "b opened", "a closed", "b closed"}, events); diff != "" {
		t.Error(diff)
	}
}
