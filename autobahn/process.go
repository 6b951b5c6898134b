package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// process is a program that has been started. It is ended by its own handle, never by
// its name.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended; to be read after done
}

// grace is how long a program may take to end after it has been asked to.
const grace = 10 * time.Second

// start starts cmd; what it prints goes to w.
func start(name string, cmd *exec.Cmd, w io.Writer) (*process, error) {
	cmd.Stdout, cmd.Stderr = w, w
	// A grandchild that holds the pipes must not keep us waiting.
	cmd.WaitDelay = grace
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// wait waits until the program has ended by itself. When ctx ends first, it ends the
// program.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.failed()
	case <-ctx.Done():
		p.stop()
		return fmt.Errorf("%s: broken off: %w", p.name, context.Cause(ctx))
	}
}

// failed returns an error that says how the program ended, or nil if all was well. It
// must have ended.
func (p *process) failed() error {
	if p.err != nil {
		return fmt.Errorf("%s: %w", p.name, p.err)
	}
	return nil
}

// stop ends the program and returns how it ended: it is interrupted, and killed if it
// does not end then.
func (p *process) stop() error {
	select {
	case <-p.done:
		return p.failed()
	default:
	}
	if p.cmd.Process.Signal(os.Interrupt) == nil {
		select {
		case <-p.done:
			return p.failed()
		case <-time.After(grace):
		}
	}
	_ = p.cmd.Process.Kill() // it fails only if the program has just ended
	<-p.done
	return p.failed()
}

// lines is a writer that calls a function for each line.
type lines struct {
	line func(string)
	rest []byte
}

func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		l.line(string(bytes.TrimSuffix(l.rest[:i], []byte("\r"))))
		l.rest = l.rest[i+1:]
	}
}

// Our own programs, by their import path, so that they can be built from anywhere.
const (
	packageSelf   = "github.com/duplexws/duplex/autobahn"
	packageEcho   = "github.com/duplexws/duplex/examples/echo"
	packageClient = "github.com/duplexws/duplex/autobahn/client"
)

// build builds a program into dir and returns its file. It is built rather than run by
// "go run", so that the process to end is the program itself.
func build(ctx context.Context, pkg, dir string) (string, error) {
	file := filepath.Join(dir, filepath.Base(pkg))
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", file, pkg).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, bytes.TrimSpace(out))
	}
	return file, nil
}

// moduleRoot returns the folder of this module's source.
func moduleRoot(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", packageSelf)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w (run it inside the module)", cmd, err)
	}
	return filepath.Dir(string(bytes.TrimSpace(out))), nil
}
