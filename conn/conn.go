package conn

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/protocol"
)

// Conn is a WebSocket connection. Get one from [Accept], [Handler], [Dial], [Pipe] or
// [New]. All methods may be called by any goroutine at any time.
type Conn struct {
	nc        net.Conn
	settings  *settings
	agreed    *agreed // nil: nothing
	readLimit atomic.Int64
	sentAt    atomic.Int64 // an instant: when bytes last went out, keepalive's Pings apart; or lately

	// The read turn, and what may be touched only with it.
	readTurn turn
	reading  clock
	in       input
	socket   socket
	loop     *loop // of Serve, while it runs inside RawConn.Read
	rx       protocol.Receiver
	inflate  *inflater // nil without permessage-deflate
	message  incoming
	quiet    *quiet        // nil: there was no such wait
	reads    atomic.Uint32 // how often an application took the turn
	read     atomic.Bool   // it has the turn
	awaited  atomic.Bool   // somebody waits for it to take the turn, see came
	handling atomic.Uint32 // a function of Serve runs, or did since something was read: see server.reads; else 0

	owes     atomic.Bool // something is owed, see controls
	over     atomic.Bool // err is set
	mute     atomic.Bool // state is not Open
	broken   atomic.Bool // nothing can be sent any more
	finished atomic.Bool // the stream was closed, and those who wait for that were told
	rush     uint32      // the last one in which a message left at once, see rush; guarded by mu

	// The write turn is held for one frame, and what may be touched only with it.
	// A goroutine that needs both turns takes the message turn first.
	writeTurn turn
	writing   clock
	stall     *stall  // made when needed, with mu held
	replies   replies // from here on in one cache line: what every message looks at
	tail      *[]byte // the rest of a frame that was cut, see AsNetConn and postAtOnce; nil: none

	// The message turn is held for one message.
	messageTurn turn
	deflate     *deflater // nil without permessage-deflate
	tx          protocol.Sender
	gathering   gathering // of the message under way

	role     Role
	tellsInq bool // the socket tells how much is left to be read, see ask
	untold   bool // for tests: it does not
	gap      bool // Close has dropped a message, so nobody gets the next; under the read turn

	// The two halves of the closing handshake, guarded by mu as is what follows.
	closeSent     bool // wholly
	closeReceived bool // a valid one, before any failure

	hooking uint8 // how many functions of Hooks are running; hooksOver: Closed was called

	gone   bool // the stream was closed
	inLoop bool // or will be when a loop of Serve has left it
	state  protocol.State

	mu       sync.Mutex  // never held during I/O
	err      *endedError // why the connection has ended or is about to; sticky
	posts    posts
	controls *controls       // made when needed
	waits    *attendance     // made when needed
	base     context.Context // carries the values of Context
}

// Start is what the opening handshake has come to, for a connection that was upgraded
// elsewhere. Package handshake has both sides of it.
type Start struct {
	// Role is the side that this end plays. The zero value is Client.
	Role Role

	// Buffered holds bytes that arrived together with the handshake: they are the
	// first bytes of the first frame. The connection owns the slice from then on.
	Buffered []byte

	// Subprotocol is what was agreed, if anything.
	Subprotocol string

	// Extensions are those that were agreed, with the parameters of the response. A
	// connection with any but one permessage-deflate could not be understood: New
	// ends it at once, with an error that says so.
	Extensions []handshake.Extension
}

// New returns a connection over a stream whose opening handshake is done. It takes
// over nc, whose deadlines it uses; see the package documentation for streams that
// have none. Of o, what concerns the handshake alone has no meaning here, and
// Compression has one only for what is left open where permessage-deflate was agreed.
// A connection over a nil stream has ended.
func New(nc net.Conn, s Start, o *Options) *Conn {
	opts := o.withDefaults()
	if nc != nil {
		return newConn(context.Background(), nc, &s, nil, &opts)
	}
	nc, _ = pipe.New(0)
	c := newConn(context.Background(), nc, &s, nil, &opts)
	_ = c.end(errNoStream, cut)
	return c
}

