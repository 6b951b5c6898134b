package server

import (
	"context"
	"net"
	"net/http"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// serveDuplex is ours: default options but for what is being compared.
func serveDuplex(ln net.Listener, c Config) error {
	if c.Own {
		return accept(ln, func(nc net.Conn) error {
			r, err := handshake.Accept(nc, nil)
			if err != nil {
				return err
			}
			ws := conn.New(nc, conn.Start{Role: conn.Server, Buffered: r.Buffered}, nil)
			duplexes.add(c, ws)
			return echoDuplex(context.Background(), ws)
		})
	}
	return http.Serve(ln, conn.Handler(func(ctx context.Context, ws *conn.Conn) error {
		duplexes.add(c, ws)
		return echoDuplex(ctx, ws)
	}, duplexOptions(c)))
}

func duplexOptions(c Config) *conn.Options {
	if c.Mode == Plain {
		return nil
	}
	return &conn.Options{Compression: &conn.Compression{
		Level:                   c.Level,
		ServerMaxWindowBits:     c.Bits,
		ClientMaxWindowBits:     c.Bits,
		ServerNoContextTakeover: c.Mode == NoTakeover,
		ClientNoContextTakeover: c.Mode == NoTakeover,
	}}
}

// echoDuplex reads into a slice that is used again.
func echoDuplex(ctx context.Context, ws *conn.Conn) error {
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

var duplexes hub[*conn.Conn]

func broadcastDuplex(payload []byte) error {
	m, err := conn.Prepare(conn.Binary, payload)
	if err != nil {
		return err
	}
	ctx := context.Background()
	return duplexes.each(func(ws *conn.Conn) error { return ws.WritePrepared(ctx, m) })
}
