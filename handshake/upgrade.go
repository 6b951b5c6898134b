package handshake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Upgrade performs the server's side of the opening handshake inside a handler of
// net/http and takes the connection over. o may be nil.
//
// The request is judged by Verdict before anything else happens. If it is refused,
// Upgrade writes a complete HTTP response that says why, leaves the connection to
// the server, and returns an [*Error]; the handler has nothing left to do but to
// return. If it is accepted, Upgrade takes the connection over, by way of
// [http.ResponseController], so that wrappers of the ResponseWriter work that have
// an Unwrap method, and writes the 101 response. The fields that were set in
// w.Header() before go out with it, cookies for example, and so do those in
// o.Header; a field that belongs to the handshake, or a value with CR, LF or NUL,
// fails the handshake with 500.
//
// The connection then belongs to the caller, with no deadline set. Bytes that the
// client sent behind its request are in Result.Buffered.
//
// HTTP/2 connections cannot be taken over and are answered 505, a ResponseWriter
// that does not let its connection be taken over is answered 500 with an error that
// names its type. If the connection was taken over before, nothing is answered.
//
// RFC 6455, section 4.2.
func Upgrade(w http.ResponseWriter, r *http.Request, o *ServerOptions) (nc net.Conn, result Result, err error) {
	if o == nil {
		o = &defaultServer
	}
	if w == nil || r == nil {
		return nil, Result{}, without("a request or a place for the response")
	}
	u := upgrades.Get().(*upgrade)
	failure := u.run(w, r, o)
	if failure != nil {
		err = failure
	} else {
		nc, result = u.nc, u.result
	}
	u.free(o)
	return nc, result, err
}

// An upgrade is what Upgrade needs while it lasts. It is not on the stack, since that of
// net/http would have to grow for it, which takes longer than the upgrade. It is used again.
type upgrade struct {
	req    *Request
	host   [1]string
	resp   Response
	nc     net.Conn
	result Result
}

var upgrades = sync.Pool{New: func() any { return &upgrade{req: new(Request)} }}

// free gives the memory back. Check may have kept the request.
func (u *upgrade) free(o *ServerOptions) {
	req := u.req
	if o.Check != nil {
		req = new(Request)
	}
	*req = Request{}
	*u = upgrade{req: req}
	upgrades.Put(u)
}

// run judges the request and takes the connection over.
func (u *upgrade) run(w http.ResponseWriter, r *http.Request, o *ServerOptions) *Error {
	host := u.host[:0]
	if o.Check != nil {
		host = nil
	}
	u.req.takeHTTP(r, host)
	failure := u.judge(w, r, o)
	if failure == nil {
		failure = u.hijack(w, r)
	}
	if failure == nil {
		failure = writeHead(u.nc, u.req.Key[0], &u.resp, merge(w.Header(), o.Header), o.Timeout)
		if failure != nil {
			closeNow(u.nc)
		}
	}
	return failure
}

// judge judges the request and answers one that is refused.
func (u *upgrade) judge(w http.ResponseWriter, r *http.Request, o *ServerOptions) (failure *Error) {
	u.resp, failure = o.judge(u.req)
	if failure == nil {
		u.req.address()
		u.result = Result{Subprotocol: u.resp.Subprotocol, Extensions: u.resp.Extensions, Header: r.Header}
		u.result.Host, u.result.Target = u.req.Host[0], u.req.Target
		failure = o.ask(r.Context(), u.req)
	}
	if failure == nil {
		if err := checkHeader(w.Header()); err != nil {
			failure = &Error{Status: http.StatusInternalServerError, Reason: "a field of the response cannot be sent", Err: err}
		}
	}
	if failure != nil {
		respondRefusal(w, r, failure)
	}
	return failure
}

// hijack takes the connection over.
func (u *upgrade) hijack(w http.ResponseWriter, r *http.Request) *Error {
	// RFC 6455, section 4.2.2: nothing is taken over before all checks were made
	// (4.2.2-01).
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return respondHidden(w, r, err)
	}
	u.nc = nc
	if rw != nil {
		// What the server's reader has read ahead are the first frames.
		if n := rw.Reader.Buffered(); n > 0 {
			ahead, _ := rw.Reader.Peek(n)
			u.result.Buffered = bytes.Clone(ahead)
		}
		if rw.Writer.Buffered() > 0 {
			closeNow(nc)
			return &Error{Reason: "another response to the request has begun"}
		}
	}
	return nil
}

// respondHidden answers a request whose connection cannot be taken over.
func respondHidden(w http.ResponseWriter, r *http.Request, err error) *Error {
	failure := &Error{Reason: fmt.Sprintf("the connection cannot be taken over from a %T", w), Err: err}
	// Whoever has taken it over before has the only way to answer.
	if !errors.Is(err, http.ErrHijacked) {
		failure.Status = http.StatusInternalServerError
		respondRefusal(w, r, failure)
	}
	return failure
}

// writeHead writes the 101 response in bounded time and leaves no deadline behind.
func writeHead(nc net.Conn, key string, resp *Response, extra http.Header, d time.Duration) *Error {
	m := memories.Get().(*memory)
	m.out = resp.appendFor(key, m.out[:0], extra)
	var err error
	if n := sendNow(nc, m.out); n == len(m.out) {
		// Whoever has wrapped the ResponseWriter may have left a deadline.
		_ = nc.SetDeadline(noDeadline)
	} else {
		err = writeRest(nc, m.out[n:], d)
	}
	m.free()
	if err != nil {
		return &Error{Reason: "the response could not be written", Err: err}
	}
	return nil
}

// writeRest writes what the stream would not take at once.
func writeRest(nc net.Conn, b []byte, d time.Duration) error {
	l := limitTime(nc, d)
	_, err := nc.Write(b)
	if !l.release() || err != nil && l.over() {
		return context.DeadlineExceeded
	}
	return err
}

// merge is a with the lines of b added.
func merge(a, b http.Header) http.Header {
	if len(b) == 0 {
		return a
	}
	all := maps.Clone(a)
	if all == nil {
		all = http.Header{}
	}
	for name, values := range b {
		all[name] = append(slices.Clip(all[name]), values...)
	}
	return all
}
