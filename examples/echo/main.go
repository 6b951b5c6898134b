// Command echo is a WebSocket server that sends every message back, and a web
// page to try it from:
//
//	go run ./examples/echo
//
// It listens on 127.0.0.1:9001 and prints the address to open in a browser. The
// page and the WebSocket share the port: a request to upgrade to WebSocket is
// accepted on any path, GET / answers with the page.
//
// Messages are compressed with permessage-deflate (RFC 7692) where the client offers it;
// -compress=false switches that off. The page shows what was agreed.
//
// With -tls it speaks https and wss, with a certificate that it makes in memory
// and that no client trusts by itself; -certout writes that certificate to a file
// for those that shall. With -cert and -key it uses a certificate of yours.
//
// On SIGINT or SIGTERM it closes every connection with status 1001 (going away)
// and exits.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Once we are stopping, a second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program without the process around it. It returns the exit status: 0
// after ctx has ended and every connection is closed, 2 for flags that make no
// sense, 1 for other errors.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // parseFlags has said why
	}
	if err := serve(ctx, cfg, stdout); err != nil {
		fmt.Fprintln(stderr, "echo:", err)
		return 1
	}
	return 0
}

// How long stopping may take. A peer gets some time to answer our Close. For the
// page little is enough: http.Server.Shutdown would wait for seconds for connections
// that browsers hold in reserve and on which no request ever came.
const (
	closeTime    = 3 * time.Second
	shutdownTime = 500 * time.Millisecond
)

// serve listens and serves until ctx ends, then closes every connection.
func serve(ctx context.Context, cfg config, stdout io.Writer) error {
	tlsConfig, err := cfg.tlsConfig()
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", cfg.addr)
	if err != nil {
		return err
	}
	host, secure := address(cfg.addr, ln.Addr()), ""
	if tlsConfig != nil {
		ln, secure = tls.NewListener(ln, tlsConfig), "s"
	}
	fmt.Fprintf(stdout, "listening on http%s://%s/\n", secure, host)
	fmt.Fprintf(stdout, "open this address in a browser, or connect a WebSocket client to ws%s://%s/\n", secure, host)

	var open clients
	srv := &http.Server{
		Handler: newHandler(cfg, &open),
		// Without a bound, clients that never finish a request would be kept for
		// ever. It ends with the request: a WebSocket is not limited by it.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	// ctx has ended already, so what follows needs others.
	closing, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	open.close(closing)
	shutdown, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if srv.Shutdown(shutdown) != nil {
		srv.Close()
	}
	<-failed // by now it says http.ErrServerClosed
	return nil
}

// address returns the host and port to connect to: the host that was asked for and
// the port that was given, which differs from the one asked for if that was 0.
func address(asked string, given net.Addr) string {
	host, _, _ := net.SplitHostPort(asked)
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.Itoa(given.(*net.TCPAddr).Port))
}
