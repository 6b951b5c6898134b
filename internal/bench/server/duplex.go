package server

import (
	"context"
	"net"
	"net/http"

	"github.com/duplexws/duplex/conn"
)

// serveDuplex is ours: default options but for what is being compared.
func serveDuplex(ln net.Listener, c Config) error {
	echo := func(ctx context.Context, ws *conn.Conn) error {
		if c.hub != nil {
			c.hub.add(func(m any) error {
				if c.ReadAPI {
					return ws.WritePrepared(context.Background(), m.(*conn.Prepared))
				}
				return ws.Post(m.(*conn.Prepared))
			})
		}
		if c.ReadAPI {
			return readDuplex(ctx, ws)
		}
		return ws.Serve(ctx, func(r *conn.Replier, m conn.Message) error { return r.Write(m.Type, m.Data) })
	}
	if c.Own {
		return conn.Listen(context.Background(), ln, echo, &conn.ListenOptions{Options: duplexOptions(c)})
	}
	o := duplexOptions(c)
	return http.Serve(ln, conn.Handler(echo, &o))
}

func duplexOptions(c Config) conn.Options {
	if c.Mode == Plain {
		return conn.Options{}
	}
	return conn.Options{Compression: &conn.Compression{
		Level:                   c.Level,
		ServerMaxWindowBits:     c.Bits,
		ClientMaxWindowBits:     c.Bits,
		ServerNoContextTakeover: c.Mode == NoTakeover,
		ClientNoContextTakeover: c.Mode == NoTakeover,
	}}
}

// readDuplex reads into a slice that is used again.
func readDuplex(ctx context.Context, ws *conn.Conn) error {
	var buf []byte
	for {
		kind, message, err := ws.ReadAppend(ctx, buf[:0])
		if err != nil {
			return err
		}
		if err := ws.Write(ctx, kind, message); err != nil {
			return err
		}
		buf = message
	}
}

func prepareDuplex(payload []byte) (any, error) { return conn.Prepare(conn.Binary, payload) }

func dialDuplex(addr string) (client, error) {
	ctx := context.Background()
	c, err := conn.Dial(ctx, "ws://"+addr, nil)
	if err != nil {
		return nil, err
	}
	var buf []byte
	return blocking{func(payload []byte) error {
		if err := c.Write(ctx, conn.Binary, payload); err != nil {
			return err
		}
		_, message, err := c.ReadAppend(ctx, buf[:0])
		buf = message
		return err
	}, func() { c.CloseNow() }}, nil
}
