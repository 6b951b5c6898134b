package handshake

import (
	"io"
	"log"
	"net"
	"net/http"
	"testing"
)

// serve starts an HTTP server with one handler and returns a connection to it.
func serve(t testing.TB, f http.HandlerFunc) net.Conn {
	t.Helper()
	l := listen(t)
	s := &http.Server{Handler: f, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = nc.Close()
		_ = s.Close()
		<-done
	})
	return nc
}
