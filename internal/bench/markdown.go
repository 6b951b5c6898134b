package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// markdown writes one figure of a workload as a table for a README: a row for each
// case, a column for each contender. A cell is the median, and how many times that of
// the yardstick it is or, where there is none, that of the best peer.
func markdown(w io.Writer, entries []*entry, c column) {
	view := chart{entries: entries}
	cases, contenders := view.names()
	fmt.Fprintf(w, "\n%s\n\n| case |", c.name)
	for _, name := range contenders {
		fmt.Fprintf(w, " %s |", name)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(contenders)))
	for _, name := range cases {
		var row []*entry
		for _, e := range entries {
			if e.Case == name {
				row = append(row, e)
			}
		}
		fmt.Fprintf(w, "| %s |", name)
		for _, contender := range contenders {
			fmt.Fprintf(w, " %s |", cell(row, contender, c))
		}
		fmt.Fprintln(w)
	}
}

// cell is what a contender has in a row; empty if it was not there.
func cell(row []*entry, contender string, c column) string {
	unit, peer := references(row, c.name)
	if math.IsNaN(unit) {
		unit = peer
	}
	for _, e := range row {
		if e.Contender != contender {
			continue
		}
		s := show(c.format, e.Median[c.name])
		if c.ratios && e.Median[c.name] != unit {
			s += " (" + show("%.2f", e.Median[c.name]/unit) + ")"
		}
		return s
	}
	return ""
}

// inREADME are the figures that the README shows.
var inREADME = []struct {
	workload string
	column   column
}{
	{"echo", column{name: cpu, format: "%.2f", ratios: true}},
	{"echo", column{name: allocs, format: "%.1f"}},
	{"text", column{name: cpu, format: "%.2f", ratios: true}},
	{"syscalls", column{name: readCalls, format: "%.2f"}},
	{"syscalls", column{name: writeCalls, format: "%.2f"}},
	{"compress", column{name: cpu, format: "%.1f", ratios: true}},
	{"compress", column{name: replySize, format: "%.0f"}},
	{"compress-memory", column{name: heap, format: "%.0f"}},
	{"idle", column{name: rss, format: "%.0f", ratios: true}},
	{"upgrade", column{name: cpu, format: "%.1f", ratios: true}},
	{"upgrade", column{name: allocs, format: "%.0f"}},
	{"broadcast", column{name: cpu, format: "%.2f", ratios: true}},
	{"broadcast", column{name: lastByte, format: "%.0f"}},
	{"tls", column{name: cpu, format: "%.2f", ratios: true}},
	{"client", column{name: cpu, format: "%.2f", ratios: true}},
}

// results writes what the README shows of a run.
func results(w io.Writer, all []*entry) {
	for _, shown := range inREADME {
		var entries []*entry
		for _, e := range all {
			if e.Workload == shown.workload {
				entries = append(entries, e)
			}
		}
		if len(entries) > 0 {
			fmt.Fprintf(w, "\n`%s`: ", shown.workload)
			var b strings.Builder
			markdown(&b, entries, shown.column)
			io.WriteString(w, strings.TrimPrefix(b.String(), "\n"))
		}
	}
}
