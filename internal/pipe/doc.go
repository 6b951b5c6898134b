// Package pipe is a pair of connected net.Conns in memory. Unlike those of
// net.Pipe they are buffered, and they can be closed for writing only, so that a
// program written for TCP runs over them as it does over TCP, without sockets.
//
// What holds for a net.Conn of the standard library holds here: deadlines apply to
// calls that are already waiting and may be moved at any time; concurrent writes do
// not mix; after Close the peer reads what was written before, then io.EOF; errors
// are *net.OpError values that wrap os.ErrDeadlineExceeded, net.ErrClosed or
// io.ErrClosedPipe. A connection that is closed with data unread discards it and is
// not reset: the peer still reads what it was sent.
//
// All methods may be called concurrently. No slice is kept. Nothing runs in the
// background but the timer of a deadline, which ends with Close. Every wait is one
// that a testing/synctest bubble counts as durably blocked.
package pipe
