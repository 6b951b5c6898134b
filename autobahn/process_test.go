package main

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestProcess checks that a program is ended when the context does, and that its end is
// told apart from that.
func TestProcess(t *testing.T) {
	dir := t.TempDir()
	forever := filepath.Join(dir, "forever")
	// It says that it is there, and then waits for a signal.
	writeProgram(t, forever, "echo ready; exec cat /dev/zero >/dev/null")
	ready := make(chan struct{})
	p, err := start("forever", &exec.Cmd{Path: forever}, &lines{line: func(string) { close(ready) }})
	if err != nil {
		t.Fatal(err)
	}
	<-ready
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrUnexpectedEOF)
	if err := p.wait(ctx); err == nil || !strings.Contains(err.Error(), "broken off: unexpected EOF") {
		t.Errorf("error %v, want one that says that it was broken off", err)
	}
	<-p.done

	failing := filepath.Join(dir, "failing")
	writeProgram(t, failing, "exit 3")
	if p, err = start("failing", &exec.Cmd{Path: failing}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(t.Context()); err == nil || err.Error() != "failing: exit status 3" {
		t.Errorf("error %v, want exit status 3", err)
	}
}
