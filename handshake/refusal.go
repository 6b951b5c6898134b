package handshake

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// noDeadline clears a deadline.
var noDeadline time.Time

// refusalText is the body of a refusal: the status, and why.
func refusalText(e *Error) string {
	return statusLine(e.Status) + "\n\n" + e.explain() + "\n"
}

// explain is the reason with its section and, if it is about the request, its cause.
// What is wrong on the server's own side is not for its clients.
func (e *Error) explain() string {
	switch {
	case e.Status == http.StatusInternalServerError:
		return "The server cannot complete a WebSocket handshake here."
	case e.Err != nil && !e.discreet:
		return e.why() + ": " + e.Err.Error()
	}
	return e.why()
}

// refusalHeader completes e.Header to the fields of the answer, without those that
// frame it.
func refusalHeader(e *Error) {
	e.with("Content-Type", contentTypeOfRefusals)
	e.with("X-Content-Type-Options", "nosniff")
	connection := "close"
	if e.Header.Get(fieldUpgrade) != "" {
		// RFC 9110, section 7.8: Upgrade is named in Connection.
		connection = "close, Upgrade"
	}
	e.with(fieldConnection, connection)
}

// sendRefusal answers on a bare connection with a complete HTTP response, closes
// the sending side and drops what still comes, within bounds. A refusal that cannot
// be written becomes an Error without status: the client was not told. The answer to
// a HEAD request has no body.
//
// RFC 6455, sections 4.2.1 and 10.7 (4.2.1-01).
func sendRefusal(nc net.Conn, e *Error, bodiless bool) *Error {
	refusalHeader(e)
	body := refusalText(e)
	e.with("Content-Length", strconv.Itoa(len(body)))
	// RFC 9110, section 6.6.1: who has a clock dates what it refuses.
	e.with("Date", time.Now().UTC().Format(http.TimeFormat))
	b := append([]byte("HTTP/1.1 "), statusLine(e.Status)...)
	b = append(b, "\r\n"...)
	others := maps.Clone(e.Header)
	for _, name := range []string{
		"Content-Type", "Content-Length", "Date", "X-Content-Type-Options", fieldConnection, "Allow", fieldUpgrade,
	} {
		if v := e.Header.Get(name); v != "" {
			b = appendField(b, name, v)
		}
		delete(others, name)
	}
	if v := e.Header.Get(fieldVersion); v != "" {
		b = appendField(b, wireVersion, v)
	}
	b = appendHeader(b, others)
	b = append(b, "\r\n"...)
	if !bodiless {
		b = append(b, body...)
	}
	if err := bounded(nc, refusalTime, func() error { _, err := nc.Write(b); return err }); err != nil {
		return &Error{Reason: "the refusal could not be written", Err: e}
	}
	_ = bounded(nc, lingerTime, func() error { return linger(nc) })
	return e
}

// linger ends the sending side, where the stream has two, and drops what the peer
// sends, so that closing does not reset the connection before the peer has read.
func linger(nc net.Conn) error {
	half, ok := nc.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	if err := half.CloseWrite(); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, onlyReader{nc}, lingerBytes)
	return err
}

// onlyReader hides that a connection may know how to copy itself.
type onlyReader struct{ io.Reader }

// bounded runs f, which reads or writes nc, and interrupts it after d.
func bounded(nc net.Conn, d time.Duration, f func() error) error {
	_ = nc.SetDeadline(noDeadline) // that of an earlier interruption
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	g := watch(ctx, nc)
	err := f()
	g.release()
	return err
}

// fieldsOfBodies describe the body of a response, besides those that frame it.
var fieldsOfBodies = []string{"Content-Type", "Content-Encoding", "Etag", "Last-Modified"}

// respondRefusal answers through net/http.
func respondRefusal(w http.ResponseWriter, r *http.Request, e *Error) {
	refusalHeader(e)
	if r.ProtoMajor > 1 {
		// Later versions have no Connection and no Upgrade field.
		e.Header.Del(fieldConnection)
		e.Header.Del(fieldUpgrade)
	}
	body := refusalText(e)
	e.with("Content-Length", strconv.Itoa(len(body)))
	// What the handler has set for another body would contradict this one; Del would
	// miss spellings that are not canonical.
	h := w.Header()
	maps.DeleteFunc(h, func(name string, _ []string) bool {
		return isOwn(name) || slices.ContainsFunc(fieldsOfBodies, func(s string) bool { return equalFold(s, name) })
	})
	for name, values := range e.Header {
		h[name] = values
	}
	if h.Get(fieldConnection) == "close, Upgrade" {
		// net/http looks for "close" as a whole value, and would leave the connection open.
		h[fieldConnection] = []string{"close", "Upgrade"}
	}
	w.WriteHeader(e.Status)
	_, _ = io.WriteString(w, body)
}
