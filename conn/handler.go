package conn

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"runtime"

	"github.com/duplexws/duplex/handshake"
)

// Handler returns an http.Handler that upgrades requests as [Accept] does and calls f
// for each connection, on a goroutine of its own: ServeHTTP returns at once, so that
// the memory which net/http has used for the request is free while the connection
// lives. Whatever stands around the handler, such as middleware that logs or measures
// requests, therefore ends at the upgrade, and http.Server.Shutdown sees none of these
// connections.
//
// ctx carries the values of the request's context and ends with the connection. When f
// returns, the connection is closed: with [StatusNormalClosure] if the error is nil;
// with the code and reason of a [*CloseError] that f has made itself; otherwise with
// [StatusInternalError], after the error was logged. If the connection has ended or is being
// closed, an error that matches net.ErrClosed, as those of Read and Write do then, or
// context.Canceled, as that of ctx does, is not logged. A panic is logged with its stack,
// closes the connection with StatusInternalError and spares the process;
// http.ErrAbortHandler is not logged. A request that fails with status 500, since the options
// make no sense or the ResponseWriter hides its connection, is logged as well. Logs go to
// http.Server.ErrorLog.
func Handler(f func(ctx context.Context, c *Conn) error, o *Options) http.Handler {
	opts := o.withDefaults()
	server := opts.server()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var logger *log.Logger
		if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
			logger = s.ErrorLog
		}
		c, err := accept(w, r, &opts, &server)
		if err != nil {
			logRefusal(logger, r.RemoteAddr, err)
			return
		}
		c.settleDown(c.Context()) // here, where the stack has grown
		go c.handle(f, logger)
	})
}

// logRefusal logs why a request was refused, which was answered already, if that is a
// fault of ours: options that make no sense, a wrapper that hides the connection.
func logRefusal(logger *log.Logger, client any, err error) {
	if e, ok := errors.AsType[*handshake.Error](err); ok && e.Status == http.StatusInternalServerError {
		logf(logger, "duplex: error upgrading %v: %v", client, err)
	}
}

// logPanic logs with what a function of the user has panicked, if it has.
func logPanic(logger *log.Logger, client any, v any) {
	if v == nil || v == http.ErrAbortHandler {
		return
	}
	stack := make([]byte, 64<<10)
	stack = stack[:runtime.Stack(stack, false)]
	logf(logger, "duplex: panic serving %v: %v\n%s", client, v, stack)
}

// handle runs the user's function and closes the connection after it. Its frame lies
// below all that the function does, for as long as the connection lives: whatever needs
// more than a few words is done by others, after the function.
func (c *Conn) handle(f func(ctx context.Context, c *Conn) error, logger *log.Logger) {
	defer c.abort(logger)
	c.conclude(f(c.Context(), c), logger)
}

// conclude closes the connection as the error of the user's function says.
func (c *Conn) conclude(err error, logger *log.Logger) {
	ended := c.terminal()
	code, reason := StatusNormalClosure, ""
	switch {
	case err == nil:
	case err == ended, ended != nil && (errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled)),
		errors.Is(err, errClosing):
		// The connection has ended or is being closed, and that is all that the error says.
		code = StatusInternalError
	default:
		code = StatusInternalError
		if ce, own := errors.AsType[*CloseError](err); own {
			code, reason = ce.Code, ce.Reason
			break
		}
		logf(logger, "duplex: error serving %v: %v", c.RemoteAddr(), err)
	}
	c.closeUnlessGone(code, reason)
}

// abort closes the connection of a function that has panicked or ended its goroutine.
// It is deferred, and finds nothing to do after conclude.
func (c *Conn) abort(logger *log.Logger) {
	logPanic(logger, c.RemoteAddr(), recover())
	c.closeUnlessGone(StatusInternalError, "")
}

// closeUnlessGone is Close, if the connection has not ended.
func (c *Conn) closeUnlessGone(code StatusCode, reason string) {
	c.mu.Lock()
	gone := c.gone
	c.mu.Unlock()
	if !gone {
		_ = c.Close(context.Background(), code, reason)
	}
}

// server returns the options of the server's side of the handshake.
func (o *Options) server() handshake.ServerOptions {
	s := handshake.ServerOptions{
		Subprotocols: o.Subprotocols,
		Origins:      o.Origins,
		Timeout:      o.HandshakeTimeout,
	}
	if o.Compression != nil {
		s.Negotiate = o.Compression.choose
	}
	return s
}

func logf(l *log.Logger, format string, args ...any) {
	if l == nil {
		log.Printf(format, args...)
		return
	}
	l.Printf(format, args...)
}
