package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// An engine starts the suite.
type engine interface {
	fmt.Stringer

	// folders returns the names under which the suite sees a job's two folders.
	folders(j job) (config, out string)
	// host returns the name under which the suite reaches a server that listens on
	// this machine at the given host.
	host(h string) string
	// command returns the program that runs the job.
	command(j job) *exec.Cmd
	// remove ends what may be left of a job after its command has ended.
	remove(j job)
}

// job is one run of the suite.
type job struct {
	mode   string // fuzzingclient tests a server, fuzzingserver a client
	name   string // unique on this machine
	config string // the folder that has <mode>.json in it, and for wss cert.pem and key.pem
	out    string // the folder for the report
	port   string // where the fuzzingserver listens, on loopback
}

// The two ways to run the suite.
const (
	suiteVersion = "25.10.1"
	suiteImage   = "crossbario/autobahn-testsuite:" + suiteVersion
)

// findEngine returns the engine that c asks for, or the first that is there. It says on
// w what it does when that takes long.
func findEngine(ctx context.Context, c *config, w io.Writer) (engine, error) {
	var errs []error
	if c.engine != "local" {
		d, err := findDocker(ctx)
		if err == nil {
			return d, nil
		}
		errs = append(errs, err)
	}
	if c.engine != "docker" {
		l, err := findLocal(ctx, c.python, w)
		if err == nil {
			return l, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("nothing here can run the testsuite:\n%w", errors.Join(errs...))
}
