package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// docker runs the suite's image.
type docker struct {
	program string
	goos    string
}

// findDocker returns the Docker engine of this machine. The program alone is not
// enough: it may be there without an engine that runs.
func findDocker(ctx context.Context) (*docker, error) {
	program, err := exec.LookPath("docker")
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "info", "--format", "{{.ServerVersion}}").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("docker: no engine is running (docker info: %w: %s)", err, lastLine(out))
	}
	return &docker{program: program, goos: runtime.GOOS}, nil
}

func (d *docker) String() string { return "docker, image " + suiteImage }

func (d *docker) folders(job) (config, out string) { return "/config", "/reports" }

// host: on Linux the container shares the host's network. Elsewhere the engine lives in
// a virtual machine, which knows the host by a name of its own.
func (d *docker) host(h string) string {
	if ip := net.ParseIP(h); d.goos != "linux" && (h == "localhost" || ip != nil && ip.IsLoopback()) {
		return "host.docker.internal"
	}
	return h
}

func (d *docker) command(j job) *exec.Cmd {
	args := []string{
		"run", "--rm", "--name", j.name,
		"--volume", j.config + ":/config:ro", "--volume", j.out + ":/reports",
		"--env", "PYTHONUNBUFFERED=1",
	}
	switch {
	case j.mode == "fuzzingserver":
		// The server listens on every interface of the container; only this port is
		// published, and only on loopback.
		args = append(args, "--publish", "127.0.0.1:"+j.port+":"+j.port)
	case d.goos == "linux":
		args = append(args, "--network", "host")
	}
	args = append(args, suiteImage, "wstest", "--mode", j.mode, "--spec", "/config/"+j.mode+".json", "--webport", "0")
	return exec.Command(d.program, args...)
}

// remove ends the container: ending the docker program need not have done so.
func (d *docker) remove(j job) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// It fails if there is no such container any more, which is as good.
	_ = exec.CommandContext(ctx, d.program, "rm", "--force", j.name).Run()
}

// lastLine returns the last line of out that is not empty, for an error message.
func lastLine(out []byte) string {
	s := strings.TrimSpace(string(out))
	return s[strings.LastIndexByte(s, '\n')+1:]
}
