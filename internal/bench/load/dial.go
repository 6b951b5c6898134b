package load

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/handshake"
)

// Agreed is what a server has agreed to.
type Agreed struct {
	Compressed bool
	Terms      deflate.Terms // meaningful only if Compressed
}

// timeout is for everything that is not measured.
const timeout = 30 * time.Second

// Dial connects to a server. With offer it offers compression as browsers do: any
// window and takeover are fine, what is agreed is for the server to say. The reader
// holds what has arrived behind the response.
func Dial(addr string, offer bool) (nc net.Conn, br *bufio.Reader, a Agreed, err error) {
	nc, err = net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return nil, nil, a, err
	}
	br, a, err = upgrade(nc, offer)
	if err != nil {
		nc.Close()
		return nil, nil, a, err
	}
	return nc, br, a, nil
}

const key = "dGhlIHNhbXBsZSBub25jZQ=="

func upgrade(nc net.Conn, offer bool) (br *bufio.Reader, a Agreed, err error) {
	request := "GET / HTTP/1.1\r\nHost: " + nc.RemoteAddr().String() + "\r\nUpgrade: websocket\r\n" +
		"Connection: Upgrade\r\nSec-WebSocket-Key: " + key + "\r\nSec-WebSocket-Version: 13\r\n"
	if offer {
		request += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
	}
	if err := nc.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, a, err
	}
	if _, err := nc.Write([]byte(request + "\r\n")); err != nil {
		return nil, a, err
	}
	br = bufio.NewReader(nc)
	response, err := http.ReadResponse(br, nil)
	if err != nil {
		return nil, a, err
	}
	if response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Sec-WebSocket-Accept") != handshake.AcceptKey(key) {
		return nil, a, fmt.Errorf("the server answers %s", response.Status)
	}
	if a, err = agreed(response.Header["Sec-Websocket-Extensions"]); err != nil {
		return nil, a, err
	}
	return br, a, nc.SetDeadline(time.Time{})
}

// agreed reads the extensions of a response.
func agreed(lines []string) (a Agreed, err error) {
	list, err := handshake.ParseExtensions(lines)
	if err != nil || len(list) == 0 {
		return a, err
	}
	if len(list) > 1 || list[0].Name != deflate.Name {
		return a, errors.New("the server has chosen extensions that were not offered")
	}
	var params []deflate.Param
	for _, p := range list[0].Params {
		params = append(params, deflate.Param{Name: p.Name, Value: p.Value})
	}
	a.Compressed = true
	a.Terms, err = deflate.Verify(params, deflate.Terms{})
	return a, err
}
