package server

import (
	"net"

	"github.com/duplexws/duplex/frame"
)

// serveRaw echoes bytes as a plain Go server does: the yardstick.
func serveRaw(ln net.Listener, c Config) error {
	size := 64 << 10
	if c.Idle {
		size = 512
	}
	return accept(ln, func(nc net.Conn) error {
		raws.add(c, nc)
		buf := make([]byte, size)
		for {
			n, err := nc.Read(buf)
			if err != nil {
				return err
			}
			if _, err := nc.Write(buf[:n]); err != nil {
				return err
			}
		}
	})
}

var raws hub[net.Conn]

// broadcastRaw sends the frame that the others send.
func broadcastRaw(payload []byte, _ Config) error {
	b := frame.Header{Opcode: frame.Binary, Fin: true, Length: uint64(len(payload))}.Append(nil)
	b = append(b, payload...)
	return raws.each(func(nc net.Conn) error {
		_, err := nc.Write(b)
		return err
	})
}
