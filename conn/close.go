package conn

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
)

// How long the parts of an ending may take, and how much is read of what a peer sends
// that we have given up on.
const (
	closeTime = 5 * time.Second        // a closing handshake
	failTime  = 250 * time.Millisecond // sending the Close frame of a failure, and again reading on after it
	failBytes = 64 << 10

	// readerGrace is how long Close leaves messages that have arrived to a reader
	// that may be between two reads, before it drops them.
	readerGrace = 250 * time.Millisecond

	// slowReader is the same for a reader that has come since Close began: it takes
	// its time with each message.
	slowReader = closeTime - time.Second
)

// Close closes the connection: it sends a Close frame, waits for the peer's, and
// closes the stream, the server first. What was given to [Conn.Post] leaves before, as
// far as the stream takes it within 250 ms. Messages that arrive before the peer's Close
// frame are delivered to whoever reads. If nobody comes to read for 250 ms they are
// dropped, and if somebody has come and does not come again, after 4 s; there is no gap:
// who comes after that gets none of those that follow. Pings are still answered. While a
// function of [Conn.Serve] runs, which has to return before anything can be read, Close
// only sends the Close frame; the rest happens when it has returned, within the same
// time.
//
// Close returns nil if the closing handshake was completed, whoever began it and
// however often Close is called. If ctx ends or 5 s pass before that, or the stream
// breaks, it returns that error; with a context that has ended already, the Close frame
// is sent if the stream takes it, and nothing is waited for. In any case the connection
// has ended when Close returns.
//
// A code that may not be sent is sent as [StatusInternalError] and reported; a Close
// frame without a code is sent for [StatusNoStatusReceived] without a reason. A reason
// is made valid UTF-8 and cut after at most 123 bytes.
//
// RFC 6455, sections 7.1.1, 7.1.2 and 7.4.
func (c *Conn) Close(ctx context.Context, code StatusCode, reason string) error {
	body, misuse := closeBody(code, reason)
	if c.handling.Load() != 0 {
		return c.closeInHandler(ctx, body, misuse)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, closeTime, errCloseTime)
	defer cancel()
	over := c.over.Load()
	c.awaitPosts(ctx)
	// The frame may have to wait for a writer, and that for the peer, who may wait
	// for us to read. So both go on at the same time.
	free := c.writeTurn.try()
	sent := make(chan struct{})
	go func() {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), closeTime, errCloseTime)
		defer cancel()
		// An error has ended the connection, or the time is over.
		if free {
			_ = c.sendCloseInTurn(ctx, body)
		} else {
			_ = c.sendClose(ctx, body)
		}
		close(sent)
	}()
	err := c.awaitClose(ctx)
	if ctx.Err() != nil && free && c.terminal() == nil {
		patience := time.NewTimer(failTime)
		defer patience.Stop()
		select {
		case <-sent:
		case <-patience.C:
		}
	}
	if c.terminal() != nil {
		// The end is under way, and takes a bounded time.
		select {
		case <-c.ended():
		case <-ctx.Done():
		}
	}
	err = c.end(err, cut)
	<-sent
	return c.closed(err, misuse, over)
}

// CloseNow cuts the connection: it closes the stream without a closing handshake and
// does not wait for anything. All calls in progress return. It returns nil, also if
// the connection had ended before.
//
// RFC 6455, section 7.1.1.
func (c *Conn) CloseNow() error {
	_ = c.end(errCloseNow, cut)
	return nil
}

// closeInHandler is Close while a function of Serve runs. What comes after the Close frame
// is left to whoever reads when the function has returned.
func (c *Conn) closeInHandler(ctx context.Context, body []byte, misuse error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, closeTime, errCloseTime)
	defer cancel()
	over := c.over.Load()
	c.awaitPosts(ctx)
	err := c.sendClose(ctx, body)
	if err == nil && c.terminal() == nil {
		go func() {
			ctx, cancel := context.WithTimeoutCause(context.Background(), closeTime, errCloseTime)
			defer cancel()
			_ = c.end(c.awaitClose(ctx), cut)
		}()
		return misuse
	}
	if c.terminal() != nil {
		// The end is under way, and takes a bounded time.
		select {
		case <-c.ended():
		case <-ctx.Done():
		}
	}
	return c.closed(c.end(err, cut), misuse, over)
}

// closed returns what Close returns when the connection has ended with err. over says
// whether that was so before.
func (c *Conn) closed(err, misuse error, over bool) error {
	switch {
	case c.closedCleanly():
		return misuse
	case misuse != nil && !over:
		return errors.Join(err, misuse)
	}
	return err
}

