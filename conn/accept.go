package conn

import (
	"context"
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
	a := opts.admission()
	defer a.end(nil)
	if a != nil {
		server.Check = a.ask
	}
	nc, res, err := handshake.Upgrade(w, r, &server)
	if err != nil {
		return nil, err
	}
	c := New(nc, Start{
		Role:        Server,
		Buffered:    res.Buffered,
		Subprotocol: res.Subprotocol,
		Extensions:  res.Extensions,
	}, &opts)
	c.base = context.WithoutCancel(r.Context())
	a.end(c)
	return c, nil
}
