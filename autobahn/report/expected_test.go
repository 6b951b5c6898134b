package report

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const expectedText = `{
  "suite": "1.0",
  "cases": {
    "2.9": {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000},
    "2.10": {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": null}
  }
}
`

func TestExpectedRoundTrip(t *testing.T) {
	name := filepath.Join(t.TempDir(), "expected.json")
	want := &Expected{Suite: "1.0", Cases: map[string]Result{"2.9": {OK, OK, 1000}, "2.10": {OK, OK, NoCode}}}
	if err := want.Write(name); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expectedText, string(b)); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	got, err := ReadExpected(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("value (-want +got):\n%s", diff)
	}
}

func TestReadExpectedRefuses(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"a case twice", `"2.9"`, `"2.10"`, "not in the form"},
		{"a misspelt case", `"2.9"`, `"2,9"`, "not a case number"},
		{"a case number with a leading zero", `"2.9"`, `"2.09"`, "not a case number"},
		{"a misspelt field", `"behaviorClose"`, `"behaviourClose"`, "unknown field"},
		{"a close code that is text", `1000`, `"1000"`, "close code"},
		{"another order", `"2.9"`, `"2.11"`, "not in the form"},
		{"a missing close code", `, "remoteCloseCode": null`, ``, "not in the form"},
		{"more after the end", "  }\n}\n", "  }\n}\n{}\n", "more than one value"},
		{"no cases", expectedText, `{"suite": "1.0", "cases": {}}`, "no cases"},
		{"an empty file", expectedText, "", "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(expectedText, tt.old, tt.new, 1)
			if text == expectedText {
				t.Fatal("nothing was replaced")
			}
			name := filepath.Join(t.TempDir(), "expected.json")
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadExpected(name)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	if _, err := ReadExpected(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("no error for a file that is not there")
	}
}

func TestWithoutCompression(t *testing.T) {
	ok := Result{OK, OK, 1000}
	off := Result{Unimplemented, OK, 1000}
	in := map[string]Result{"1.1.1": ok, "2.5": {OK, OK, 1002}, "12.1.1": ok, "13.7.18": ok}
	before := maps.Clone(in)
	want := map[string]Result{"1.1.1": ok, "2.5": {OK, OK, 1002}, "12.1.1": off, "13.7.18": off}
	if diff := cmp.Diff(want, WithoutCompression(in)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, in); diff != "" {
		t.Errorf("the argument (-want +got):\n%s", diff)
	}
}
