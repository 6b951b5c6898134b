package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, id string
		want        bool
	}{
		{"*", "1.1.1", true},
		{"6.*", "6.4.1", true},
		{"6.*", "16.4.1", false},
		{"6.*", "7.6.1", false},
		{"1*", "10.1.1", true},
		{"*.5", "2.5", true},
		{"*.5", "2.6", false},
		{"7.*.1", "7.13.1", true},
		{"7.*.1", "7.1.2", false},
		{"2.5", "2.5", true},
		{"2.1", "2.10", false},
		// The suite anchors a pattern at its beginning only.
		{"*.1", "2.10", true},
	} {
		if got := Match(tt.pattern, tt.id); got != tt.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tt.pattern, tt.id, got, tt.want)
		}
	}
}

func TestSelect(t *testing.T) {
	got, err := Select(goodResults(), []string{"6.*", "6.4.1", "2.5"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2.5", "6.4.1", "6.4.3"}, sortedIDs(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := Select(goodResults(), []string{"*", "8.*"}); err == nil {
		t.Error("no error for a pattern that matches nothing")
	}
}
