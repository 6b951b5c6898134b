package main

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
)

// relay stands between clients and a server and counts the bytes that it passes on.
type relay struct {
	from, to           string // host:port of the server, and of the relay
	toServer, toClient atomic.Int64
	running            sync.WaitGroup
}

// newRelay relays to the server at this URL until the test ends.
func newRelay(t *testing.T, server string) *relay {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{from: u.Host, to: ln.Addr().String()}
	t.Cleanup(func() {
		ln.Close()
		r.running.Wait()
	})
	r.running.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			r.running.Go(func() { r.pass(client) })
		}
	})
	return r
}

// through returns the URL of the server as it is to be asked for by way of the relay.
func (r *relay) through(url string) string { return strings.Replace(url, r.from, r.to, 1) }

// pass passes a connection on until one side ends it.
func (r *relay) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.from)
	if err != nil {
		return // the client sees its end, which is what it would see of the server
	}
	defer server.Close()
	var both sync.WaitGroup
	one := func(dst, src net.Conn, count *atomic.Int64) {
		_, _ = io.Copy(counter{dst, count}, src)
		dst.(*net.TCPConn).CloseWrite()
	}
	both.Go(func() { one(server, client, &r.toServer) })
	both.Go(func() { one(client, server, &r.toClient) })
	both.Wait()
}

// counter counts before it writes, so that who has read a byte finds it counted.
type counter struct {
	w     io.Writer
	count *atomic.Int64
}

func (c counter) Write(b []byte) (int, error) {
	c.count.Add(int64(len(b)))
	return c.w.Write(b)
}

// wantCompressed checks how many bytes went each way for a message of some size and its
// echo: a tenth at most if both are to be compressed, or else all of them.
func wantCompressed(t *testing.T, size int, toServer, toClient int64, want bool) {
	t.Helper()
	for way, n := range map[string]int64{"to the server": toServer, "to the client": toClient} {
		if want && n > int64(size)/10 {
			t.Errorf("%s: %d bytes for a message of %d, want it compressed", way, n, size)
		}
		if !want && n < int64(size) {
			t.Errorf("%s: %d bytes for a message of %d, want it as it is", way, n, size)
		}
	}
}

func TestCompress(t *testing.T) {
	able := &conn.DialOptions{Options: conn.Options{Compression: &conn.Compression{}}}
	for _, test := range []struct {
		name   string
		args   []string
		client *conn.DialOptions
		want   bool
	}{
		{"default", nil, able, true},
		{"set", []string{"-compress"}, able, true},
		{"off", []string{"-compress=false"}, able, false},
		{"the client does not offer it", nil, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startServer(t, test.args...)
			r := newRelay(t, s.ws)
			c := dial(t, r.through(s.ws), test.client)
			name, _, _ := strings.Cut(c.ResponseHeader().Get("Sec-WebSocket-Extensions"), ";")
			if diff := cmp.Diff(map[bool]string{true: "permessage-deflate"}[test.want], name); diff != "" {
				t.Errorf("extension agreed (-want +got):\n%s", diff)
			}
			toServer, toClient := r.toServer.Load(), r.toClient.Load()
			msg := strings.Repeat("Grüße, 世界. ", 1000)
			wantEcho(t, c, conn.Message{Type: conn.Text, Data: []byte(msg)})
			wantCompressed(t, len(msg), r.toServer.Load()-toServer, r.toClient.Load()-toClient, test.want)
			if err := c.Close(t.Context(), conn.StatusNormalClosure, ""); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}
