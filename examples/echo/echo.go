package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/duplexws/duplex/conn"
)

// newHandler returns what the server does with a request: one that asks for a
// WebSocket gets an echo, on any path; all others are for the page.
func newHandler(cfg config, open *clients) http.Handler {
	ws := conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		if !open.add(c) {
			return &conn.CloseError{Code: conn.StatusGoingAway, Reason: stopReason}
		}
		defer open.remove(c)
		return echo(ctx, c)
	}, cfg.options())

	page := newPage()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wantsWebSocket(r) {
			ws.ServeHTTP(w, r)
		} else {
			page.ServeHTTP(w, r)
		}
	})
}

// wantsWebSocket tells requests for a WebSocket from those for a page. Either field
// will do, even if what comes with it is incomplete: conn.Handler then answers with
// what is missing, for example after a proxy that does not pass Upgrade on.
func wantsWebSocket(r *http.Request) bool {
	return r.Header.Get("Sec-WebSocket-Key") != "" || strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// echo sends every message back until the connection ends, as it always does, by an
// error. It can be returned as it is: Handler knows which ones only say so.
func echo(ctx context.Context, c *conn.Conn) error {
	for {
		t, msg, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if err := c.Write(ctx, t, msg); err != nil {
			return err
		}
	}
}