// newConn is New with what only some connections have: the values of base, and the header
// of the response, on a client.
func newConn(base context.Context, nc net.Conn, s *Start, header http.Header, opts *options) *Conn {
	c := &Conn{
		nc:       nc,
		role:     s.Role,
		settings: opts.settings.forOne(),
		in:       input{held: s.Buffered},
		tx:       protocol.NewSender(s.Role),
		base:     base,
	}
	c.reading, c.writing = newClock(c, false), newClock(c, true)
	if isTLS(nc) {
		c.reading.guard = new(guard)
	}
	c.agree(s.Subprotocol, header)
	c.readLimit.Store(opts.ReadLimit)
	c.socket.init(c)
	if c.sentAt.Store(lately); !c.socket.tells() {
		c.sentAt.Store(int64(time.Since(epoch)))
	}
	unknown := c.compress(s.Extensions, opts.Compression)
	c.rx = protocol.NewReceiver(s.Role.Peer(), c.allowed(), opts.ReadLimit)
	if c.settings.hooks != nil {
		c.tellOpened()
	}
	if unknown != nil {
		c.end(unknown, cut)
	}
	return c
}

// agreed is what is left of the opening handshake.
type agreed struct {
	subprotocol string
	header      http.Header // of the response, on a client
}

// agree notes what is left of the opening handshake, if anything.
func (c *Conn) agree(subprotocol string, header http.Header) {
	if subprotocol != "" || header != nil {
		c.agreed = &agreed{subprotocol, header}
	}
}

// Subprotocol returns the subprotocol that was agreed, or "" if there is none.
//
// RFC 6455, section 1.9.
func (c *Conn) Subprotocol() string {
	if c.agreed == nil {
		return ""
	}
	return c.agreed.subprotocol
}

// LocalAddr returns the local address of the stream.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr returns the remote address of the stream: behind a proxy, that of the
// proxy.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// NetConn returns the stream below, for example to look at a TLS state or to set TCP
// options. Reading from it, writing to it or setting its deadlines breaks the
// connection. If it is closed, the next call that reads or writes ends the connection;
// use [Conn.CloseNow] instead, and in a function of [Conn.Serve] nothing else: closing the
// stream there may wait for that function for ever.
func (c *Conn) NetConn() net.Conn { return c.nc }

// SetReadLimit changes the size in bytes of the largest message that is read, see
// [Options].ReadLimit: for example to allow little before a login and more after.
// Zero means the default here too, a negative value no limit. It holds from the next
// frame on.
func (c *Conn) SetReadLimit(n int64) {
	if n == 0 {
		n = defaultReadLimit
	}
	c.readLimit.Store(n)
}

// terminal returns the error that has ended the connection, or is about to, or nil.
func (c *Conn) terminal() error {
	if !c.over.Load() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// lately stands for a time when bytes went out that the system knows.
const lately = -1

// hasSent notes that bytes went out.
func (c *Conn) hasSent() {
	c.settings.idle.hasSent()
	switch {
	case c.settings.keepAlive <= 0:
	case !c.socket.tells():
		c.sentAt.Store(int64(time.Since(epoch)))
	case c.sentAt.Load() != lately:
		c.sentAt.Store(lately)
	}
}

// lastSent returns when bytes last went out.
func (c *Conn) lastSent() time.Time {
	at := instant(c.sentAt.Load())
	if at == lately {
		return c.socket.lastSent()
	}
	return at.time()
}

// forgetSent has bytes that went out since then count for nothing.
func (c *Conn) forgetSent(then time.Time) {
	c.sentAt.Store(int64(instantOf(then)))
}

// How the stream is closed.
type ending bool

const (
	orderly ending = false // TLS says goodbye
	cut     ending = true  // at once
)

// end closes the stream, the first time it is called, and makes cause the terminal
// error unless there is one already, which it returns.
func (c *Conn) end(cause error, how ending) error {
	c.mu.Lock()
	c.settle(cause)
	err := c.err
	c.enter(protocol.Closed)
	first, inLoop := !c.gone, c.inLoop
	c.gone = true
	c.endStall()
	c.mu.Unlock()

	switch {
	case inLoop:
		c.socket.shutdown()
	case how == cut:
		_ = cutTransport(c.nc)
	case first:
		closeTransport(c.nc)
	}
	if !first {
		return err
	}

	c.announceEnd()
	c.reading.release()
	c.writing.release()
	// Whoever holds a turn gives back what goes with it; else do it here.
	if c.readTurn.try() {
		c.releaseRead()
	}
	if c.messageTurn.try() {
		c.releaseMessage()
	}
	if c.writeTurn.try() {
		c.replies.drop()
		c.releaseWrite()
	}
	if c.settings.hooks != nil {
		c.tellClosed()
	}
	return err
}

// enter changes the state, which was Open at first. It is called with mu held.
func (c *Conn) enter(s protocol.State) {
	c.state = s
	c.mute.Store(true)
}

// settle makes cause the terminal error unless there is one already. It is called
// with mu held.
func (c *Conn) settle(cause error) {
	if c.err == nil {
		c.err = &endedError{cause}
		c.over.Store(true)
	}
}
