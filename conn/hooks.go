package conn

import (
	"errors"
	"time"
)

// Hooks are functions that are told what happens on connections, for logs and metrics:
// see [Options].Hooks. Each may be nil. Without Hooks a connection does nothing for them;
// with them no memory is allocated. An adapter, to Prometheus for example, is a few lines:
// examples/observe has one for log/slog and one for expvar.
//
// The functions are called where the thing happens: on the goroutine of the call that
// reads, writes or closes, or on one of this package, and by many connections at the same
// time. They should return soon, for meanwhile that call, and others of the same kind on
// the connection, wait. They may call the methods of the connection that do not wait,
// such as [Conn.Post], [Conn.Backlog], [Conn.CloseNow] and [Conn.RemoteAddr]. One that
// reads, writes, pings or closes in the other ways may wait for itself, until its context
// ends: leave that to a goroutine.
//
// For each connection Opened is called first, and Closed last, once, when the functions
// that were running for it have returned. Received, Pong and Failed are called one after
// the other, and so is Sent, but the two kinds at the same time.
//
// A function that panics ends its connection at once. The panic goes on: to the caller if
// there is one, up to the recover of [Handler] or [Listen] for example, but on a goroutine
// of this package it ends the process.
type Hooks struct {
	// Opened is called when a connection is made, before anybody else has it: by
	// [Accept], [Handler], [Listen], [Dial], [New] and [Pipe] alike, and before the
	// function that [Options].Admit has returned.
	Opened func(c *Conn)

	// Closed is called when a connection has ended and its stream was closed, with the
	// error that every later call returns. It says who has ended it and why, by
	// errors.As for types and errors.Is for values, to be asked in this order:
	//
	//	*FailError                   we have: the peer broke a rule
	//	*CloseError, Answer          we have: Close was called, and the peer has answered
	//	*CloseError, Err not nil     nobody: the stream broke or ended without a Close frame
	//	*CloseError                  the peer has, with a Close frame
	//	ErrKeepAlive                 we have: the peer showed no life
	//	ErrIdleTimeout               we have: there were no messages, see Options.IdleTimeout
	//	ErrWriteTimeout              we have: the peer took nothing
	//	ErrPostLimit                 we have: the peer did not keep up, see Options.PostOverflow
	//	context.Canceled or          we have: a context ended in the middle of a write or a
	//	context.DeadlineExceeded     Close, or the peer did not answer our Close in time
	//	another                      we have: CloseNow, or something that could not be
	//	                             completed, such as a Writer's text that is not UTF-8
	//
	// It may be called a moment after the call that has closed the connection returned.
	Closed func(c *Conn, err error)

	// Received is called for each message that has arrived completely and is valid,
	// however it is read, just before the last of it is handed over; and for one that is
	// dropped, as by [Conn.Discard], once it has been dropped to its end.
	Received func(c *Conn, m Traffic)

	// Sent is called for each message of which the stream has taken everything, or the
	// connection has, to let it leave with what is under way: a reply of [Conn.Serve] or a
	// message of [Conn.Post] that is gathered, or the rest of a frame after a short write
	// of Post or [AsNetConn]. It is not called for one that was given up before that, nor
	// for one that has just left when another goroutine ends the connection, if Closed
	// comes first. What it posts itself it will be told of, too.
	Sent func(c *Conn, m Traffic)

	// Pong is called for each Ping that the peer has answered, of [Conn.Ping] and of
	// keepalive, with the time that it took.
	Pong func(c *Conn, rtt time.Duration)

	// Failed is called when the connection fails because the peer broke a rule, before the
	// Close frame that tells the peer. Closed follows with the same error, at most a second
	// later. RFC 6455, section 7.1.7.
	Failed func(c *Conn, err *FailError)
}

// Traffic is a message as [Hooks] see it.
type Traffic struct {
	Type MessageType

	// Size is how many bytes the message has for the application.
	Size int64

	// Wire is how many bytes of payload its frames have: fewer or more than Size if it
	// was compressed, and the same if not. Their headers have 2 to 14 bytes each.
	Wire int64
}

// hooksOver in Conn.hooking says that no function of Hooks is to be called any more.
const hooksOver = ^uint8(0)

// errHook is what ends a connection if a function of Hooks has panicked.
var errHook = errors.New("duplex: a function of Hooks has panicked")

// beginHook reports whether a function of Hooks may be called: not after Closed. If so,
// endHook has to follow.
func (c *Conn) beginHook() bool {
	c.mu.Lock()
	may := c.hooking != hooksOver
	if may {
		c.hooking++
	}
	c.mu.Unlock()
	return may
}

// endHook is deferred to when a function of Hooks has returned or, if it has not, panicked.
// The holder of a turn who panics does not give it back, so the connection has to end.
func (c *Conn) endHook(returned *bool) {
	if !*returned {
		_ = c.end(errHook, cut)
	}
	c.mu.Lock()
	c.hooking--
	c.mu.Unlock()
	c.tellClosed()
}

// tellClosed calls Closed if the connection has ended, with all that belongs to it, and no
// other function is running.
func (c *Conn) tellClosed() {
	c.mu.Lock()
	last := c.finished.Load() && c.hooking == 0
	if last {
		c.hooking = hooksOver
	}
	err := c.err
	c.mu.Unlock()
	if f := c.settings.hooks.Closed; last && f != nil {
		f(c, err)
	}
}

func (c *Conn) tellOpened() {
	if f := c.settings.hooks.Opened; f != nil && c.beginHook() {
		returned := false
		defer c.endHook(&returned)
		f(c)
		returned = true
	}
}

func (c *Conn) tellReceived(t MessageType, size, wire uint64) {
	if f := c.settings.hooks.Received; f != nil && c.beginHook() {
		returned := false
		defer c.endHook(&returned)
		f(c, Traffic{t, int64(size), int64(wire)})
		returned = true
	}
}

// tellSent tells of a message whose sizes are known.
func (c *Conn) tellSent(t MessageType, size, wire int) {
	c.tellTraffic(Traffic{t &^ plain, int64(size), int64(wire)})
}

// tellWritten tells of a message that was sent by writePart.
func (c *Conn) tellWritten(t MessageType, size int64, compressed bool) {
	m := Traffic{t &^ plain, size, size}
	if compressed {
		m.Wire = c.deflate.wire
	}
	c.tellTraffic(m)
}

func (c *Conn) tellTraffic(m Traffic) {
	if f := c.settings.hooks.Sent; f != nil && c.beginHook() {
		returned := false
		defer c.endHook(&returned)
		f(c, m)
		returned = true
	}
}

func (c *Conn) tellPongs(answered []*ping) {
	if f := c.settings.hooks.Pong; f != nil && len(answered) > 0 && c.beginHook() {
		returned := false
		defer c.endHook(&returned)
		for _, p := range answered {
			f(c, p.rtt)
		}
		returned = true
	}
}

// tellFailed is called when cause was made the terminal error.
func (c *Conn) tellFailed(cause error) {
	f := c.settings.hooks.Failed
	if e, failed := cause.(*FailError); failed && f != nil && c.beginHook() {
		returned := false
		defer c.endHook(&returned)
		f(c, e)
		returned = true
	}
}
