package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMarkdown(t *testing.T) {
	entries := []*entry{
		{Workload: "tls", Case: "a", Contender: "raw", Yardstick: true, Median: figures{cpu: 2}},
		{Workload: "tls", Case: "a", Contender: "gws", Median: figures{cpu: 3}},
		{Workload: "tls", Case: "a", Contender: "duplex", Ours: true, Median: figures{cpu: 1}},
		{Workload: "tls", Case: "b", Contender: "gws", Median: figures{cpu: 4}},
		{Workload: "tls", Case: "b", Contender: "duplex", Ours: true, Median: figures{cpu: 5}},
	}
	var b strings.Builder
	results(&b, entries)
	const want = `
` + "`tls`" + `: server CPU, µs per message

| case | raw | gws | duplex |
|---|---|---|---|
| a | 2.00 | 3.00 (1.50) | 1.00 (0.50) |
| b |  | 4.00 | 5.00 (1.25) |
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}
