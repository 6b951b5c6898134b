package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseFlags(t *testing.T) {
	got, err := parseFlags(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := &config{
		role: "both", cases: []string{"*"}, exec: []string{}, agent: "duplex", engine: "auto",
		limit: 16 << 20, compress: true, timeout: 45 * time.Minute,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{})); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	got, err = parseFlags(strings.Split("-role client -tls -compress=false -cases 1.*,6.4.1 -exec a_{url}", " "), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want.role, want.tls, want.compress = "client", true, false
	want.cases, want.exec = []string{"1.*", "6.4.1"}, []string{"a_{url}"}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(config{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRunRefusesFlags(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-role proxy", "want server, client or both"},
		{"-engine podman", "want auto, docker or local"},
		{"-cases 6.*,", "not a case number"},
		{"-cases six", "not a case number"},
		{"-url ws://127.0.0.1:1", "needs -role server"},
		{"-role server -tls -url ws://127.0.0.1:1", "wss URL"},
		{"-role server -exec x", "needs -role client"},
		{"-update -expected none", "needs a file"},
		{"-update -compress=false", "leave out -compress=false"},
		{"-expected x.json", "add -role"},
		{"-role server 6.*", "unexpected argument"},
		{"-no-such-flag", "not defined"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(tt.args), io.Discard, &stderr); code != exitError {
			t.Errorf("%s: exit status %d, want %d", tt.args, code, exitError)
		}
		if !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: %q, want a message with %q", tt.args, &stderr, tt.want)
		}
	}
}

func TestHelp(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"-h"}, io.Discard, &stderr); code != exitOK {
		t.Errorf("exit status %d, want %d", code, exitOK)
	}
	if !strings.HasPrefix(stderr.String(), usage) {
		t.Errorf("-h prints %q", &stderr)
	}
}
