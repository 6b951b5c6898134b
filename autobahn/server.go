package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// startTime is how long a server may take until it listens. The image is not yet there
// when Docker runs for the first time.
const startTime = 5 * time.Minute

// server runs the suite's fuzzingclient against a server: examples/echo, or the one
// that the user named.
func (r *roleRun) server(ctx context.Context) error {
	target := r.url
	var echo *process
	if target == "" {
		var err error
		if echo, target, err = r.startEcho(ctx); err != nil {
			return err
		}
		defer echo.stop()
	}
	target, err := r.reachable(target)
	if err != nil {
		return err
	}
	r.job.mode = "fuzzingclient"
	s := newSpec(r.engine, r.job, r.cases)
	s.Servers = []specServer{{Agent: r.agent, URL: target}}
	if err := s.write(r.job); err != nil {
		return err
	}
	suite, err := start("wstest", r.engine.command(r.job), r.suite)
	if err != nil {
		return err
	}
	defer r.engine.remove(r.job)
	if err := suite.wait(ctx); err != nil {
		return err
	}
	if echo == nil {
		return nil
	}
	select {
	case <-echo.done:
		return fmt.Errorf("the server ended before the suite did (%v)", echo.cmd.ProcessState)
	default:
	}
	return echo.stop()
}

// startEcho builds and starts examples/echo and returns the URL it serves.
func (r *roleRun) startEcho(ctx context.Context) (*process, string, error) {
	file, err := build(ctx, packageEcho, r.job.config)
	if err != nil {
		return nil, "", err
	}
	args := []string{"-addr", "127.0.0.1:0", "-limit", strconv.FormatInt(r.limit, 10), compressFlag(r.compress)}
	if r.tls {
		args = append(args, "-tls")
	}
	log, err := os.Create(filepath.Join(r.job.out, "echo.log"))
	if err != nil {
		return nil, "", err
	}
	listening := make(chan string, 1)
	find := &lines{line: func(s string) {
		if u, ok := strings.CutPrefix(s, "listening on http"); ok {
			select {
			case listening <- "ws" + u:
			default:
			}
		}
	}}
	p, err := start("echo", exec.Command(file, args...), io.MultiWriter(log, find))
	if err != nil {
		log.Close()
		return nil, "", err
	}
	go func() {
		<-p.done
		log.Close()
	}()
	select {
	case u := <-listening:
		return p, u, nil
	case <-p.done:
		return nil, "", fmt.Errorf("echo ended before it listened (%v)", p.cmd.ProcessState)
	case <-time.After(grace):
		p.stop()
		return nil, "", fmt.Errorf("echo does not say where it listens after %s", grace)
	case <-ctx.Done():
		p.stop()
		return nil, "", context.Cause(ctx)
	}
}

// reachable returns the URL under which the suite reaches a server at target.
func (r *roleRun) reachable(target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	if u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "" {
		return "", fmt.Errorf("%s: want a ws or wss URL", target)
	}
	host := r.engine.host(u.Hostname())
	if host != u.Hostname() {
		u.Host = strings.TrimSuffix(host+":"+u.Port(), ":")
	}
	return u.String(), nil
}
