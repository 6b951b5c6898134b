package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNoEngine pretends to be a machine with neither Docker nor Python, and one whose
// docker program finds no engine.
func TestNoEngine(t *testing.T) {
	empty := t.TempDir()
	t.Setenv("PATH", empty)
	_, err := findEngine(t.Context(), &config{engine: "auto"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "docker: exec") || !strings.Contains(err.Error(), "no CPython 2.7") {
		t.Errorf("error %v, want one that names both", err)
	}

	writeProgram(t, filepath.Join(empty, "docker"), "echo cannot connect >&2; exit 1")
	_, err = findEngine(t.Context(), &config{engine: "docker"}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no engine is running") || !strings.Contains(err.Error(), "cannot connect") {
		t.Errorf("error %v, want one that says that no engine is running", err)
	}

	writeProgram(t, filepath.Join(empty, "docker"), "echo 28.0")
	e, err := findEngine(t.Context(), &config{engine: "auto"}, io.Discard)
	if _, ok := e.(*docker); !ok {
		t.Errorf("engine %v, error %v, want docker", e, err)
	}
}

// TestOtherPython checks that only CPython 2.7 will do: what is called python2.7 may be
// something else, or a shim that fails.
func TestOtherPython(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for _, body := range []string{"exit 127", "echo CPython 3.13", "echo PyPy 2.7"} {
		writeProgram(t, filepath.Join(dir, "python2.7"), body)
		if got, err := findPython(t.Context(), ""); err == nil {
			t.Errorf("%s: found %s", body, got)
		}
	}
	want := filepath.Join(dir, "python2")
	writeProgram(t, want, "echo CPython 2.7")
	if got, err := findPython(t.Context(), ""); got != want {
		t.Errorf("found %q (%v), want %q", got, err, want)
	}
}

// writeProgram writes a shell script in the place of a program.
func writeProgram(t *testing.T, name, body string) {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("this system has no /bin/sh to write stand-ins for")
	}
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestDockerCommand(t *testing.T) {
	const mount = " --volume /tmp/c:/config:ro --volume /tmp/r:/reports --env PYTHONUNBUFFERED=1"
	for _, tt := range []struct{ name, goos, mode, want string }{
		{
			"a server is reached through the host's network", "linux", "fuzzingclient",
			"docker run --rm --name n" + mount + " --network host " + suiteImage +
				" wstest --mode fuzzingclient --spec /config/fuzzingclient.json --webport 0",
		},
		{
			"or through the virtual machine's", "darwin", "fuzzingclient",
			"docker run --rm --name n" + mount + " " + suiteImage +
				" wstest --mode fuzzingclient --spec /config/fuzzingclient.json --webport 0",
		},
		{
			"a client connects to a port published on loopback", "linux", "fuzzingserver",
			"docker run --rm --name n" + mount + " --publish 127.0.0.1:9002:9002 " + suiteImage +
				" wstest --mode fuzzingserver --spec /config/fuzzingserver.json --webport 0",
		},
	} {
		d := &docker{program: "docker", goos: tt.goos}
		j := job{mode: tt.mode, name: "n", config: "/tmp/c", out: "/tmp/r", port: "9002"}
		if diff := cmp.Diff(tt.want, strings.Join(d.command(j).Args, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestReachable(t *testing.T) {
	linux, mac := &docker{goos: "linux"}, &docker{goos: "darwin"}
	for _, tt := range []struct {
		e         engine
		url, want string
	}{
		{linux, "ws://127.0.0.1:9001/a?b=c", "ws://127.0.0.1:9001/a?b=c"},
		{mac, "ws://127.0.0.1:9001/a?b=c", "ws://host.docker.internal:9001/a?b=c"},
		{mac, "wss://localhost/", "wss://host.docker.internal/"},
		{mac, "wss://[::1]:1/", "wss://host.docker.internal:1/"},
		{mac, "ws://192.0.2.1:1/", "ws://192.0.2.1:1/"},
		{&local{}, "ws://localhost:1/", "ws://localhost:1/"},
		{linux, "http://127.0.0.1/", ""},
		{linux, "ws:///echo", ""},
		{linux, "ws://%/", ""},
	} {
		r := &roleRun{engine: tt.e}
		got, err := r.reachable(tt.url)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s: %q, %v, want %q", tt.url, got, err, tt.want)
		}
	}
}
