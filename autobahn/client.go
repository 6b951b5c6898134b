package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// client starts the suite's fuzzingserver and runs a client against it: autobahn/client,
// or the one that the user named.
func (r *roleRun) client(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	r.job.mode, r.job.port = "fuzzingserver", port
	s := newSpec(r.engine, r.job, r.cases)
	s.URL = "ws://127.0.0.1:" + port
	ca := ""
	if r.tls {
		s.URL = "wss://127.0.0.1:" + port
		ca = filepath.Join(r.job.config, certFile)
		if err := s.secure(r.engine, r.job); err != nil {
			return err
		}
	}
	if err := s.write(r.job); err != nil {
		return err
	}
	cmd, err := r.clientCommand(ctx, s.URL, ca)
	if err != nil {
		return err
	}
	suite, err := start("wstest", r.engine.command(r.job), r.suite)
	if err != nil {
		return err
	}
	defer func() {
		suite.stop() // it has no other end
		r.engine.remove(r.job)
	}()
	if err := awaitServer(ctx, suite, s.URL, ca); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(r.job.out, "client.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	p, err := start("client", cmd, log)
	if err != nil {
		return err
	}
	// When the suite ends, so does the run, whatever the client makes of it.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-suite.done:
			cancel(fmt.Errorf("the suite ended before the client did (%v)", suite.cmd.ProcessState))
		case <-p.done:
		}
	}()
	return p.wait(ctx)
}

// clientCommand returns the client to run: the user's with the placeholders replaced,
// or ours, built.
func (r *roleRun) clientCommand(ctx context.Context, url, ca string) (*exec.Cmd, error) {
	if len(r.exec) == 0 {
		file, err := build(ctx, packageClient, r.job.config)
		if err != nil {
			return nil, err
		}
		args := []string{"-url", url, "-agent", r.agent, "-limit", strconv.FormatInt(r.limit, 10), compressFlag(r.compress)}
		if ca != "" {
			args = append(args, "-ca", ca)
		}
		return exec.Command(file, args...), nil
	}
	replace := strings.NewReplacer("{url}", url, "{agent}", r.agent, "{ca}", ca)
	args := make([]string, len(r.exec))
	for i, a := range r.exec {
		args[i] = replace.Replace(a)
	}
	return exec.Command(args[0], args[1:]...), nil
}

// compressFlag returns the flag of our server and client that switches compression on or
// off.
func compressFlag(on bool) string { return "-compress=" + strconv.FormatBool(on) }

// freePort returns a TCP port of the loopback address on which nobody listens. Somebody
// else may take it before the suite does, which then says so and ends.
func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	return port, err
}

// awaitServer waits until the suite answers an HTTP request. That it accepts a TCP
// connection would not say enough: Docker does so before the program behind it listens.
func awaitServer(ctx context.Context, suite *process, url, ca string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("the suite does not answer after %s", startTime))
	defer cancel()
	t := &http.Transport{DisableKeepAlives: true}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return err
		}
		t.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
		t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem)
	}
	hc := &http.Client{Transport: t, Timeout: grace}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http"+strings.TrimPrefix(url, "ws"), nil)
		if err != nil {
			return err
		}
		if resp, err := hc.Do(req); err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-tick.C:
		case <-suite.done:
			return fmt.Errorf("the suite ended before it listened (%v)", suite.cmd.ProcessState)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
