package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/duplexws/duplex/conn"
)

// config is what the flags say.
type config struct {
	addr      string
	cert, key string
	tls       bool
	certOut   string
	origins   []string
	limit     int64
	compress  bool
}

// parseFlags reads the command line; what is wrong with it is written to stderr.
func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	f := flag.NewFlagSet("echo", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&cfg.addr, "addr", "127.0.0.1:9001", "`host:port` to listen on; with port 0 the system chooses one")
	f.StringVar(&cfg.cert, "cert", "", "serve https and wss with the certificate in this PEM `file`; needs -key")
	f.StringVar(&cfg.key, "key", "", "private key of -cert, a PEM `file`")
	f.BoolVar(&cfg.tls, "tls", false, "serve https and wss with a certificate made in memory for localhost, 127.0.0.1 and ::1")
	f.StringVar(&cfg.certOut, "certout", "", "write the certificate of -tls to this PEM `file`, for clients to trust")
	f.Func("origin", "also accept pages from origins like this `pattern`, such as https://*.example.com;\nmay be repeated or a comma-separated list", func(s string) error {
		for pattern := range strings.SplitSeq(s, ",") {
			if pattern = strings.TrimSpace(pattern); pattern == "" {
				return errors.New("empty pattern")
			}
			cfg.origins = append(cfg.origins, pattern)
		}
		return nil
	})
	f.Int64Var(&cfg.limit, "limit", 16<<20, "longest message to accept, in `bytes`; negative: no limit, 0: the library's default")
	f.BoolVar(&cfg.compress, "compress", true, "compress messages if the client can (permessage-deflate, RFC 7692); -compress=false: never")
	if err := f.Parse(args); err != nil {
		return cfg, err // Parse has written it to stderr
	}
	if err := cfg.check(f.Args()); err != nil {
		fmt.Fprintf(stderr, "echo: %v\nTry echo -help.\n", err)
		return cfg, err
	}
	return cfg, nil
}

// check finds flags that contradict each other. An argument that is no flag is a
// mistake too: all flags after it would be ignored.
func (cfg config) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case (cfg.cert == "") != (cfg.key == ""):
		return errors.New("-cert and -key need each other")
	case cfg.tls && cfg.cert != "":
		return errors.New("-tls makes a certificate, -cert brings one: use one of the two")
	case cfg.certOut != "" && !cfg.tls:
		return errors.New("-certout writes the certificate that -tls makes: use it with -tls")
	}
	return nil
}

// options returns what the flags say about connections.
func (cfg config) options() *conn.Options {
	o := &conn.Options{Origins: cfg.origins, ReadLimit: cfg.limit}
	if cfg.compress {
		o.Compression = &conn.Compression{}
	}
	return o
}

// tlsConfig returns nil if the server shall speak plain http and ws.
func (cfg config) tlsConfig() (*tls.Config, error) {
	var cert tls.Certificate
	var err error
	switch {
	case cfg.tls:
		cert, err = selfSigned(cfg.certOut)
	case cfg.cert != "":
		cert, err = tls.LoadX509KeyPair(cfg.cert, cfg.key)
	default:
		return nil, nil
	}
	// HTTP/2 cannot be upgraded to WebSocket, so it is not offered.
	return &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}, err
}
