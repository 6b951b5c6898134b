package main

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
)

// local runs the suite in a virtual environment of CPython 2.7.
type local struct {
	python string // the interpreter of the virtual environment
	launch string // launch.py
}

func findLocal(ctx context.Context, python string, w io.Writer) (*local, error) {
	py, err := findPython(ctx, python)
	if err != nil {
		return nil, err
	}
	return install(ctx, py, w)
}

func (l *local) String() string { return "local, wstest " + suiteVersion + " of " + l.python }

func (l *local) folders(j job) (config, out string) { return j.config, j.out }

func (l *local) host(h string) string { return h }

func (l *local) command(j job) *exec.Cmd {
	return exec.Command(l.python, "-u", l.launch, "127.0.0.1",
		"--mode", j.mode, "--spec", filepath.Join(j.config, j.mode+".json"), "--webport", "0")
}

func (l *local) remove(job) {}
