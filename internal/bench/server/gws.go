package server

import (
	"net"

	"github.com/lxzan/gws"
)

// serveGWS answers in the callback, without parallel handlers, and gives the message
// back to the pool. The library accepts connections without an HTTP server.
func serveGWS(ln net.Listener, c Config) error {
	server := gws.NewServer(gwsEcho{config: c}, &gws.ServerOption{
		PermessageDeflate: gws.PermessageDeflate{
			Enabled:               c.Mode != Plain,
			Level:                 c.Level,
			ServerContextTakeover: c.Mode == Takeover,
			ClientContextTakeover: c.Mode == Takeover,
			ServerMaxWindowBits:   c.Bits,
			ClientMaxWindowBits:   c.Bits,
		},
	})
	server.OnError = func(_ net.Conn, err error) { report(err) }
	return server.RunListener(ln)
}

type gwsEcho struct {
	gws.BuiltinEventHandler
	config Config
}

func (e gwsEcho) OnOpen(ws *gws.Conn) {
	if hub := e.config.hub; hub != nil {
		hub.add(func(m any) error { return m.(*gws.Broadcaster).Broadcast(ws) })
	}
}

func (gwsEcho) OnMessage(ws *gws.Conn, m *gws.Message) {
	report(ws.WriteMessage(m.Opcode, m.Bytes()))
	report(m.Close())
}

// prepareGWS leaves out to close the broadcaster, which would let its buffer be used
// again: nobody knows here when all have been sent. The collector takes it.
func prepareGWS(payload []byte) (any, error) {
	return gws.NewBroadcaster(gws.OpcodeBinary, payload), nil
}

type gwsClient struct {
	gws.BuiltinEventHandler
	calling
}

func (c *gwsClient) OnMessage(_ *gws.Conn, m *gws.Message) {
	report(m.Close())
	c.next()
}

func dialGWS(addr string) (client, error) {
	c := new(gwsClient)
	ws, _, err := gws.NewClient(c, &gws.ClientOption{Addr: "ws://" + addr})
	if err != nil {
		return nil, err
	}
	c.write = func(p []byte) error { return ws.WriteMessage(gws.OpcodeBinary, p) }
	c.end = func() { ws.NetConn().Close() }
	go ws.ReadLoop()
	return c, nil
}
