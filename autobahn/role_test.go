package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/autobahn/report"
)

func TestProgress(t *testing.T) {
	var b strings.Builder
	w := progress(&b)
	text := "Using ...\nRunning test case ID 1.1.1 for agent x\r\nRunning test case ID 1.2.1 for agent x\nRunning test case ID 10.1.1 for agent x\n"
	for _, c := range []byte(text) {
		if n, err := w.Write([]byte{c}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if diff := cmp.Diff("  section 1\n  section 10\n", b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestEmptyReport checks that an old report goes and that nothing else does.
func TestEmptyReport(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"index.json", "index.html", "duplex_case_1_1_1.json", "duplex_case_1_1_1.html", "wstest.log", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := emptyReport(dir); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "notes.txt")}, left); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const caseOK = `{"duplex": {"1.1.1": {"behavior": "OK", "behaviorClose": "OK", "duration": 1, "remoteCloseCode": %CODE, "reportfile": "x.json"}}}`

// TestCompareReport follows a report from the suite's file to what runRole returns.
func TestCompareReport(t *testing.T) {
	expected := &report.Expected{Suite: suiteVersion, Cases: map[string]report.Result{
		"1.1.1": {Behavior: report.OK, BehaviorClose: report.OK, RemoteCloseCode: 1000},
		"2.5":   {Behavior: report.OK, BehaviorClose: report.OK, RemoteCloseCode: 1002},
	}}
	for _, tt := range []struct {
		name, code, cases string
		want              error
		text              string
	}{
		{"as expected", "1000", "1.*", nil, "all 1 cases are as expected"},
		{"another close code", "1001", "1.*", errDeviation, "1.1.1    remoteCloseCode: want 1000, got 1001"},
		{"a case is missing", "1000", "*", errDeviation, "2.5      want OK, OK, 1002, got no result"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			name := filepath.Join(dir, "expected.json")
			if err := expected.Write(name); err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(caseOK, "%CODE", tt.code, 1)
			if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			r := &roleRun{config: &config{expected: name, agent: "duplex", compress: true, cases: []string{tt.cases}}, out: &b, job: job{out: dir}}
			if err := r.compare("server", ""); err != tt.want {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if !strings.Contains(b.String(), tt.text) {
				t.Errorf("printed %q, want %q in it", b.String(), tt.text)
			}
		})
	}
}

// TestCompareWithoutCompression checks that -compress=false changes what is expected of our
// own server and client only, and of sections 12 and 13 only.
func TestCompareWithoutCompression(t *testing.T) {
	const text = `{"duplex": {
		"1.1.1": {"behavior": "OK", "behaviorClose": "OK", "duration": 1, "remoteCloseCode": 1000, "reportfile": "x.json"},
		"12.1.1": {"behavior": "UNIMPLEMENTED", "behaviorClose": "OK", "duration": 1, "remoteCloseCode": 1000, "reportfile": "x.json"}
	}}`
	ok := report.Result{Behavior: report.OK, BehaviorClose: report.OK, RemoteCloseCode: 1000}
	dir := t.TempDir()
	name := filepath.Join(dir, "expected.json")
	e := &report.Expected{Suite: suiteVersion, Cases: map[string]report.Result{"1.1.1": ok, "12.1.1": ok}}
	if err := e.Write(name); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		c    config
		want error
	}{
		{"off", config{}, nil},
		{"on", config{compress: true}, errDeviation},
		{"off, somebody else's server", config{url: "ws://127.0.0.1:1"}, errDeviation},
		{"off, somebody else's client", config{exec: []string{"client"}}, errDeviation},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.expected, tt.c.agent, tt.c.cases = name, "duplex", []string{"*"}
			r := &roleRun{config: &tt.c, out: io.Discard, job: job{out: dir}}
			if err := r.compare("server", ""); err != tt.want {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// TestUpdate checks that a run of some cases leaves the expected results of the others.
func TestUpdate(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "expected.json")
	ok := report.Result{Behavior: report.OK, BehaviorClose: report.OK, RemoteCloseCode: 1000}
	old := &report.Expected{Suite: suiteVersion, Cases: map[string]report.Result{"1.1.1": {}, "2.5": ok}}
	if err := old.Write(name); err != nil {
		t.Fatal(err)
	}
	rep := &report.Report{Cases: map[string]report.Case{"1.1.1": {Result: ok}}}
	for _, tt := range []struct {
		cases string
		want  map[string]report.Result
	}{
		{"1.*", map[string]report.Result{"1.1.1": ok, "2.5": ok}},
		{"*", map[string]report.Result{"1.1.1": ok}},
	} {
		r := &roleRun{config: &config{cases: []string{tt.cases}}, out: io.Discard}
		if err := r.rewrite(name, rep); err != nil {
			t.Fatal(err)
		}
		got, err := report.ReadExpected(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got.Cases); diff != "" {
			t.Errorf("-cases %s (-want +got):\n%s", tt.cases, diff)
		}
	}
}
