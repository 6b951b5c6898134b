package main

import (
	"expvar"
	"time"

	"github.com/duplexws/duplex/conn"
)

// metrics count what happens on connections. All of it may be used by any goroutine, and
// counting a message allocates nothing.
type metrics struct {
	open, opened   expvar.Int
	closed         expvar.Map // by who and why
	failed         expvar.Map // by the rule that was broken
	received, sent traffic
	rtt            histogram
}

// traffic counts messages, their bytes, and what of them travels.
type traffic struct{ messages, bytes, wire expvar.Int }

func (t *traffic) add(m conn.Traffic) {
	t.messages.Add(1)
	t.bytes.Add(m.Size)
	t.wire.Add(m.Wire)
}

func newMetrics() *metrics { return new(metrics) }

// hooks returns the hooks that count.
func (m *metrics) hooks() *conn.Hooks {
	return &conn.Hooks{
		Opened: func(*conn.Conn) {
			m.open.Add(1)
			m.opened.Add(1)
		},
		Closed: func(_ *conn.Conn, err error) {
			m.open.Add(-1)
			e := explain(err)
			m.closed.Add(e.who+": "+e.why, 1)
		},
		Received: func(_ *conn.Conn, t conn.Traffic) { m.received.add(t) },
		Sent:     func(_ *conn.Conn, t conn.Traffic) { m.sent.add(t) },
		Pong:     func(_ *conn.Conn, rtt time.Duration) { m.rtt.add(rtt) },
		Failed:   func(_ *conn.Conn, err *conn.FailError) { m.failed.Add(err.Violation.Error(), 1) },
	}
}

// vars returns the counters under their names.
func (m *metrics) vars() *expvar.Map {
	vars := new(expvar.Map)
	for name, v := range map[string]expvar.Var{
		"open": &m.open, "opened": &m.opened, "closed": &m.closed, "failed": &m.failed,
		"received": m.received.vars(), "sent": m.sent.vars(), "rtt": &m.rtt,
	} {
		vars.Set(name, v)
	}
	return vars
}

func (t *traffic) vars() *expvar.Map {
	vars := new(expvar.Map)
	vars.Set("messages", &t.messages)
	vars.Set("bytes", &t.bytes)
	vars.Set("wire_bytes", &t.wire)
	return vars
}
