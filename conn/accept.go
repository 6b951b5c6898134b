package conn

import (
	"context"
	"net"
	"net/http"

	"github.com/duplexws/duplex/handshake"
)

// Accept upgrades an HTTP request to a WebSocket connection, on the server. If the
// request is refused, Accept has answered it with a complete HTTP response that says
// why, and returns a [*handshake.Error]; there is nothing left to do but to return from
// the handler. Header fields that were set on w before, such as cookies, go out with
// the response.
//
// The connection outlives the handler. A handler that blocks while the connection
// lives keeps memory of net/http for all that time: [Handler] avoids that.
// http.Server.Shutdown neither sees the connection nor waits for it: package drain does.
//
// RFC 6455, section 4.2.
func Accept(w http.ResponseWriter, r *http.Request, o *Options) (*Conn, error) {
	opts := o.withDefaults()
	server := opts.server()
	return accept(w, r, &opts, &server)
}

// accept is Accept with options whose defaults are filled in, and what the handshake has
// to know of them. Both stay where they are: the stack on which net/http calls its
// handlers has 4 KiB, half of them taken, and to grow costs more than all that is done here.
func accept(w http.ResponseWriter, r *http.Request, o *options, s *handshake.ServerOptions) (*Conn, error) {
	if o.Admit != nil {
		return acceptAdmitted(w, r, o, s)
	}
	return upgrade(w, r, o, s)
}

// acceptAdmitted is accept if Admit has to be asked.
func acceptAdmitted(w http.ResponseWriter, r *http.Request, o *options, s *handshake.ServerOptions) (*Conn, error) {
	server := *s
	a := o.admission()
	defer a.end(nil)
	server.Check = a.ask
	c, err := upgrade(w, r, o, &server)
	if err != nil {
		return nil, err
	}
	a.end(c)
	return c, nil
}

// upgrade does the handshake and makes the connection.
func upgrade(w http.ResponseWriter, r *http.Request, o *options, s *handshake.ServerOptions) (*Conn, error) {
	nc, res, err := handshake.Upgrade(w, r, s)
	if err != nil {
		return nil, err
	}
	return newServer(context.WithoutCancel(r.Context()), nc, &res, o), nil
}

// newServer makes the connection of a handshake that has succeeded.
//
//go:noinline
func newServer(base context.Context, nc net.Conn, res *handshake.Result, o *options) *Conn {
	return newConn(base, nc, &Start{
		Role:        Server,
		Buffered:    res.Buffered,
		Subprotocol: res.Subprotocol,
		Extensions:  res.Extensions,
	}, nil, o)
}
