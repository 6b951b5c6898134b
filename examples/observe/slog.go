package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/duplexws/duplex/conn"
)

// logHooks returns hooks that write a log. Lines for messages and Pings are written at the
// level Debug, and cost next to nothing while that is off.
func logHooks(log *slog.Logger) *conn.Hooks {
	var open sync.Map // from *conn.Conn to the time when it was opened
	ctx := context.Background()
	message := func(what string) func(c *conn.Conn, m conn.Traffic) {
		return func(c *conn.Conn, m conn.Traffic) {
			if !log.Enabled(ctx, slog.LevelDebug) {
				return
			}
			log.LogAttrs(ctx, slog.LevelDebug, what, remote(c),
				slog.String("type", m.Type.String()), slog.Int64("size", m.Size), slog.Int64("wire", m.Wire))
		}
	}
	return &conn.Hooks{
		Opened: func(c *conn.Conn) {
			open.Store(c, time.Now())
			log.LogAttrs(ctx, slog.LevelInfo, "opened", remote(c))
		},
		Closed: func(c *conn.Conn, err error) {
			// Closed is the last, so nobody puts it in again.
			since, _ := open.LoadAndDelete(c)
			e := explain(err)
			log.LogAttrs(ctx, e.level, "closed", remote(c), slog.String("who", e.who), slog.String("why", e.why),
				slog.Duration("lasted", time.Since(since.(time.Time))), slog.Any("error", err))
		},
		Received: message("received"),
		Sent:     message("sent"),
		Pong: func(c *conn.Conn, rtt time.Duration) {
			log.LogAttrs(ctx, slog.LevelDebug, "pong", remote(c), slog.Duration("rtt", rtt))
		},
		Failed: func(c *conn.Conn, err *conn.FailError) {
			log.LogAttrs(ctx, slog.LevelWarn, "failed", remote(c), slog.String("rule", err.Violation.Error()))
		},
	}
}

// remote says which connection it is about.
func remote(c *conn.Conn) slog.Attr { return slog.String("remote", c.RemoteAddr().String()) }
