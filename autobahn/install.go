package main

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

var (
	//go:embed requirements.txt
	requirements []byte
	//go:embed requirements-speed.txt
	requirementsSpeed []byte
	//go:embed launch.py
	launch []byte
)

// virtualenv is the last release that is one file and brings along a pip for CPython
// 2.7, so that any Python's pip can fetch it and CPython 2.7 can run it.
const virtualenv = "virtualenv==16.7.12"

// findPython returns a CPython 2.7: the program named, or the first of those on the
// PATH and of pyenv that runs. A program that is there need not run: pyenv puts one on
// the PATH that fails unless a version has been chosen.
func findPython(ctx context.Context, named string) (string, error) {
	candidates := []string{"python2.7", "python2"}
	if named != "" {
		candidates = []string{named}
	} else if out, err := exec.CommandContext(ctx, "pyenv", "root").Output(); err == nil {
		// The pattern is well formed, so Glob does not fail.
		found, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "versions", "2.7*", "bin", "python"))
		candidates = append(candidates, found...)
	}
	const show = "import platform, sys; print('%s %d.%d' % ((platform.python_implementation(),) + sys.version_info[:2]))"
	for _, c := range candidates {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		out, err := exec.CommandContext(ctx, c, "-c", show).Output()
		cancel()
		if err == nil && strings.TrimSpace(string(out)) == "CPython 2.7" {
			return exec.LookPath(c)
		}
	}
	return "", fmt.Errorf("local: no CPython 2.7 (tried %s); the testsuite does not run on Python 3. "+
		"Install one, for example with \"pyenv install 2.7.18\", or start a Docker engine", strings.Join(candidates, ", "))
}

// install makes a virtual environment with the suite in the user's cache folder, unless
// a former run has done so. The folder is named after all that went into it, so that a
// changed version or another Python gets a new one.
func install(ctx context.Context, python string, w io.Writer) (*local, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	for _, b := range [][]byte{[]byte(python), []byte(virtualenv), requirements, requirementsSpeed, launch} {
		fmt.Fprintf(sum, "%d\n%s", len(b), b)
	}
	dir := filepath.Join(cache, "duplex", "autobahn", hex.EncodeToString(sum.Sum(nil))[:16])
	l := &local{python: filepath.Join(dir, "env", "bin", "python"), launch: filepath.Join(dir, "launch.py")}
	if runtime.GOOS == "windows" {
		l.python = filepath.Join(dir, "env", "Scripts", "python.exe")
	}
	done := filepath.Join(dir, "complete")
	if _, err := os.Stat(done); err == nil {
		return l, nil
	}
	fmt.Fprintf(w, "installing the testsuite into %s\n", dir)
	// What is there is the rest of an installation that was broken off.
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := l.fill(ctx, dir, python); err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	return l, os.WriteFile(done, nil, 0o644)
}

// fill installs everything into dir, which does not exist yet.
func (l *local) fill(ctx context.Context, dir, python string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	boot := filepath.Join(dir, "bootstrap")
	if err := os.MkdirAll(boot, 0o755); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"requirements.txt": requirements, "requirements-speed.txt": requirementsSpeed, "launch.py": launch,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	// CPython 2.7 comes without pip on some systems. virtualenv is plain Python, so
	// that the pip of Python 3 can fetch it as well.
	fetch := []string{"-m", "pip", "install", "--quiet", "--no-deps", "--target", boot, virtualenv}
	if err := step(ctx, nil, python, fetch...); err != nil {
		if err3 := step(ctx, nil, "python3", fetch...); err3 != nil {
			return errors.Join(err, err3)
		}
	}
	env := append(os.Environ(), "PYTHONPATH="+boot)
	if err := step(ctx, env, python, "-m", "virtualenv", "--no-download", filepath.Join(dir, "env")); err != nil {
		return err
	}
	pip := []string{"-m", "pip", "install", "--quiet", "--no-deps", "--prefer-binary", "--requirement"}
	if err := step(ctx, nil, l.python, append(pip, filepath.Join(dir, "requirements.txt"))...); err != nil {
		return err
	}
	// Optional: it fails without a C compiler, and the suite does without.
	_ = step(ctx, nil, l.python, append(pip, filepath.Join(dir, "requirements-speed.txt"))...)
	if err := step(ctx, nil, l.python, "-c", "import OpenSSL, service_identity"); err != nil {
		return err
	}
	return step(ctx, nil, l.python, l.launch, "127.0.0.1", "--autobahnversion")
}

// step runs a program and returns what it said if it fails.
func step(ctx context.Context, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, strings.TrimSpace(string(out)))
	}
	return nil
}
