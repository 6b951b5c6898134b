package report

import (
	"fmt"
	"strings"
)

// Deviation is one difference between a run and the expected results. A case that did
// not run, or was not expected to, has one with an empty Field.
type Deviation struct {
	ID    string
	Field string // "behavior", "behaviorClose" or "remoteCloseCode"
	Want  string
	Got   string
}

// String returns the deviation as one line.
func (d Deviation) String() string {
	if d.Field == "" {
		return fmt.Sprintf("%-8s want %s, got %s", d.ID, d.Want, d.Got)
	}
	return fmt.Sprintf("%-8s %s: want %s, got %s", d.ID, d.Field, d.Want, d.Got)
}

// Compare returns every deviation of got from want, in the order in which the suite
// runs the cases: each of the three values of each case, each case that is missing, and
// each that is there but not expected. It returns none only if both have the same cases.
func Compare(want, got map[string]Result) []Deviation {
	all := make(map[string]bool, len(want))
	for id := range want {
		all[id] = true
	}
	for id := range got {
		all[id] = true
	}
	var ds []Deviation
	for _, id := range sortedIDs(all) {
		w, wanted := want[id]
		g, ran := got[id]
		switch {
		case !ran:
			ds = append(ds, Deviation{ID: id, Want: w.line(), Got: "no result (the case did not run)"})
		case !wanted:
			ds = append(ds, Deviation{ID: id, Want: "no such case", Got: g.line()})
		default:
			ds = append(ds, w.diff(id, g)...)
		}
	}
	return ds
}

func (r Result) diff(id string, g Result) []Deviation {
	var ds []Deviation
	for _, f := range []struct{ field, want, got string }{
		{"behavior", r.Behavior, g.Behavior},
		{"behaviorClose", r.BehaviorClose, g.BehaviorClose},
		{"remoteCloseCode", r.RemoteCloseCode.String(), g.RemoteCloseCode.String()},
	} {
		if f.want != f.got {
			ds = append(ds, Deviation{ID: id, Field: f.field, Want: f.want, Got: f.got})
		}
	}
	return ds
}

func (r Result) line() string {
	return strings.Join([]string{r.Behavior, r.BehaviorClose, r.RemoteCloseCode.String()}, ", ")
}
