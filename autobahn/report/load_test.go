package report

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// goodResults are the verdicts in testdata/good.
func goodResults() map[string]Result {
	return map[string]Result{
		"1.1.1":  {OK, OK, 1000},
		"2.5":    {OK, OK, 1002},
		"6.4.1":  {NonStrict, OK, 1007},
		"6.4.3":  {NonStrict, OK, 1007},
		"7.1.6":  {Informational, Informational, 1000},
		"7.3.1":  {OK, OK, NoCode},
		"7.9.2":  {OK, OK, 1002},
		"9.1.6":  {OK, OK, 1000},
		"12.1.1": {Unimplemented, OK, 1000},
	}
}

func TestLoad(t *testing.T) {
	r, err := Load(filepath.Join("testdata", "good"), "duplex")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(goodResults(), r.Results()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := 4248 * time.Millisecond; r.Duration() != want {
		t.Errorf("duration %s, want %s", r.Duration(), want)
	}
}

func TestLoadAgent(t *testing.T) {
	for _, tt := range []struct {
		name, dir, agent string
		want             string // the agent, or part of the error
	}{
		{"the named one of several", "two-agents", "beta", "beta"},
		{"the only one under another name", "good", "somebody", "duplex"},
		{"none of several", "two-agents", "duplex", `no agent "duplex", only ["alpha" "beta"]`},
		{"no case", "empty", "duplex", "has no cases"},
		{"no report", "missing", "duplex", "left no report"},
		{"a strange case number", "bad-id", "duplex", `"1.x" is not a case number`},
		{"a close code of more than 16 bits", "bad-code", "duplex", "cannot unmarshal number 70000"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Load(filepath.Join("testdata", tt.dir), tt.agent)
			switch {
			case err != nil && !strings.Contains(err.Error(), tt.want):
				t.Errorf("error %q, want one with %q", err, tt.want)
			case err == nil && r.Agent != tt.want:
				t.Errorf("agent %q, want %q", r.Agent, tt.want)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	r, err := Load(filepath.Join("testdata", "good"), "duplex")
	if err != nil {
		t.Fatal(err)
	}
	want := "The first frame is accepted, we expect to timeout on the first wait. " +
		"The 2nd frame should be rejected immediately (fail fast on UTF-8). If we timeout, " +
		"we expect the connection is failed at least then, since the complete message payload is not valid UTF-8.\n" +
		"Actual events match at least one expected.\n" +
		"Connection was properly closed"
	if diff := cmp.Diff(want, r.Explain("6.4.1")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := r.Explain("2.5"); got != "" {
		t.Errorf("without a file: %q, want nothing", got)
	}
}
