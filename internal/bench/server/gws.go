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

func (e gwsEcho) OnOpen(ws *gws.Conn) { gwses.add(e.config, ws) }

func (gwsEcho) OnMessage(ws *gws.Conn, m *gws.Message) {
	report(ws.WriteMessage(m.Opcode, m.Bytes()))
	report(m.Close())
}

var gwses hub[*gws.Conn]

func broadcastGWS(payload []byte, _ Config) error {
	b := gws.NewBroadcaster(gws.OpcodeBinary, payload)
	defer b.Close()
	return gwses.each(b.Broadcast)
}
