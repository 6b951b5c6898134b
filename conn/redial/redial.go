package redial

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// errNoDial is for iterations without a function that dials.
var errNoDial = errors.New("redial: there is no function that dials")

// errNothing is for functions that return neither.
var errNothing = errors.New("redial: the function that dials has returned no connection and no error")

// Conns returns an iterator over connections that dial makes, which calls conn.Dial with a
// URL and options, and may use others each time: a fresh token, or another server. A pair is
// a connection or the error of an attempt that has failed, as dial has returned it. The
// first attempt is made at once, and each further one after a pause.
//
// The body of the loop has the connection to itself. When it goes on or breaks off, the
// connection is cut, unless it has ended: a body that is done with a connection closes it.
// On an error it goes on to have another attempt made, or breaks off to give up.
//
// The iteration ends by itself when ctx ends, which also interrupts pauses and attempts,
// without a pair that says so; and after an error that is final, as described for the
// package. It may be used again, and begins anew then.
//
// RFC 6455, section 7.2.3 (7.2.3-01).
func Conns(ctx context.Context, dial func(ctx context.Context) (*conn.Conn, error), o *Options) iter.Seq2[*conn.Conn, error] {
	opts := o.withDefaults()
	return func(yield func(*conn.Conn, error) bool) {
		if dial == nil {
			yield(nil, errNoDial)
			return
		}
		b := newBackoff(&opts)
		for ctx.Err() == nil {
			c, err := dial(ctx)
			if c == nil && err == nil {
				err = errNothing
			}
			switch {
			case err != nil:
				if ctx.Err() != nil || !yield(nil, err) || final(err) {
					return
				}
			default:
				begun := time.Now()
				if !visit(c, yield) {
					return
				}
				if time.Since(begun) >= opts.Stable {
					b.reset()
				}
			}
			sleep(ctx, b.next()+retryAfter(err))
		}
	}
}

// visit has the body of the loop use a connection.
func visit(c *conn.Conn, yield func(*conn.Conn, error) bool) bool {
	defer c.CloseNow()
	return yield(c, nil)
}

// final reports whether another attempt would have no other result.
func final(err error) bool {
	e, ok := errors.AsType[*handshake.Error](err)
	if !ok {
		return false
	}
	switch e.Status {
	case 0:
		// No answer: nothing was asked only if there is no address to ask.
		return e.Section == sectionURL
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return true
	}
	return e.Status < 500
}

// sectionURL is the section of RFC 6455 that a URL does not obey which is not valid.
const sectionURL = "3"

// sleep waits for a time, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
