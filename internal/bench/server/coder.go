package server

import (
	"bytes"
	"context"
	"net"
	"net/http"

	"github.com/coder/websocket"
)

// serveCoder reads each message into a buffer that is used again and writes it at
// once. A context that cannot end costs least. The level cannot be chosen.
func serveCoder(ln net.Listener, c Config) error {
	mode := map[Mode]websocket.CompressionMode{
		Plain:      websocket.CompressionDisabled,
		NoTakeover: websocket.CompressionNoContextTakeover,
		Takeover:   websocket.CompressionContextTakeover,
	}[c.Mode]
	return hijacking(ln, func(w http.ResponseWriter, r *http.Request) (func() error, error) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: mode})
		if err != nil {
			return nil, err
		}
		ws.SetReadLimit(-1)
		if c.hub != nil {
			c.hub.add(func(m any) error {
				return ws.Write(context.Background(), websocket.MessageBinary, m.([]byte))
			})
		}
		return func() error { return echoCoder(ws) }, nil
	})
}

func echoCoder(ws *websocket.Conn) error {
	defer ws.CloseNow()
	ctx := context.Background()
	var buf bytes.Buffer
	for {
		kind, r, err := ws.Reader(ctx)
		if err != nil {
			return err
		}
		buf.Reset()
		if _, err := buf.ReadFrom(r); err != nil {
			return err
		}
		if err := ws.Write(ctx, kind, buf.Bytes()); err != nil {
			return err
		}
	}
}

func dialCoder(addr string) (client, error) {
	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, "ws://"+addr, nil)
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(-1)
	var buf bytes.Buffer
	return blocking{func(payload []byte) error {
		if err := c.Write(ctx, websocket.MessageBinary, payload); err != nil {
			return err
		}
		_, r, err := c.Reader(ctx)
		if err != nil {
			return err
		}
		buf.Reset()
		_, err = buf.ReadFrom(r)
		return err
	}, func() { c.CloseNow() }}, nil
}
