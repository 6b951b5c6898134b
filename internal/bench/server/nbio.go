package server

import (
	"net"
	"net/http"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

// serveNbio runs connections in the library's event loop, its default and the reason
// to choose it, and lets it have the message back after the callback.
func serveNbio(ln net.Listener, c Config) error {
	logging.SetLevel(logging.LevelNone)
	upgrader := websocket.NewUpgrader()
	upgrader.EnableCompression(c.Mode == NoTakeover)
	if c.Level != 0 {
		if err := upgrader.SetCompressionLevel(c.Level); err != nil {
			return err
		}
	}
	upgrader.OnMessage(func(ws *websocket.Conn, kind websocket.MessageType, data []byte) {
		report(ws.WriteMessage(kind, data))
	})
	engine := nbhttp.NewEngine(nbhttp.Config{
		Network:                 "tcp",
		Addrs:                   []string{ln.Addr().String()},
		Listen:                  func(string, string) (net.Listener, error) { return ln, nil },
		MaxLoad:                 100_000,
		NPoller:                 1, // one processor
		ReleaseWebsocketPayload: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := upgrader.Upgrade(w, r, nil); err != nil {
				report(err)
			}
		}),
	})
	if err := engine.Start(); err != nil {
		return err
	}
	select {}
}
