// Package conn is a WebSocket connection: messages in and out over a net.Conn, as RFC
// 6455 and RFC 7692 have it, in both roles.
//
// A server gets a [Conn] from [Accept] or [Handler], a client from [Dial]; [New] takes
// over a stream that was upgraded elsewhere, [Listen] does without net/http, and [Pipe]
// makes both ends of a connection in memory. [Conn.Read] and [Conn.Write] are all that most
// programs need. A program that answers messages is fastest with [Conn.Serve]. For
// messages that are not to be held whole in memory there are [Conn.Reader] and
// [Conn.Writer], for many receivers of the same message [Prepare] and [Conn.Post], and for
// protocols that want a stream [AsNetConn].
//
// A server that stops has package drain end all connections; a client that is to stay
// connected has package redial dial again.
//
// # Concurrency
//
// Any method may be called by any goroutine at any time. Reading, writing a message and
// writing a frame are turns, taken in the order in which they are asked for; waiting for
// one ends with the context of the call. Messages never mix, and control frames go out
// between the fragments of a message. Misuse is an error, never a panic; only a nil context
// and a *Conn or *Replier that is nil or zero panic, as usual.
//
// # Contexts
//
// A context that ends during a read takes nothing with it: what has arrived is kept, and
// the next read goes on. A context that ends while a write waits for its turn has changed
// nothing; once bytes may have left, it ends the connection, since a frame cannot be taken
// back. Passing the same context again and again, for example that of [Handler], costs no
// allocation. A stream without read deadlines can only be closed to interrupt it, so
// there a cancelled read ends the connection too.
//
// # Who reads
//
// Control frames are dealt with while something reads: Read, a Reader, Messages, Serve
// or Discard, and Ping and Close while they wait. A program that only writes runs
// [Conn.Discard] in a goroutine; without any reader Pings of the peer go unanswered and
// its Close unseen. While a read waits, keepalive watches the peer, and IdleTimeout, which is
// off by default, whether there are messages at all, see [Options].
//
// # Limits
//
// A message is limited to 1 MiB unless [Options].ReadLimit or [Conn.SetReadLimit] say
// otherwise. Memory is taken for bytes that have arrived, never for those that a header
// announces. While nothing is being read or written a connection holds no buffer; on
// Linux that goes for a TCP connection whose reader waits, too. What the peer
// is owed, Pongs, is one slot: a peer that sends Pings and does not read gets the Pong for
// its latest.
//
// What is given to [Conn.Post] for a peer that does not keep up is limited to 1 MiB, and
// [Overflow] says what becomes of more: an error, fewer messages, or the end of the
// connection. [Conn.Backlog] tells how much waits.
//
// So that a peer cannot hold anybody up or keep anybody busy, a stream that takes nothing of
// what is written to it for 30 s ends the connection, and so do more than 1,000 Pings, Pongs
// and empty fragments at once or 100 in a second. [Options] has all limits.
//
// # Compression
//
// [Options].Compression switches permessage-deflate on, RFC 7692, if the peer agrees. Read
// limits count inflated bytes, exactly. Messages that are small go out plain, and so
// does what is sent with [MessageType.Plain]. A message that is large leaves in several
// fragments, so that neither side needs memory for all of it compressed.
//
// # Closing
//
// A connection ends once, and every later call returns the same error, which matches
// net.ErrClosed and its cause: a [*CloseError] if the peer closed, answered our Close or
// vanished, a [*FailError] if it broke a rule, [ErrKeepAlive] or one like it, the error of a
// context or of the stream. [Conn.Close] does the closing handshake, in bounded time;
// [Conn.CloseNow] does not. [Conn.Context] ends with the connection.
//
// # Watching
//
// [Options].Hooks are functions that are told what happens: that connections open and end,
// by whom and why, the messages that pass with their sizes before and after compression,
// the time that Pings take, and the rules that peers break. They cost nothing where there
// are none; examples/observe makes logs and metrics of them.
//
// # Where the RFC leaves room
//
// Lengths that are not in their shortest form fail the connection with 1002, and so do
// close codes other than 1000 to 1003, 1007 to 1014 and 3000 to 4999. A valid code is
// answered with itself, an empty Close with an empty one. A Close inside an unfinished
// message is a clean end. After our Close, messages are still delivered and Pings
// answered until the peer's Close; after that nothing but our Close is sent. Text is
// checked as it arrives, and the first invalid byte fails the connection with 1007. Text
// to be sent is checked too.
package conn
