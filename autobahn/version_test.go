package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOneVersion checks that every file names the same version of the suite.
func TestOneVersion(t *testing.T) {
	for name, want := range map[string]string{
		"README.md":                              "version " + suiteVersion,
		filepath.Join("docker", "compose.yaml"):  "image: " + suiteImage,
		"requirements.txt":                       "autobahntestsuite==" + suiteVersion + "\n",
		filepath.Join("expected", "server.json"): `"suite": "` + suiteVersion + `"`,
		filepath.Join("expected", "client.json"): `"suite": "` + suiteVersion + `"`,
	} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(b), want) {
			t.Errorf("%s does not contain %q", name, want)
		}
	}
}

// TestByHandExcludesNothing checks the suite's configuration for use without the runner.
func TestByHandExcludesNothing(t *testing.T) {
	for _, name := range []string{"fuzzingclient.json", "fuzzingserver.json"} {
		b, err := os.ReadFile(filepath.Join("docker", name))
		if err != nil {
			t.Fatal(err)
		}
		var got spec
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		want := newSpec(&docker{}, job{}, []string{"*"})
		want.Outdir, want.URL, want.Servers = got.Outdir, got.URL, got.Servers
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
