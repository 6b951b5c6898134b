package handshake

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
)

// Accept performs the server's side of the opening handshake on a connection that
// was just accepted, without an HTTP server. It reads one request, judges it with
// Verdict and answers it. o may be nil.
//
// If the request is accepted, the connection belongs to the caller, with no deadline
// set, and what the client sent behind its request is in Result.Buffered. Else the
// error is an [*Error] and the connection is closed; the client was told why in a
// complete HTTP response, and what it still sends is read and dropped for up to
// 250 ms, so that a TCP reset does not destroy that response. No response is sent
// to a client that hangs up or runs out of time before its first byte.
//
// The head of the request is bounded in size (431 beyond) and the handshake in time
// (408 if it ends inside the request). The head has to be exact: lines that end in a
// lone LF, folded lines, control characters, and blanks before a colon are answered
// 400. net/http is more lenient in the first two.
//
// For wss, nc is a *tls.Conn, or any other connection that does its handshake as
// part of the first read. Authentication and the choice by resource name are for
// ServerOptions.Check.
//
// The handshake may make the stack of its goroutine grow, which does not shrink again
// while the goroutine lives. Where many connections wait for messages it is worth to
// serve them on goroutines of their own that begin after Accept.
//
// RFC 6455, section 4.2.
func Accept(nc net.Conn, o *ServerOptions) (Result, error) {
	if o == nil {
		o = &defaultServer
	}
	if nc == nil {
		return Result{}, without("a connection")
	}
	m := memories.Get().(*memory)
	l := limitTime(nc, o.Timeout)
	result, failure := m.accept(nc, o)
	head := m.req.Method == http.MethodHead
	m.free()
	if !l.release() || failure != nil && l.over() {
		failure = outOfTime(failure)
	}
	if failure == nil {
		return result, nil
	}
	if failure.Status != 0 {
		failure = sendRefusal(nc, failure, head)
	}
	closeNow(nc)
	return Result{}, failure
}

// accept reads the request, judges it, and answers one that is accepted.
func (m *memory) accept(nc net.Conn, o *ServerOptions) (Result, *Error) {
	if err := m.head.read(nc, orElse(o.MaxHeaderBytes, defaultRequestHead, unlimited)); err != nil {
		return Result{}, headFailure(err, len(m.head.buf))
	}
	// What Check sees may be kept.
	if e := m.parse(o.Check != nil); e != nil {
		return Result{}, e
	}
	resp, e := o.judge(m.req)
	if e != nil {
		return Result{}, e
	}
	m.req.address()
	result := Result{
		Subprotocol: resp.Subprotocol,
		Extensions:  resp.Extensions,
		Buffered:    m.head.rest(),
		Host:        m.req.Host[0],
		Target:      m.req.Target,
	}
	m.out = resp.appendFor(m.req.Key[0], m.out[:0], o.Header)
	if e := m.ask(nc, o); e != nil {
		return Result{}, e
	}
	if _, err := nc.Write(m.out); err != nil {
		return Result{}, &Error{Reason: "the response could not be written", Err: err}
	}
	return result, nil
}

// headFailure makes the refusal for a head that could not be read. Status 0 stands
// for none, 408 for a time that may have run out: outOfTime decides.
func headFailure(err error, received int) *Error {
	e := &Error{Reason: "the request could not be read", Err: err}
	switch err {
	case errHeadTooLarge:
		e = refuse(http.StatusRequestHeaderFieldsTooLarge, "", "the head of the request is too large")
	case errHeadLineEnd, errHeadControl, errHeadStart, errHeadFold, errHeadName, errHeadTruncated:
		e.Status, e.Section, e.Reason = http.StatusBadRequest, "4.2.1", "the request is not valid HTTP"
	case io.EOF:
		e.Err = errClosed
	default:
		var ne net.Error
		if received > 0 && errors.As(err, &ne) && ne.Timeout() {
			e.Status = http.StatusRequestTimeout
		}
	}
	return e
}

// outOfTime is the failure to report once the time is over, whatever the interruption
// looked like. A refusal that was already due stands.
func outOfTime(failure *Error) *Error {
	switch {
	case failure == nil:
		return &Error{Reason: "the handshake was not complete in time", Err: context.DeadlineExceeded}
	case failure.Status == http.StatusRequestTimeout:
		return &Error{Status: failure.Status, Reason: "the request was not complete in time", Err: context.DeadlineExceeded}
	case failure.Status == 0:
		return &Error{Reason: failure.Reason, Err: context.DeadlineExceeded}
	}
	return failure
}
