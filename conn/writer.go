package conn

import (
	"context"
	"errors"
	"io"
)

// Writer starts a message that is written piece by piece. Closing the writer
// completes the message; until then other messages wait, while control frames go out
// in between. A writer must be closed, also after an error.
//
// Small writes are gathered, so a short message leaves in one frame; a large write, or
// what fills 4 KiB, leaves as a fragment at once; compressed, up to 64 KiB are held back
// until there is a block of them. The slices are only read, and not used after Write
// has returned.
//
// ctx holds until the message is complete. If it ends before any of the message has
// left, the message is dropped and nothing has happened; later, the message cannot be
// completed, so the connection is ended. The same goes for text that turns out not to
// be valid UTF-8, which is refused with an error that matches frame.TextNotUTF8. To give
// a message up, for example when what writes it has failed, end ctx before Close: else
// Close would complete what there is of it.
//
// RFC 6455, sections 5.4 and 6.1.
func (c *Conn) Writer(ctx context.Context, t MessageType) (io.WriteCloser, error) {
	if err := t.check(nil); err != nil {
		return nil, err
	}
	if err := c.acquire(ctx, &c.messageTurn, nil); err != nil {
		return nil, err
	}
	if err := c.mayWrite(ctx); err != nil {
		c.releaseMessage()
		return nil, err
	}
	c.begin(t, false)
	w := &messageWriter{c: c, ctx: ctx, t: t}
	if ctx.Done() != nil {
		w.turn.try() // until stop is set
		w.stop = context.AfterFunc(ctx, w.expire)
		w.turn.release()
	}
	return w, nil
}

// messageWriter holds the message turn until it is closed or has failed.
type messageWriter struct {
	c   *Conn
	ctx context.Context
	t   MessageType

	turn       turn    // what follows is used under it, for calls at the same time
	out        *output // gathers small writes; nil: none
	n          int     // bytes in out
	size       int64   // bytes of the message
	begun      bool    // compressed is settled
	compressed bool
	sent       bool  // a fragment has left
	err        error // sticky; errWriterClosed after Close
	stop       func() bool
}

var errWriterClosed = errors.New("duplex: write: the Writer is closed")

// Write implements io.Writer.
func (w *messageWriter) Write(p []byte) (int, error) {
	if err := w.c.acquire(w.ctx, &w.turn, nil); err != nil {
		return 0, err
	}
	n, err := w.write(p)
	w.turn.release()
	return n, err
}

// expire gives the message up when the context ends, so that a writer that is never
// closed does not keep the others waiting.
func (w *messageWriter) expire() {
	if w.c.acquire(context.Background(), &w.turn, nil) == nil {
		_ = w.ready()
		w.turn.release()
	}
}

func (w *messageWriter) write(p []byte) (int, error) {
	if err := w.ready(); err != nil {
		return 0, err
	}
	if err := w.c.tx.Message(p); err != nil {
		return 0, w.fail(errNotText)
	}
	w.size += int64(len(p))
	if w.n+len(p) <= smallOutput {
		w.gather(p)
		return len(p), nil
	}
	// What was gathered leaves first. The rest is gathered again if it is small.
	w.settle(w.n + len(p))
	if err := w.flush(false); err != nil {
		return 0, err
	}
	if len(p) <= smallOutput {
		w.gather(p)
		return len(p), nil
	}
	if err := w.send(false, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close completes the message. If that failed, or a Write has, it returns the error.
func (w *messageWriter) Close() error {
	// A call in progress ends with the context: waiting for it has an end.
	if err := w.c.acquire(context.Background(), &w.turn, nil); err != nil {
		return err
	}
	err := w.close()
	w.turn.release()
	return err
}

func (w *messageWriter) close() error {
	if err := w.ready(); err != nil {
		if err == errWriterClosed {
			return nil
		}
		return err
	}
	if err := w.c.tx.EndMessage(); err != nil {
		return w.fail(errNotText)
	}
	w.settle(w.n)
	if err := w.flush(true); err != nil {
		return err
	}
	if w.c.settings.hooks != nil {
		w.c.tellWritten(w.t, w.size, w.compressed)
	}
	w.finish(errWriterClosed)
	return nil
}

func (w *messageWriter) gather(p []byte) {
	if w.out == nil {
		w.out = getOutput(smallOutput)
	}
	w.n += copy(w.out.b[w.n:], p)
}

// flush sends what was gathered, and for the last frame also nothing.
func (w *messageWriter) flush(fin bool) error {
	if w.n == 0 && !fin {
		return nil
	}
	var p []byte
	if w.n > 0 {
		p = w.out.b[:w.n]
	}
	w.n = 0
	return w.send(fin, p)
}

// settle decides, before the first piece of the message leaves, whether it is
// compressed. So far it has size bytes.
func (w *messageWriter) settle(size int) {
	if w.begun {
		return
	}
	w.begun = true
	if w.compressed = w.c.compresses(w.t, size); w.compressed {
		w.c.markCompressed()
	}
}

// send sends the next piece of the message.
func (w *messageWriter) send(fin bool, p []byte) error {
	sent, err := w.c.writePart(w.ctx, w.compressed, fin, p)
	w.sent = w.sent || sent
	if err != nil {
		return w.fail(err)
	}
	return nil
}

// ready returns an error if the message cannot go on. What is gathered would show it
// only later.
func (w *messageWriter) ready() error {
	if w.err != nil {
		return w.err
	}
	if err := w.c.mayWrite(w.ctx); err != nil {
		return w.fail(err)
	}
	return nil
}

// fail gives the message up. If a part of it has left it can never be completed, and
// the peer waits for the rest: the connection has to end.
func (w *messageWriter) fail(err error) error {
	if w.compressed {
		w.c.deflate.forget()
	}
	if w.sent {
		err = w.c.abandon(err, StatusInternalError)
	}
	w.finish(err)
	return err
}

// finish gives back what the writer holds.
func (w *messageWriter) finish(err error) {
	w.err = err
	if w.stop != nil {
		w.stop()
	}
	if w.out != nil {
		putOutput(w.out)
		w.out = nil
	}
	w.c.releaseMessage()
}
