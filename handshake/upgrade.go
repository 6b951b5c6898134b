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
func Upgrade(w http.ResponseWriter, r *http.Request, o *ServerOptions) (net.Conn, Result, error) {
	if o == nil {
		o = &defaultServer
	}
	req := fromHTTP(r)
	resp, failure := o.judge(&req)
	if failure == nil {
		req.address()
		failure = o.ask(r.Context(), &req)
	}
	if failure == nil {
		if err := checkHeader(w.Header()); err != nil {
			failure = &Error{Status: http.StatusInternalServerError, Reason: "a field of the response cannot be sent", Err: err}
		}
	}
	if failure != nil {
		respondRefusal(w, r, failure)
		return nil, Result{}, failure
	}
	// RFC 6455, section 4.2.2: nothing is taken over before all checks were made
	// (4.2.2-01).
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		failure = &Error{Reason: fmt.Sprintf("the connection cannot be taken over from a %T", w), Err: err}
		// Whoever has taken it over before has the only way to answer.
		if !errors.Is(err, http.ErrHijacked) {
			failure.Status = http.StatusInternalServerError
			respondRefusal(w, r, failure)
		}
		return nil, Result{}, failure
	}
	result := Result{Subprotocol: resp.Subprotocol, Extensions: resp.Extensions, Header: r.Header}
	result.Host, result.Target = req.Host[0], req.Target
	if rw != nil {
		// What the server's reader has read ahead are the first frames.
		if n := rw.Reader.Buffered(); n > 0 {
			ahead, _ := rw.Reader.Peek(n)
			result.Buffered = bytes.Clone(ahead)
		}
		if rw.Writer.Buffered() > 0 {
			closeNow(nc)
			return nil, Result{}, &Error{Reason: "another response to the request has begun"}
		}
	}
	if failure := writeHead(nc, req.Key[0], resp, merge(w.Header(), o.Header), o.Timeout); failure != nil {
		closeNow(nc)
		return nil, Result{}, failure
	}
	return nc, result, nil
}

// writeHead writes the 101 response in bounded time and leaves no deadline behind.
func writeHead(nc net.Conn, key string, resp Response, extra http.Header, d time.Duration) *Error {
	m := memories.Get().(*memory)
	m.out = resp.appendFor(key, m.out[:0], extra)
	l := limitTime(nc, d)
	_, err := nc.Write(m.out)
	m.free()
	if !l.release() || err != nil && l.over() {
		err = context.DeadlineExceeded
	}
	if err != nil {
		return &Error{Reason: "the response could not be written", Err: err}
	}
	return nil
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
