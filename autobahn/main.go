// Command autobahn runs the Autobahn testsuite against this module's server and client,
// or against somebody else's, and compares the results with those that are expected.
//
// See the README beside this file, and the output of -h.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// What main returns to the shell.
const (
	exitOK        = 0
	exitDeviation = 1 // the suite ran, and its results are not the expected ones
	exitError     = 2 // the suite did not run, or not to its end
)

// errDeviation is what run returns when the results are not the expected ones; the list
// has been printed by then.
var errDeviation = errors.New("the results are not the expected ones")

const usage = `Usage: go run ./autobahn [flags]

Runs the Autobahn testsuite and compares every case with the expected results.

  go run ./autobahn                    our server and our client, over ws
  go run ./autobahn -tls               the same over wss
  go run ./autobahn -role server -cases '6.*,7.*'
  go run ./autobahn -role server -url ws://127.0.0.1:8080/echo
  go run ./autobahn -role client -exec './client -url {url} -agent {agent}'

The suite runs in Docker if an engine is running, else in CPython 2.7, for which it
is installed into the user's cache folder. The exit status is 0 if all results are as
expected, 1 if one is not, and 2 if the suite could not run.

Flags:
`

// config is the command line.
type config struct {
	role     string
	tls      bool
	cases    []string
	url      string
	exec     []string
	agent    string
	out      string
	engine   string
	python   string
	expected string
	limit    int64
	compress bool
	timeout  time.Duration
	update   bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err == nil {
		err = runRoles(ctx, c, stdout)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errDeviation):
		fmt.Fprintln(stderr, "autobahn:", err)
		return exitDeviation
	}
	fmt.Fprintln(stderr, "autobahn:", err)
	return exitError
}

func parseFlags(args []string, stderr io.Writer) (*config, error) {
	c := new(config)
	var cases, command string
	f := flag.NewFlagSet("autobahn", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	f.StringVar(&c.role, "role", "both", "what is tested: server, client or both, side by side")
	f.BoolVar(&c.tls, "tls", false, "test over wss, with a certificate made for this run")
	f.StringVar(&cases, "cases", "*", "comma-separated `list` of cases, such as 6.4.1 or 9.*")
	f.StringVar(&c.url, "url", "", "test the server at this `url` (ws or wss) instead of examples/echo")
	f.StringVar(&command, "exec", "", "test this client `command` instead of autobahn/client; {url}, {agent} and {ca} stand\nfor the suite's address, the agent's name and a file with the certificate to trust")
	f.StringVar(&c.agent, "agent", "duplex", "`name` of the implementation in the report")
	f.StringVar(&c.out, "out", "", "`folder` for the reports (default autobahn/reports in this module)")
	f.StringVar(&c.engine, "engine", "auto", "what runs the suite: docker, local (CPython 2.7), or auto for the first that is there")
	f.StringVar(&c.python, "python", "", "the CPython 2.7 `program` to use (default: found on the PATH or by pyenv)")
	f.StringVar(&c.expected, "expected", "", "`file` of expected results, or none (default autobahn/expected/<role>.json)")
	f.Int64Var(&c.limit, "limit", 16<<20, "read limit of our server and client in bytes; section 9 sends 16 MiB")
	f.BoolVar(&c.compress, "compress", true, "let our server and client compress; with -compress=false, sections 12 and 13 are\nexpected to be UNIMPLEMENTED")
	f.DurationVar(&c.timeout, "timeout", 45*time.Minute, "longest `time` for one role")
	f.BoolVar(&c.update, "update", false, "write the results of this run into the file of expected results")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	c.cases = strings.Split(cases, ",")
	c.exec = strings.Fields(command)
	return c, c.check()
}

func (c *config) check() error {
	switch c.role {
	case "server", "client", "both":
	default:
		return fmt.Errorf("-role %s: want server, client or both", c.role)
	}
	switch c.engine {
	case "auto", "docker", "local":
	default:
		return fmt.Errorf("-engine %s: want auto, docker or local", c.engine)
	}
	for i, p := range c.cases {
		c.cases[i] = strings.TrimSpace(p)
		if c.cases[i] == "" || strings.Trim(c.cases[i], "0123456789.*") != "" {
			return fmt.Errorf("-cases: %q is not a case number or pattern", p)
		}
	}
	if c.url != "" && c.role != "server" {
		return errors.New("-url needs -role server")
	}
	if c.url != "" && c.tls {
		return errors.New("-tls says how to start our own server: leave it out, and use a wss URL")
	}
	if len(c.exec) > 0 && c.role != "client" {
		return errors.New("-exec needs -role client")
	}
	if c.expected != "" && c.expected != "none" && c.role == "both" {
		return errors.New("-expected names a file for one role: add -role")
	}
	if c.update && c.expected == "none" {
		return errors.New("-update needs a file of expected results")
	}
	if c.update && !c.compress {
		return errors.New("-update writes what is expected with compression: leave out -compress=false")
	}
	return nil
}

// runRoles runs one role, or both side by side: the suite has one thread, so that two
// cores are no more than both need. A deviation in one does not keep the other from
// running to its end; any other error does.
func runRoles(ctx context.Context, c *config, w io.Writer) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	if c.out == "" {
		c.out = filepath.Join(root, "autobahn", "reports")
	}
	if c.out, err = filepath.Abs(c.out); err != nil {
		return err
	}
	e, err := findEngine(ctx, c, w)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "engine: %s\n", e)
	roles := []string{c.role}
	if c.role == "both" {
		roles = []string{"server", "client"}
	}
	return sideBySide(ctx, roles, w, func(ctx context.Context, role string, w io.Writer) error {
		return runRole(ctx, c, role, root, e, w)
	})
}
