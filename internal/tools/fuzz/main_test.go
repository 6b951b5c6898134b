package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	results := []result{
		{target{"example.com/m", "example.com/m", "FuzzAll"}, 2 * time.Second, counts{1000, 3}, false},
		{target{"example.com/m", "example.com/m/internal/parts", "FuzzOne"}, 500 * time.Millisecond, counts{}, true},
	}
	var b bytes.Buffer
	err := report(&b, results)
	want := `
target                    executions     new   seconds  result
.FuzzAll                        1000       3       2.0  passed
internal/parts.FuzzOne             0       0       0.5  FAILED
all                             1000                    1 passed, 1 failed
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("internal/parts.FuzzOne has failed", err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if err := report(&b, results[:1]); err != nil {
		t.Errorf("nothing has failed: %v", err)
	}
}
