package conn

import (
	"context"
	"slices"
	"time"

	"github.com/duplexws/duplex/handshake"
)

// Defaults of [Options].
const (
	defaultReadLimit        = 1 << 20
	defaultPostLimit        = 1 << 20
	defaultKeepAlive        = 30 * time.Second
	defaultHandshakeTimeout = 10 * time.Second
	defaultWriteTimeout     = 30 * time.Second
	defaultControlRate      = 100
)

// Options are the settings of a connection. A nil *Options and the zero value mean
// the defaults. Of the numbers, zero means the stated default and a negative value
// that there is no limit. Options are copied when they are passed.
type Options struct {
	// Subprotocols are the names that this side speaks. A client asks for all of
	// them, the preferred one first; a server picks the first that the client asks
	// for and it speaks. If they have none in common the connection is made without
	// one, see [Conn.Subprotocol]. Names are compared to the letter.
	// RFC 6455, sections 1.9 and 4.2.2.
	Subprotocols []string

	// Origins are patterns of the web origins that a server accepts besides its
	// own host, such as "example.com" or "https://*.example.com:8443"; a subdomain
	// pattern does not match the domain itself. "*" accepts every origin: use it
	// only where cookies and the like give no rights. Requests without an Origin do
	// not come from a browser and are accepted. The exact forms are described at
	// [handshake.ServerOptions]. RFC 6455, sections 4.2.2 and 10.2.
	Origins []string

	// ReadLimit is the size in bytes of the largest message that is read; default
	// 1 MiB. One byte more fails the connection with [StatusMessageTooBig], before
	// memory is spent on it. [Conn.SetReadLimit] changes it later.
	ReadLimit int64

	// KeepAlive is how long a waiting read stays silent before the peer is sent a
	// Ping, and how long it then has to show life; default 30 s. Any byte in or out
	// counts, one of a half-received message too. Without life the connection fails
	// with [ErrKeepAlive]. The clock runs only while a read is waiting, and needs a
	// stream that has read deadlines, as every net.Conn should. Negative: off.
	KeepAlive time.Duration

	// IdleTimeout closes a connection over which no message has come or gone for so long,
	// with [StatusGoingAway] and the reason "idle timeout"; the error is [ErrIdleTimeout].
	// Zero and negative: off. Pings and Pongs do not count, those of KeepAlive neither: that
	// finds a peer that is gone, IdleTimeout one that has nothing to say. A message that is
	// still arriving, or being written, counts. The clock runs only while a read is
	// waiting, and begins anew with each message: a function that works on a message is
	// not idle. A program that only writes has it run by [Conn.Discard].
	IdleTimeout time.Duration

	// WriteTimeout bounds how long the stream may take for each 128 KiB, or less, that is
	// written to it, so that a peer that does not read holds nobody for ever; default
	// 30 s. A stream that takes longer ends the connection with [ErrWriteTimeout], by the
	// time it has taken twice as long. The context of a call may allow less.
	WriteTimeout time.Duration

	// ControlRate is how many frames in a second the peer may send that nobody sees and
	// that bring nothing: Pings, Pongs that answer none of ours, and fragments without
	// payload that are not the last of their message; default 100. It may save them up for
	// 10 s, so that 1,000 may come at once. One more fails the connection with
	// [StatusPolicyViolation]. Fragments with payload are bounded by ReadLimit alone.
	ControlRate int

	// NoGathering has every reply of a function of [Conn.Serve] sent at once. By default
	// a reply may wait until the messages that had arrived with its own were dealt with.
	NoGathering bool

	// PostLimit is how many bytes of messages that were given to [Conn.Post] may wait
	// for their turn; default 1 MiB. A message counts for at least 8 bytes.
	PostLimit int64

	// PostOverflow says what becomes of a message for which PostLimit leaves no room; by
	// default Post returns [ErrPostLimit].
	PostOverflow Overflow

	// Compression switches permessage-deflate on, if the peer agrees; nil is off.
	// ReadLimit counts what messages have inflated, exactly; compressed they may have
	// twice as many bytes and 64 KiB more, which leaves room for data that does not
	// compress. RFC 7692.
	Compression *Compression

	// Admit, if not nil, is asked on a server about each request that is right in every
	// other respect, before it is accepted: to know of every connection before its client
	// does, to bound their number, in all or from one address. An error refuses the request:
	// a [*handshake.Error] says with which status and header, any other is answered with 500.
	// If there is no error, the function that was returned, unless it is nil, is called
	// exactly once: with the connection, before anybody but Hooks has it, or with nil if the
	// handshake has failed after all, for example because the client has gone. Both are
	// called on the goroutine of the handshake, and the function should not wait for
	// anything. [Conn.Context] says when the connection has ended. ctx ends when
	// HandshakeTimeout is over; [handshake.ServerOptions] says what of r may be kept. Where
	// the request comes from is in its RemoteAddr; the example shows what to count.
	Admit func(ctx context.Context, r *handshake.Request) (opened func(*Conn), err error)

	// Hooks, if not nil, are told what happens on each connection. Its functions are
	// copied like everything else here.
	Hooks *Hooks

	// HandshakeTimeout bounds the opening handshake; default 10 s. When dialling
	// that is everything from the name lookup to the response.
	HandshakeTimeout time.Duration
}

// settings are those options that a connection looks at for as long as it lives, and that
// never change: most connections have the same. What only those have that want it hangs here.
type settings struct {
	keepAlive    time.Duration
	writeTimeout time.Duration
	controlRate  int
	postLimit    int64
	postOverflow Overflow
	noGathering  bool
	hooks        *Hooks    // nil: none
	idle         *idleness // nil: none; else that of this connection alone
}

var defaultSettings = settings{
	keepAlive:    defaultKeepAlive,
	writeTimeout: defaultWriteTimeout,
	controlRate:  defaultControlRate,
	postLimit:    defaultPostLimit,
}

// settle returns the settings that o, which has its defaults, stands for.
func (o *Options) settle() *settings {
	s := settings{o.KeepAlive, o.WriteTimeout, o.ControlRate, o.PostLimit, o.PostOverflow, o.NoGathering, o.Hooks, newIdle(o.IdleTimeout)}
	if s == defaultSettings {
		return &defaultSettings
	}
	return &s
}

// forOne returns the settings of one more connection, which has a clock of its own if it has
// one.
func (s *settings) forOne() *settings {
	if s.idle == nil {
		return s
	}
	own := *s
	own.idle = newIdle(s.idle.timeout)
	return &own
}

// options are Options with their defaults, and the settings of all connections that are
// made with them.
type options struct {
	Options
	settings *settings
}

// withDefaults returns a copy of o in which every zero number is the default.
func (o *Options) withDefaults() options {
	var c options
	if o != nil {
		c.Options = *o
	}
	c.Subprotocols, c.Origins = slices.Clone(c.Subprotocols), slices.Clone(c.Origins)
	if c.Compression != nil {
		z := *c.Compression
		c.Compression = &z
	}
	if c.Hooks != nil {
		h := *c.Hooks
		c.Hooks = &h
	}
	if c.ReadLimit == 0 {
		c.ReadLimit = defaultReadLimit
	}
	if c.PostLimit == 0 {
		c.PostLimit = defaultPostLimit
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = defaultKeepAlive
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = defaultWriteTimeout
	}
	if c.ControlRate == 0 {
		c.ControlRate = defaultControlRate
	}
	if c.HandshakeTimeout == 0 {
		c.HandshakeTimeout = defaultHandshakeTimeout
	}
	c.settings = c.settle()
	return c
}
