package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSummary(t *testing.T) {
	const summary = `syscall          calls
---------------- ---------
read                 12034
write                 6017
epoll_pwait            812
---------------- ---------
total                18863
`
	got, err := parseSummary(strings.NewReader(summary))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"read": 12034, "write": 6017, "epoll_pwait": 812}, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if _, err := parseSummary(strings.NewReader("")); err == nil {
		t.Error("no error for an empty summary")
	}
}
