package handshake_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/duplexws/duplex/handshake"
)

// The example of RFC 6455, section 1.3.
func ExampleAcceptKey() {
	fmt.Println(handshake.AcceptKey("dGhlIHNhbXBsZSBub25jZQ=="))
	// Output: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
}

func ExampleParseExtensions() {
	list, err := handshake.ParseExtensions([]string{`mux; max-channels="4"; flow-control, deflate-stream`})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range list {
		fmt.Println(e.Name, e.Params)
	}
	fmt.Printf("%s\n", handshake.AppendExtensions(nil, list))
	// Output:
	// mux [{max-channels 4} {flow-control }]
	// deflate-stream []
	// mux; max-channels=4; flow-control, deflate-stream
}

// A front end of one's own fills a Request and writes the Response.
func ExampleServerOptions_Verdict() {
	o := &handshake.ServerOptions{Subprotocols: []string{"superchat", "chat"}}
	r := &handshake.Request{
		Method: "GET", Target: "/chat", Major: 1, Minor: 1,
		Host:       []string{"server.example.com"},
		Upgrade:    []string{"websocket"},
		Connection: []string{"Upgrade"},
		Key:        []string{"dGhlIHNhbXBsZSBub25jZQ=="},
		Version:    []string{"13"},
		Protocol:   []string{"chat, superchat"},
		Origin:     []string{"http://example.com"},
	}
	_, refusal := o.Verdict(r)
	fmt.Println(refusal)

	o.Origins = []string{"example.com"}
	response, refusal := o.Verdict(r)
	if refusal != nil {
		fmt.Println(refusal)
		return
	}
	fmt.Printf("%q\n", response.Append(nil, nil))
	// Output:
	// handshake: 403 Forbidden: the origin "http://example.com" is not allowed at this host (RFC 6455, section 10.2)
	// "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
}

// A server that knows one path, and wants a token. Check works alike behind net/http.
func ExampleServerOptions_check() {
	o := &handshake.ServerOptions{
		Check: func(_ context.Context, r *handshake.Request) error {
			u, err := url.ParseRequestURI(r.Target)
			if err != nil || u.Path != "/feed" {
				return &handshake.Error{Status: http.StatusNotFound, Reason: "there is nothing here"}
			}
			if r.Header().Get("Authorization") != "Bearer secret" {
				return &handshake.Error{
					Status: http.StatusUnauthorized,
					Header: http.Header{"Www-Authenticate": {"Bearer"}},
					Reason: "a token is needed",
				}
			}
			return nil
		},
	}
	for _, path := range []string{"/feed?from=7", "/other"} {
		for _, token := range []string{"secret", "guess"} {
			client, server := net.Pipe()
			go func() {
				_, _ = handshake.Accept(server, o)
				_ = server.Close()
			}()
			fmt.Fprintf(client, "GET %s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+
				"Authorization: Bearer %s\r\n\r\n", path, token)
			answer, err := http.ReadResponse(bufio.NewReader(client), nil)
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(path, token, answer.Status)
			_ = client.Close()
		}
	}
	// Output:
	// /feed?from=7 secret 101 Switching Protocols
	// /feed?from=7 guess 401 Unauthorized
	// /other secret 404 Not Found
	// /other guess 404 Not Found
}

// A server without net/http, and a client that dials it.
func ExampleAccept() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	served := make(chan error)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			served <- err
			return
		}
		defer nc.Close()
		result, err := handshake.Accept(nc, &handshake.ServerOptions{Subprotocols: []string{"chat"}})
		fmt.Println("server:", result.Target, result.Subprotocol)
		served <- err
	}()

	nc, result, err := handshake.Dial(context.Background(), "ws://"+l.Addr().String()+"/room?id=1", &handshake.DialOptions{
		Subprotocols: []string{"chat"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()
	if err := <-served; err != nil {
		fmt.Println(err)
	}
	fmt.Println("client:", result.Subprotocol)
	// Output:
	// server: /room?id=1 chat
	// client: chat
}

// Inside a handler of net/http; a request that is no handshake gets its answer from
// Upgrade.
func ExampleUpgrade() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nc, _, err := handshake.Upgrade(w, r, nil)
		if err != nil {
			return // the client was told
		}
		defer nc.Close()
		// Frames from here on.
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	defer func() {
		_ = server.Close()
		<-done
	}()

	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nc.Close()
	fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Status, resp.Header.Get("Upgrade"))
	_, _ = io.Copy(os.Stdout, resp.Body)
	// Output:
	// 426 Upgrade Required websocket
	// 426 Upgrade Required
	//
	// the Upgrade field does not contain websocket: this resource is for WebSocket clients (RFC 6455, section 4.2.1)
}
