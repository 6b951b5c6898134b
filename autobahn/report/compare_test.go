package report

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(got map[string]Result)
		want   []string
	}{
		{"the same", func(map[string]Result) {}, nil},
		{
			"a behavior differs",
			func(m map[string]Result) { m["1.1.1"] = Result{NonStrict, OK, 1000} },
			[]string{"1.1.1    behavior: want OK, got NON-STRICT"},
		},
		{
			"a close behavior differs",
			func(m map[string]Result) { m["1.1.1"] = Result{OK, Unclean, 1000} },
			[]string{"1.1.1    behaviorClose: want OK, got UNCLEAN"},
		},
		{
			"a close code differs",
			func(m map[string]Result) { m["2.5"] = Result{OK, OK, 1000} },
			[]string{"2.5      remoteCloseCode: want 1002, got 1000"},
		},
		{
			"a close code is missing, which the suite calls OK",
			func(m map[string]Result) { m["2.5"] = Result{OK, OK, NoCode} },
			[]string{"2.5      remoteCloseCode: want 1002, got none"},
		},
		{
			"a close code where there should be none",
			func(m map[string]Result) { m["7.3.1"] = Result{OK, OK, 1000} },
			[]string{"7.3.1    remoteCloseCode: want none, got 1000"},
		},
		{
			"better than expected is a deviation too",
			func(m map[string]Result) { m["12.1.1"] = Result{OK, OK, 1000} },
			[]string{"12.1.1   behavior: want UNIMPLEMENTED, got OK"},
		},
		{
			"everything of a case differs",
			func(m map[string]Result) { m["9.1.6"] = Result{Failed, FailedByClient, 1009} },
			[]string{
				"9.1.6    behavior: want OK, got FAILED",
				"9.1.6    behaviorClose: want OK, got FAILED BY CLIENT",
				"9.1.6    remoteCloseCode: want 1000, got 1009",
			},
		},
		{
			"a case is missing",
			func(m map[string]Result) { delete(m, "7.9.2") },
			[]string{"7.9.2    want OK, OK, 1002, got no result (the case did not run)"},
		},
		{
			"a case is new",
			func(m map[string]Result) { m["2.12"] = Result{OK, WrongCode, 1001} },
			[]string{"2.12     want no such case, got OK, WRONG CODE, 1001"},
		},
		{
			"in the order of the suite",
			func(m map[string]Result) {
				delete(m, "12.1.1")
				delete(m, "9.1.6")
				m["10.1.1"] = Result{OK, OK, 1000}
			},
			[]string{
				"9.1.6    want OK, OK, 1000, got no result (the case did not run)",
				"10.1.1   want no such case, got OK, OK, 1000",
				"12.1.1   want UNIMPLEMENTED, OK, 1000, got no result (the case did not run)",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := maps.Clone(goodResults())
			tt.change(got)
			var lines []string
			for _, d := range Compare(goodResults(), got) {
				lines = append(lines, d.String())
			}
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompareNothingRan(t *testing.T) {
	if got, want := len(Compare(goodResults(), nil)), len(goodResults()); got != want {
		t.Errorf("%d deviations, want %d", got, want)
	}
}
