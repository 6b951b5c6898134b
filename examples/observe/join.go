package main

import (
	"time"

	"github.com/duplexws/duplex/conn"
)

// join returns hooks that tell both, all of whose functions are set.
func join(a, b *conn.Hooks) *conn.Hooks {
	return &conn.Hooks{
		Opened:   func(c *conn.Conn) { a.Opened(c); b.Opened(c) },
		Closed:   func(c *conn.Conn, err error) { a.Closed(c, err); b.Closed(c, err) },
		Received: func(c *conn.Conn, m conn.Traffic) { a.Received(c, m); b.Received(c, m) },
		Sent:     func(c *conn.Conn, m conn.Traffic) { a.Sent(c, m); b.Sent(c, m) },
		Pong:     func(c *conn.Conn, rtt time.Duration) { a.Pong(c, rtt); b.Pong(c, rtt) },
		Failed:   func(c *conn.Conn, err *conn.FailError) { a.Failed(c, err); b.Failed(c, err) },
	}
}
