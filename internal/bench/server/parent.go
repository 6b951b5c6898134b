//go:build linux

package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Process is a server process, seen from its parent.
type Process struct {
	Addr string // where it listens
	PID  int

	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Start starts this program again as a server on the given CPU.
func Start(c Config, cpu int) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.Command(self, append([]string{Flag}, c.args()...)...)}
	p.cmd.Stderr = os.Stderr
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	if err := onCPU(cpu, p.cmd.Start); err != nil {
		return nil, err
	}
	p.PID = p.cmd.Process.Pid
	line, err := p.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("server %s: no address: %w", c.Lib, err)
	}
	p.Addr = strings.TrimSpace(line)
	return p, nil
}

// Usage asks what the process has used so far.
func (p *Process) Usage() (Usage, error) { return p.ask(askUsage, 0, 0) }

// Collect lets the process collect its garbage, pools included, and asks then.
func (p *Process) Collect() (Usage, error) { return p.ask(askCollect, 0, 0) }

// Dial lets a process that is a client open connections, one after another, and close
// each at once.
func (p *Process) Dial(times int) (Usage, error) { return p.ask(askDial, times, 0) }

// Open lets a process that is a client open connections.
func (p *Process) Open(conns int) (Usage, error) { return p.ask(askOpen, conns, 0) }

// Trips lets a process that is a client send messages on all its open connections, on
// each the next one after the answer to the last.
func (p *Process) Trips(times, size int) (Usage, error) { return p.ask(askTrips, times, size) }

func (p *Process) ask(command string, times, size int) (Usage, error) {
	if err := p.begin(command, times, size); err != nil {
		return Usage{}, err
	}
	return p.Answer()
}

// Broadcast lets the process send messages to all its connections. It does not wait:
// Answer does, for the process to have handed them over.
func (p *Process) Broadcast(times, size int) error { return p.begin(askBroadcast, times, size) }

func (p *Process) begin(command string, times, size int) error {
	_, err := fmt.Fprintln(p.in, command, times, size)
	return err
}

// Answer waits for the answer to the last command.
func (p *Process) Answer() (u Usage, err error) {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return u, fmt.Errorf("the server process does not answer: %w", err)
	}
	return u, json.Unmarshal(line, &u)
}

// Stop ends the process and waits for it.
func (p *Process) Stop() {
	p.in.Close()
	p.cmd.Process.Kill() // nothing of it is worth keeping
	p.cmd.Wait()
}
