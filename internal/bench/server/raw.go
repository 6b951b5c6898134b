package server

import (
	"io"
	"net"
	"net/http"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
)

// serveRaw echoes bytes as a plain Go server does: the yardstick.
func serveRaw(ln net.Listener, c Config) error {
	size := 64 << 10
	if c.Idle {
		size = 512
	}
	if c.Hijack {
		return hijackRaw(ln, size)
	}
	return accept(ln, func(nc net.Conn) error {
		if c.hub != nil {
			c.hub.add(func(m any) error { return writeAll(nc, m.([]byte)) })
		}
		if c.Least && c.ReadAPI {
			return echoLeastRead(nc)
		}
		if c.Least {
			return echoLeast(nc)
		}
		if c.Verdict {
			if _, err := handshake.Accept(nc, nil); err != nil {
				return err
			}
		}
		return echoRaw(nc, size)
	})
}

func echoRaw(nc net.Conn, size int) error {
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
}

// accepted is an answer for the load generator, which looks at the status alone.
const accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// hijackRaw takes connections over from net/http and does nothing else for the handshake:
// what remains is what net/http takes.
func hijackRaw(ln net.Listener, size int) error {
	return hijacking(ln, func(w http.ResponseWriter, _ *http.Request) (func() error, error) {
		nc, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return nil, err
		}
		if err := writeAll(nc, []byte(accepted)); err != nil {
			nc.Close()
			return nil, err
		}
		return func() error {
			defer nc.Close()
			return echoRaw(nc, size)
		}, nil
	})
}

// prepareRaw makes the frame that the others send.
func prepareRaw(payload []byte) (any, error) {
	b := frame.Header{Opcode: frame.Binary, Fin: true, Length: uint64(len(payload))}.Append(nil)
	return append(b, payload...), nil
}

func writeAll(nc net.Conn, b []byte) error {
	_, err := nc.Write(b)
	return err
}

func dialRaw(addr string) (client, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	var buf []byte
	return blocking{func(payload []byte) error {
		if _, err := nc.Write(payload); err != nil {
			return err
		}
		if len(buf) != len(payload) {
			buf = make([]byte, len(payload))
		}
		_, err := io.ReadFull(nc, buf)
		return err
	}, func() { nc.Close() }}, nil
}
