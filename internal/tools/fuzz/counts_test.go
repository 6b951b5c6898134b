package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		printed string
		want    counts
		ok      bool
	}{
		"passed": {`fuzz: elapsed: 0s, gathering baseline coverage: 0/509 completed
fuzz: elapsed: 1s, gathering baseline coverage: 509/509 completed, now fuzzing with 2 workers
fuzz: elapsed: 3s, execs: 10957 (3652/sec), new interesting: 8 (total: 517)
fuzz: elapsed: 5s, execs: 20027 (5843/sec), new interesting: 9 (total: 518)
PASS
ok  	example.com/frame	4.570s
`, counts{20027, 9}, true},
		"failed": {`fuzz: elapsed: 3s, execs: 101 (33/sec), new interesting: 0 (total: 5)
--- FAIL: FuzzParse (3.10s)
    --- FAIL: FuzzParse (0.00s)
        fuzz_test.go:20: execs: 7 (1/sec), new interesting: 7 (total: 7)
`, counts{101, 0}, true},
		"failed at once": {"--- FAIL: FuzzParse (0.00s)\n", counts{}, false},
		"hours":          {"fuzz: elapsed: 1h2m3s, execs: 5000000000 (0/sec), new interesting: 1 (total: 2)\n", counts{5_000_000_000, 1}, true},
	} {
		got, ok := parse(test.printed)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(counts{})); diff != "" || ok != test.ok {
			t.Errorf("%s: %t, (-want +got):\n%s", name, ok, diff)
		}
	}
}
