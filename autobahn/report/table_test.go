package report

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	r, err := Load(filepath.Join("testdata", "good"), "duplex")
	if err != nil {
		t.Fatal(err)
	}
	r.Cases["9.1.6"] = Case{Result: Result{Failed, Unclean, NoCode}, DurationMS: 500}
	r.Cases["9.1.5"] = Case{Result: Result{"NEW WORD", WrongCode, 1001}, DurationMS: 500}
	var b strings.Builder
	if err := Table(&b, r); err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		strings.Fields("SECTION CASES OK NON-STRICT INFORMATIONAL UNIMPLEMENTED FAILED UNCLEAN BAD CLOSE SECONDS"),
		strings.Fields("1 1 1 0 0 0 0 0 0 0.0 Framing"),
		strings.Fields("2 1 1 0 0 0 0 0 0 0.0 Pings and pongs"),
		strings.Fields("6 2 0 2 0 0 0 0 0 4.0 UTF-8"),
		strings.Fields("7 3 2 0 1 0 0 0 0 0.0 Closing"),
		strings.Fields("9 2 0 0 0 0 2 1 1 1.0 Limits and performance"),
		strings.Fields("12 1 0 0 0 1 0 0 0 0.0 Compression, payloads"),
		strings.Fields("all 10 4 2 1 1 2 1 1 5.0"),
	}
	var got [][]string
	for line := range strings.Lines(b.String()) {
		got = append(got, strings.Fields(line))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
