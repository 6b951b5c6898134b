// Command client is the client that the Autobahn testsuite tests: it asks the suite's
// fuzzingserver how many cases there are, runs each on a connection of its own, echoing
// every message, and has the report written.
//
// It uses the options that every user of package conn gets, but for compression, which is
// on, and the read limit: section 9 of the suite sends messages of 16 MiB.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/duplexws/duplex/conn"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

// client talks to one fuzzingserver.
type client struct {
	url     string
	agent   string
	timeout time.Duration // for one case
	options conn.DialOptions
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c client
	var ca string
	var compress bool
	f := flag.NewFlagSet("client", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&c.url, "url", "ws://127.0.0.1:9001", "address of the fuzzingserver")
	f.StringVar(&c.agent, "agent", "duplex", "`name` in the report")
	f.StringVar(&ca, "ca", "", "PEM `file` with the certificates to trust, for wss")
	f.Int64Var(&c.options.ReadLimit, "limit", 16<<20, "longest message to accept, in `bytes`")
	f.BoolVar(&compress, "compress", true, "offer permessage-deflate, RFC 7692")
	f.DurationVar(&c.timeout, "timeout", 10*time.Minute, "longest `time` for one case")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if compress {
		c.options.Compression = &conn.Compression{}
	}
	if ca != "" {
		roots, err := readRoots(ca)
		if err != nil {
			return err
		}
		c.options.TLS = &tls.Config{RootCAs: roots}
	}
	return c.all(ctx, stdout)
}

func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate", file)
	}
	return roots, nil
}

// all runs every case. How a connection ends is for the suite to judge, so that an error
// of a case is only logged; one that keeps the run from being complete is returned.
func (c *client) all(ctx context.Context, log io.Writer) error {
	n, err := c.caseCount(ctx)
	if err != nil {
		return fmt.Errorf("asking for the number of cases: %w", err)
	}
	for i := 1; i <= n; i++ {
		err := c.echo(ctx, "/runCase", url.Values{"case": {strconv.Itoa(i)}, "agent": {c.agent}})
		fmt.Fprintf(log, "case %d of %d: %v\n", i, n, err)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	// The suite closes the connection when it has written the report, and names no code.
	err = c.echo(ctx, "/updateReports", url.Values{"agent": {c.agent}})
	if ce, ok := errors.AsType[*conn.CloseError](err); ok && ce.Code == conn.StatusNoStatusReceived {
		return nil
	}
	return fmt.Errorf("having the report written: %w", err)
}

// caseCount asks the suite how many cases it is to run.
func (c *client) caseCount(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ws, err := c.dial(ctx, "/getCaseCount", nil)
	if err != nil {
		return 0, err
	}
	defer ws.Close(ctx, conn.StatusNormalClosure, "")
	_, b, err := ws.Read(ctx)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(b))
}

// echo sends every message back, text as text and binary as binary, until the connection
// ends. It returns why that was, so that its error is never nil.
func (c *client) echo(ctx context.Context, path string, query url.Values) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ws, err := c.dial(ctx, path, query)
	if err != nil {
		return err
	}
	// The loop ends with the connection, and then there is nothing left to close, or
	// with ctx, which has no time left for a closing handshake.
	defer context.AfterFunc(ctx, func() { ws.CloseNow() })()
	for {
		t, msg, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if err := ws.Write(ctx, t, msg); err != nil {
			return err
		}
	}
}

func (c *client) dial(ctx context.Context, path string, query url.Values) (*conn.Conn, error) {
	u := strings.TrimSuffix(c.url, "/") + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	return conn.Dial(ctx, u, &c.options)
}
