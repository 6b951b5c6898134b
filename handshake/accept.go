package handshake

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
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
// part of the first read. Routing by resource name, authentication and the like are
// done with [Upgrade] behind an HTTP server.
//
// RFC 6455, section 4.2.
func Accept(nc net.Conn, o *ServerOptions) (Result, error) {
	if o == nil {
		o = &ServerOptions{}
	}
	ctx, cancel := withTimeout(context.Background(), o.Timeout)
	defer cancel()
	g := watch(ctx, nc)
	var r Request
	result, resp, failure := readRequest(nc, o, &r)
	if failure == nil {
		_, err := nc.Write(resp.Append(nil, o.Header))
		if err != nil {
			failure = &Error{Reason: "the response could not be written", Err: err}
		}
	}
	if !g.release() {
		failure = outOfTime(ctx, failure)
	}
	if failure == nil {
		_ = nc.SetDeadline(noDeadline) // one that the caller has set
		return result, nil
	}
	if failure.Status != 0 {
		failure = sendRefusal(nc, failure, r.Method == http.MethodHead)
	}
	closeNow(nc)
	return Result{}, failure
}

// readRequest reads the request into r and judges it.
func readRequest(nc net.Conn, o *ServerOptions, r *Request) (Result, Response, *Error) {
	var h head
	if err := h.read(nc, orElse(o.MaxHeaderBytes, defaultRequestHead, unlimited)); err != nil {
		return Result{}, Response{}, headFailure(err, len(h.buf))
	}
	start, header := h.strings()
	if e := r.parse(start, header); e != nil {
		return Result{}, Response{}, e
	}
	resp, e := o.Verdict(r)
	if e != nil {
		return Result{}, Response{}, e
	}
	delete(header, "Host")
	result := Result{
		Subprotocol: resp.Subprotocol,
		Extensions:  resp.Extensions,
		Buffered:    h.rest(),
		Header:      header,
	}
	result.Host, result.Target = r.addressed()
	return result, resp, nil
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

// outOfTime is the failure to report once the context has ended, whatever the
// interruption looked like. A refusal that was already due stands.
func outOfTime(ctx context.Context, failure *Error) *Error {
	cause := context.Cause(ctx)
	switch {
	case failure == nil:
		return &Error{Reason: "the handshake was not complete in time", Err: cause}
	case failure.Status == http.StatusRequestTimeout:
		return &Error{Status: failure.Status, Reason: "the request was not complete in time", Err: cause}
	case failure.Status == 0:
		return &Error{Reason: failure.Reason, Err: cause}
	}
	return failure
}

// parse fills the request from its first line and its fields.
//
// RFC 6455, section 4.2.1, item 1; RFC 9112, section 3.
func (r *Request) parse(start string, header http.Header) *Error {
	method, rest, ok1 := strings.Cut(start, " ")
	target, proto, ok2 := strings.Cut(rest, " ")
	if !ok1 || !ok2 || !isToken(method) || target == "" {
		return &Error{Status: http.StatusBadRequest, Section: "4.2.1", Reason: "the request is not valid HTTP", Err: errHeadStart}
	}
	major, minor, ok := parseVersion(proto)
	if !ok {
		return &Error{Status: http.StatusBadRequest, Section: "4.2.1", Reason: "the request is not valid HTTP", Err: errHeadStart}
	}
	*r = Request{Method: method, Target: target, Major: major, Minor: minor, Host: header["Host"]}
	// RFC 9112, section 6.3: a message has a body if one of these fields says so.
	_, chunked := header["Transfer-Encoding"]
	r.Body = chunked
	for _, length := range header["Content-Length"] {
		r.Body = r.Body || length != "0"
	}
	r.fill(header)
	return nil
}

// parseVersion reads an HTTP version. RFC 9112, section 2.3.
func parseVersion(s string) (major, minor int, ok bool) {
	if len(s) != len("HTTP/1.1") || s[:5] != "HTTP/" || !isDigit(s[5]) || s[6] != '.' || !isDigit(s[7]) {
		return 0, 0, false
	}
	return int(s[5] - '0'), int(s[7] - '0'), true
}

// addressed returns authority and resource name of a request that was accepted.
func (r *Request) addressed() (authority, resource string) {
	authority, resource, _ = splitTarget(r.Target)
	if authority == "" {
		authority = r.Host[0]
	}
	return authority, resource
}
