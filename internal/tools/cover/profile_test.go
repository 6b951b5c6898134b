package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const profile = `mode: set
example.org/m/a/x.go:3.20,5.2 2 1
example.org/m/a/x.go:7.20,9.2 3 0
example.org/m/a/x.go:10.2,10.30 1 0
example.org/m/a/x.go:20.2,20.30 1 0
example.org/m/a/x.go:20.2,20.30 1 1
example.org/m/a/x.go:30.2,30.30 1 0
example.org/m/b/y.go:1.1,2.2 4 1
`

func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "cover.out")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name    string
		profile string
		lines   bool
		floor   string
		want    string
		err     string // part of the error's text; empty: none
	}{
		{
			name:    "percentages",
			profile: profile,
			want:    "  37.5%  example.org/m/a (3 of 8 statements)\n 100.0%  example.org/m/b (4 of 4 statements)\n",
		},
		{
			name:    "lines that touch are joined",
			profile: profile,
			lines:   true,
			want: "  37.5%  example.org/m/a (3 of 8 statements)\n         x.go:7-10\n         x.go:30\n" +
				" 100.0%  example.org/m/b (4 of 4 statements)\n",
		},
		{name: "floor kept", profile: profile, floor: "a=37.5 m/b=100"},
		{name: "floor broken", profile: profile, floor: "a=38", err: "example.org/m/a is covered to 37.5%, less than 38%"},
		{name: "package missing", profile: profile, floor: "c=1", err: "c is not in the profile"},
		{name: "suffix is a whole element", profile: "example.org/m/ab/x.go:1.1,2.2 1 1\n", floor: "b=1", err: "b is not in the profile"},
		{name: "floor not a number", profile: profile, floor: "a=x", err: "not of the form"},
		{name: "floor without number", profile: profile, floor: "a", err: "not of the form"},
		{name: "no package", profile: "mode: set\n", err: "no package"},
		{name: "no block", profile: "what is this line\n", err: "line 1"},
		{name: "no count", profile: "a/x.go:1.1,2.2 x 1\n", err: "line 1"},
		{name: "no position", profile: "a/x.go 1 1\n", err: "no position"},
		{name: "bad position", profile: "a/x.go:1-2 1 1\n", err: "not a position"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			err := run(&out, write(t, test.profile), test.lines, test.floor)
			if test.err == "" && err != nil {
				t.Fatal(err)
			}
			if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Fatalf("error %v, want one with %q", err, test.err)
			}
			if test.want == "" {
				return
			}
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunWithoutProfile(t *testing.T) {
	if err := run(&strings.Builder{}, filepath.Join(t.TempDir(), "none"), false, ""); err == nil {
		t.Error("no error for a profile that does not exist")
	}
}
