package handshake

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// browser is the request of a browser: 531 bytes, as they are common.
const browser = "GET /chat?room=42 HTTP/1.1\r\n" +
	"Host: chat.example.com\r\n" +
	"Connection: Upgrade\r\n" +
	"Pragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r\n" +
	"Upgrade: websocket\r\n" +
	"Origin: https://chat.example.com\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en;q=0.9\r\n" +
	"Cookie: session=0123456789abcdef\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"

// A replayConn answers every first read with the same bytes and drops what is
// written.
type replayConn struct {
	net.Conn
	s    string
	done bool
}

func (c *replayConn) Read(b []byte) (int, error) {
	if c.done {
		return 0, io.EOF
	}
	c.done = true
	return copy(b, c.s), nil
}

func (c *replayConn) Write(b []byte) (int, error)      { return len(b), nil }
func (c *replayConn) Close() error                     { return nil }
func (c *replayConn) SetDeadline(time.Time) error      { return nil }
func (c *replayConn) SetReadDeadline(time.Time) error  { return nil }
func (c *replayConn) SetWriteDeadline(time.Time) error { return nil }

func BenchmarkAccept(b *testing.B) {
	nc := &replayConn{s: browser}
	b.ReportAllocs()
	for b.Loop() {
		nc.done = false
		if _, err := Accept(nc, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// What Upgrade costs besides net/http.
func BenchmarkUpgrade(b *testing.B) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(browser)))
	if err != nil {
		b.Fatal(err)
	}
	w := &replayWriter{nc: &replayConn{}, header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Upgrade(w, r, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// A replayWriter gives the same connection away again and again.
type replayWriter struct {
	nc     net.Conn
	header http.Header
}

func (w *replayWriter) Header() http.Header       { return w.header }
func (w *replayWriter) WriteHeader(int)           {}
func (w *replayWriter) Write([]byte) (int, error) { return 0, errors.New("not to be used") }
func (w *replayWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.nc, nil, nil
}
