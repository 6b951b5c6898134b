package conn

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/duplexws/duplex/internal/protocol"
)

// Reader waits for the next message and returns its type and a reader for its bytes,
// which come as they arrive. The reader returns io.EOF when the message is complete
// and was valid; until then what it has returned is the beginning of a message that
// may yet turn out to be broken off, too big, or not text.
//
// ctx holds for the reader too. If it ends, calls return its error and nothing is
// lost: Reader with another context returns a new reader that continues the same
// message. Closing a reader drops the rest of its message without waiting for it. Until
// a reader has come to io.EOF or was closed, other calls that read return
// [ErrReaderOpen], so that none gets a part of a message; only Reader may take over,
// once the context of the reader has ended.
func (c *Conn) Reader(ctx context.Context) (MessageType, io.ReadCloser, error) {
	if err := c.acquireRead(ctx); err != nil {
		return 0, nil, err
	}
	defer c.releaseRead()
	if err := c.beginMessage(ctx, true); err != nil {
		return 0, nil, err
	}
	r := &messageReader{c: c, ctx: ctx}
	c.message.reader = r
	return MessageType(c.rx.Opcode()), r, nil
}

// messageReader reads the message under way as long as it is the reader in
// Conn.message.
type messageReader struct {
	c      *Conn
	ctx    context.Context
	closed atomic.Bool
	atEOF  atomic.Bool
}

// Read implements io.Reader.
func (r *messageReader) Read(p []byte) (int, error) {
	if r.atEOF.Load() {
		return 0, io.EOF
	}
	if err := r.c.acquireRead(r.ctx); err != nil {
		return 0, err
	}
	defer r.c.releaseRead()
	return r.read(p)
}

func (r *messageReader) read(p []byte) (int, error) {
	c := r.c
	switch {
	case r.atEOF.Load():
		return 0, io.EOF
	case c.terminal() != nil:
		return 0, c.terminal()
	case r.closed.Load() || c.message.reader != r:
		return 0, errReaderOver
	case r.ctx.Err() != nil:
		return 0, cancelled(r.ctx)
	case len(p) == 0:
		return 0, nil
	}
	if kept := c.message.kept; len(kept) > 0 {
		n := copy(p, kept)
		c.message.kept = kept[n:]
		return n, nil
	}
	for {
		n, last, err := c.readPart(r.ctx, p)
		if err == nil && last {
			if err = c.endMessage(); err == nil {
				r.atEOF.Store(true)
				err = io.EOF
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// readPart moves what comes next of the message under way to p and reports whether it
// was the last. It may be no byte.
func (c *Conn) readPart(ctx context.Context, p []byte) (n int, last bool, err error) {
	kind, err := c.advance(ctx)
	switch {
	case err != nil:
		return 0, false, err
	case c.compressed():
		return c.readInflated(ctx, kind, p)
	case kind == protocol.End:
		return 0, true, nil
	}
	n, err = c.take(ctx, p)
	return n, false, err
}

// Close implements io.Closer. It never waits and never fails: the rest of the message
// is dropped by the next call that reads.
func (r *messageReader) Close() error {
	r.closed.Store(true)
	return nil
}
