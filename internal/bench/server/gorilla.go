package server

import (
	"bytes"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

// serveGorilla reads each message into a buffer that is used again, as large as the
// largest so far, and writes it by WriteMessage, which has a path without a copy. The
// buffers are those of net/http, which the documentation says to use for least memory.
func serveGorilla(ln net.Listener, c Config) error {
	upgrader := websocket.Upgrader{EnableCompression: c.Mode == NoTakeover}
	return hijacking(ln, func(w http.ResponseWriter, r *http.Request) (func() error, error) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return nil, err
		}
		if c.Level != 0 {
			if err := ws.SetCompressionLevel(c.Level); err != nil {
				return nil, err
			}
		}
		if c.hub != nil {
			c.hub.add(func(m any) error { return ws.WritePreparedMessage(m.(*websocket.PreparedMessage)) })
		}
		return func() error { return echoGorilla(ws) }, nil
	})
}

func echoGorilla(ws *websocket.Conn) error {
	defer ws.Close()
	var buf bytes.Buffer
	for {
		kind, r, err := ws.NextReader()
		if err != nil {
			return err
		}
		buf.Reset()
		if _, err := buf.ReadFrom(r); err != nil {
			return err
		}
		if err := ws.WriteMessage(kind, buf.Bytes()); err != nil {
			return err
		}
	}
}

func prepareGorilla(payload []byte) (any, error) {
	return websocket.NewPreparedMessage(websocket.BinaryMessage, payload)
}

func dialGorilla(addr string) (client, error) {
	c, _, err := websocket.DefaultDialer.Dial("ws://"+addr, nil)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	return blocking{func(payload []byte) error {
		if err := c.WriteMessage(websocket.BinaryMessage, payload); err != nil {
			return err
		}
		_, r, err := c.NextReader()
		if err != nil {
			return err
		}
		buf.Reset()
		_, err = buf.ReadFrom(r)
		return err
	}, func() { c.Close() }}, nil
}
