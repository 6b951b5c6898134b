package server

import (
	"net"
	"net/http"
	"time"

	"github.com/lesismal/llib/std/crypto/tls"
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
	config := nbhttp.Config{
		Network:                 "tcp",
		Listen:                  func(string, string) (net.Listener, error) { return ln, nil },
		MaxLoad:                 100_000,
		NPoller:                 1, // one processor
		ReleaseWebsocketPayload: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ws, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				report(err)
				return
			}
			if c.hub != nil {
				c.hub.add(func(m any) error { return ws.WriteMessage(websocket.BinaryMessage, m.([]byte)) })
			}
		}),
	}
	if c.TLS {
		certificate, err := tls.X509KeyPair(c.certificate, c.key)
		if err != nil {
			return err
		}
		config.AddrsTLS = []string{ln.Addr().String()}
		config.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	} else {
		config.Addrs = []string{ln.Addr().String()}
	}
	if err := nbhttp.NewEngine(config).Start(); err != nil {
		return err
	}
	select {}
}

// nbioEngine runs the connections of this process as a client.
var nbioEngine *nbhttp.Engine

func dialNbio(addr string) (client, error) {
	if nbioEngine == nil {
		logging.SetLevel(logging.LevelNone)
		nbioEngine = nbhttp.NewEngine(nbhttp.Config{NPoller: 1, MaxLoad: 100_000, ReleaseWebsocketPayload: true})
		if err := nbioEngine.Start(); err != nil {
			return nil, err
		}
	}
	c := new(calling)
	options := websocket.NewOptions()
	options.OnMessage(func(*websocket.Conn, websocket.MessageType, []byte) { c.next() })
	dialer := websocket.Dialer{Engine: nbioEngine, Options: options, DialTimeout: 10 * time.Second}
	ws, _, err := dialer.Dial("ws://"+addr, nil)
	if err != nil {
		return nil, err
	}
	c.write = func(p []byte) error { return ws.WriteMessage(websocket.BinaryMessage, p) }
	c.end = func() { ws.Close() }
	return c, nil
}
