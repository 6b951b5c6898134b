package server

import (
	"context"
	"net"
	"net/http"

	"github.com/duplexws/duplex/conn"
)

// serveDuplex is ours: default options but for what is being compared.
func serveDuplex(ln net.Listener, c Config) error {
	return http.Serve(ln, conn.Handler(echoDuplex, duplexOptions(c)))
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
