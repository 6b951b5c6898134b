package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"
)

// config is what the flags say.
type config struct {
	addr, vars string
	json       bool
	messages   bool
	keepAlive  time.Duration
	demo       bool
}

// parseFlags reads the command line; what is wrong with it is written to stderr.
func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	f := flag.NewFlagSet("observe", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&cfg.addr, "addr", "127.0.0.1:9002", "`host:port` to listen on for WebSocket clients; with port 0 the system chooses one")
	f.StringVar(&cfg.vars, "vars", "127.0.0.1:9003", "loopback `host:port` to serve the counters on, at /debug/vars")
	f.BoolVar(&cfg.json, "json", false, "log lines of JSON")
	f.BoolVar(&cfg.messages, "messages", false, "log each message and each round trip of a Ping")
	f.DurationVar(&cfg.keepAlive, "keepalive", 5*time.Second, "silence after which a client is sent a Ping; negative: never")
	f.BoolVar(&cfg.demo, "demo", false, "have some clients come by, each of which goes another way")
	if err := f.Parse(args); err != nil {
		return cfg, err // Parse has written it to stderr
	}
	if err := cfg.check(f.Args()); err != nil {
		fmt.Fprintf(stderr, "observe: %v\nTry observe -help.\n", err)
		return cfg, err
	}
	return cfg, nil
}

// check finds flags that make no sense. An argument that is no flag is a mistake too: all
// flags after it would be ignored.
func (cfg config) check(rest []string) error {
	host, _, err := net.SplitHostPort(cfg.vars)
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case err != nil:
		return err
	case host != "localhost" && !net.ParseIP(host).IsLoopback():
		return errors.New("-vars must be a loopback address: the counters are not for everybody")
	}
	return nil
}

// log returns the log that the flags ask for.
func (cfg config) log(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if cfg.messages {
		o.Level = slog.LevelDebug
	}
	if cfg.json {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