// closeBody returns a body that may be sent, and an error if it is not what the caller
// wanted.
func closeBody(code StatusCode, reason string) (body []byte, misuse error) {
	if reason = strings.ToValidUTF8(reason, "\uFFFD"); len(reason) > frame.MaxReasonLen {
		n := frame.MaxReasonLen
		for !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	body, err := frame.AppendClose(nil, code, reason)
	if err != nil {
		misuse = &codeError{code}
		body, _ = frame.AppendClose(nil, StatusInternalError, reason)
	}
	return body, misuse
}

// closedCleanly reports whether the closing handshake was completed: both Close frames
// have passed. What becomes of the stream after that changes nothing.
func (c *Conn) closedCleanly() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closeSent && c.closeReceived
}

// sendClose sends a Close frame unless one was sent already. When it returns nil the
// frame has left: a caller that finds it sent waits here until its sender is done. What a
// socket takes at once leaves also if ctx has ended by now.
//
// RFC 6455, section 5.5.1: nothing but the end follows it.
func (c *Conn) sendClose(ctx context.Context, body []byte) error {
	if err := c.takeTurnToClose(ctx); err != nil {
		return err
	}
	return c.sendCloseInTurn(ctx, body)
}

// takeTurnToClose takes the write turn for a Close frame.
func (c *Conn) takeTurnToClose(ctx context.Context) error {
	if c.broken.Load() {
		return io.ErrClosedPipe // whoever has broken it holds the write turn
	}
	return c.acquire(ctx, &c.writeTurn, nil)
}

// sendCloseInTurn is sendClose with the write turn, which it gives back.
func (c *Conn) sendCloseInTurn(ctx context.Context, body []byte) error {
	c.mu.Lock()
	due := c.state.MaySendClose()
	if due {
		c.enter(c.state.After(protocol.SendClose))
	}
	c.mu.Unlock()
	var err error
	if due {
		if err = c.transmitShort(ctx, c.control(frame.Close, body), body); err == nil {
			c.mu.Lock()
			c.closeSent = true
			c.mu.Unlock()
		}
	}
	c.releaseWrite()
	return err
}

// awaitClose waits until the connection has ended because the peer's Close came. If
// nobody else reads, it does.
func (c *Conn) awaitClose(ctx context.Context) error {
	begun := time.Now()
	drop, seen := false, c.read.Load()
	for {
		if err := c.acquire(ctx, &c.readTurn, nil); err != nil {
			return err
		}
		err := c.attend(ctx, nil, drop)
		reads, gap := c.reads.Load(), c.gap
		c.releaseRead()
		if err != nil {
			return err
		}
		if gap { // whoever comes is for the end only
			drop = true
			continue
		}
		grace := readerGrace
		if seen {
			grace = max(grace, slowReader-time.Since(begun))
		}
		came, err := c.awaitReader(ctx, nil, reads, grace)
		if err != nil {
			return err
		}
		drop, seen = !came, seen || came
	}
}

// closeArrived deals with the peer's Close frame: it is answered, and the connection
// ends. It returns the terminal error. ctx is that of the read that met the frame;
// if it ends, the rest goes on without it, for a bounded time.
//
// RFC 6455, sections 5.5.1 and 7.1.5.
func (c *Conn) closeArrived(ctx context.Context, body []byte) error {
	if c.loop != nil {
		return c.loop.leave(func() error { return c.closeArrived(ctx, body) })
	}
	code, reason, err := frame.ParseClose(body)
	if err != nil {
		return c.fail(err)
	}
	if c.gap && c.broken.Load() && claimsAll(code) {
		return &CloseError{Code: StatusAbnormalClosure, Err: errUnread} // or what whoever has broken it says
	}
	c.mu.Lock()
	answer := c.state == protocol.SentClose
	c.enter(c.state.After(protocol.ReceiveClose))
	c.closeReceived = c.state == protocol.ReceivedClose || c.state == protocol.BothClosed
	c.settle(&CloseError{Code: code, Reason: reason, Answer: answer})
	c.mu.Unlock()

	echo := bytesClone(body)
	finished := make(chan struct{})
	go func() {
		c.finish(echo)
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	return c.terminal()
}

// claimsAll reports whether a peer that closes with this code has said all that it wanted
// to. Who is told so has to have got that.
func claimsAll(code StatusCode) bool {
	return code == StatusNormalClosure || code == StatusGoingAway || code == StatusNoStatusReceived
}

// finish completes a closing handshake after the peer's Close has come. It has the
// read side of the stream to itself, since readers see the terminal error first.
func (c *Conn) finish(answer []byte) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), closeTime, errCloseTime)
	defer cancel()
	if !c.closedCleanly() {
		if err := c.sendClose(ctx, answer); err != nil {
			c.end(err, cut)
			return
		}
	}
	// RFC 6455, section 7.1.1: the server closes TCP first, the client waits for it. If
	// the server left unread what still comes, such as a Pong, it would reset the stream.
	switch {
	case c.role == Client:
		c.dropInput(ctx, -1)
		c.end(nil, orderly)
	case closesWrite(c.nc):
		_ = c.linger(closeTime)
	default:
		c.end(nil, orderly)
	}
}
