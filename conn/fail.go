package conn

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// fail fails the connection for a violation by the peer.
//
// RFC 6455, section 7.1.7.
func (c *Conn) fail(err error) error {
	v, _ := errors.AsType[frame.Violation](err)
	return c.giveUp(&FailError{Violation: v}, v.Code(), v.Error())
}

// giveUp fails the connection from the read side and returns the terminal error.
//
// RFC 6455, section 7.1.7.
func (c *Conn) giveUp(cause error, code StatusCode, reason string) error {
	if c.loop != nil {
		return c.loop.leave(func() error { return c.giveUp(cause, code, reason) })
	}
	if err := c.sendFailure(cause, code, reason); err != nil {
		return c.end(nil, cut)
	}
	return c.linger(failTime)
}

// abandon fails the connection without having the read turn, for example since our
// message cannot be completed, and returns the terminal error. A connection that is
// closing is left alone: there the message was given up at the boundary of a frame.
func (c *Conn) abandon(cause error, code StatusCode) error {
	c.mu.Lock()
	ended := c.err
	if ended == nil && !c.state.MaySend() {
		ended = errClosing
	}
	if ended != nil {
		c.mu.Unlock()
		return ended
	}
	c.failing(cause)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), failTime)
	defer cancel()
	return c.depart(ctx, code, "")
}

// failing notes that the connection is given up on, for a cause that becomes the terminal
// error unless there is one. It is called with mu held.
func (c *Conn) failing(cause error) {
	c.enter(c.state.After(protocol.Fail))
	c.settle(cause)
}

// depart ends a connection that is failing without having the read turn, and returns the
// terminal error. ctx is for the Close frame.
func (c *Conn) depart(ctx context.Context, code StatusCode, reason string) error {
	body, _ := closeBody(code, reason)
	err := c.sendClose(ctx, body)
	if err == nil {
		// A reader sees the terminal error as soon as something comes.
		ctx, cancel := context.WithTimeout(context.Background(), failTime)
		defer cancel()
		err = c.acquire(ctx, &c.readTurn, nil)
	}
	if err != nil {
		return c.end(nil, cut)
	}
	err = c.linger(failTime)
	c.releaseRead()
	return err
}

// sendFailure makes cause the terminal error and sends a Close frame, unless one was
// sent already, if the stream takes it soon.
func (c *Conn) sendFailure(cause error, code StatusCode, reason string) error {
	c.mu.Lock()
	first := c.err == nil
	c.failing(cause)
	c.mu.Unlock()
	if first && c.settings.hooks != nil {
		c.tellFailed(cause)
	}
	body, _ := closeBody(code, reason)
	turn, cancel := context.WithTimeout(context.Background(), failTime)
	defer cancel()
	if err := c.takeTurnToClose(turn); err != nil {
		return err
	}
	// The turn may have come late, and on a busy machine so does everything.
	ctx, cancel := context.WithTimeout(context.Background(), failTime)
	defer cancel()
	return c.sendCloseInTurn(ctx, body)
}

// linger closes the stream, with nobody else reading: half of it first, and the other
// half after a look at what is still on its way, for a limited time. Closing at once could
// reset the stream and take our Close frame with it.
//
// RFC 6455, section 7.1.1.
func (c *Conn) linger(limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// Half-closing may block on a TLS connection; closing it frees that.
	stuck := context.AfterFunc(ctx, func() { _ = cutTransport(c.nc) })
	closeWrite(c.nc)
	if stuck() {
		c.dropInput(ctx, failBytes)
	}
	return c.end(nil, orderly)
}

// dropInput reads from the stream, without a look at what comes, until it ends, ctx
// ends, or limit bytes have come; negative: any.
func (c *Conn) dropInput(ctx context.Context, limit int) {
	p := make([]byte, 4096)
	for empty := 0; limit != 0 && empty < maxEmptyReads; {
		if c.reading.begin(ctx, time.Time{}, 0) != nil {
			return
		}
		n, err := c.nc.Read(p)
		c.reading.end()
		if err != nil {
			return
		}
		if n == 0 {
			empty++
		}
		if limit > 0 {
			limit = max(limit-n, 0)
		}
	}
}

// lost ends the connection because the stream has.
//
// RFC 6455, section 7.1.5: no Close frame was received, which is 1006.
func (c *Conn) lost(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return c.end(&CloseError{Code: StatusAbnormalClosure, Err: err}, orderly)
}
