package server

import "net"

// serveRaw echoes bytes as a plain Go server does: the yardstick.
func serveRaw(ln net.Listener, _ Config) error {
	return accept(ln, func(nc net.Conn) error {
		buf := make([]byte, 64<<10)
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
