// Command observe is a WebSocket echo server that one can watch: it writes a log with
// log/slog and counts with expvar, both by way of conn.Hooks.
//
//	go run ./examples/observe -demo
//
// The log, on stderr, has a line for each connection that opens and ends: who has ended it,
// why, and how long it was there, at a level that says whether somebody should look. With
// -messages it has one for each message, too. The counters are served as JSON on an address
// of their own, which must be a loopback address, since expvar also tells the command line
// and the state of memory.
//
// With -demo some clients come by, each of which goes another way.
//
// The adapters, slog.go and expvar.go, are there to be copied; why.go says what the error of
// a connection means. One for another library of metrics looks like expvar.go: it adds to
// its counters where that adds to expvar's.
package main

import (
	"context"
	"errors"
	"expvar"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/conn/drain"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Once we are stopping, a second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	m := newMetrics()
	expvar.Publish("websocket", m.vars())
	os.Exit(run(ctx, os.Args[1:], m, os.Stdout, os.Stderr))
}

// run is the program without the process around it. It returns the exit status: 0 after
// ctx has ended and every connection is closed, 2 for flags that make no sense, 1 for
// other errors.
func run(ctx context.Context, args []string, m *metrics, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // parseFlags has said why
	}
	if err := serve(ctx, cfg, m, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "observe:", err)
		return 1
	}
	return 0
}

// stopTime is how long stopping may take.
const stopTime = 3 * time.Second

// serve listens and serves until ctx ends, then closes every connection.
func serve(ctx context.Context, cfg config, m *metrics, stdout, stderr io.Writer) error {
	ln, err := net.Listen("tcp", cfg.addr)
	if err != nil {
		return err
	}
	defer ln.Close()
	varsLn, err := net.Listen("tcp", cfg.vars)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on ws://%s/\ncounters at http://%s/debug/vars\n", ln.Addr(), varsLn.Addr())

	log := cfg.log(stderr)
	var group drain.Group
	srv := &http.Server{
		Handler: conn.Handler(echo, &conn.Options{
			Admit:       group.Admit,
			Compression: &conn.Compression{},
			KeepAlive:   cfg.keepAlive,
			Hooks:       join(m.hooks(), logHooks(log)),
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	vars := &http.Server{Handler: varsPage(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 2)
	go func() { failed <- srv.Serve(ln) }()
	go func() { failed <- vars.Serve(varsLn) }()
	var visitors sync.WaitGroup
	if cfg.demo {
		visitors.Go(func() {
			if err := visit(ctx, "ws://"+ln.Addr().String()); err != nil {
				log.Error("demo", "error", err)
			}
		})
	}
	select {
	case err = <-failed:
	case <-ctx.Done():
	}

	// ctx may have ended already, so what follows needs another.
	stopping, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	report, drained := group.Drain(stopping, &drain.Options{Shutdown: srv.Shutdown})
	log.Info("stopped", "closed", report.Closed, "left", report.Left, "failed", report.Failed, "cut", report.Cut)
	visitors.Wait()
	return errors.Join(err, drained, vars.Close())
}

// varsPage serves the counters.
func varsPage() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /debug/vars", expvar.Handler())
	mux.Handle("GET /{$}", http.RedirectHandler("/debug/vars", http.StatusFound))
	return mux
}

// errBye is what a client ends its echo with.
var errBye = errors.New("the client has said bye")

// echo sends every message back, and closes the connection after the message "bye".
func echo(ctx context.Context, c *conn.Conn) error {
	err := c.Serve(ctx, func(r *conn.Replier, m conn.Message) error {
		if string(m.Data) == "bye" {
			return errBye
		}
		return r.Write(m.Type, m.Data)
	})
	if err == errBye {
		return nil
	}
	return err
}
