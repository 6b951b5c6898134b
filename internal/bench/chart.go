package main

import (
	"math"
	"slices"
	"strings"
)

// chart is a figure of some cases as bars: a group for each case, in it a bar for
// each contender.
type chart struct {
	file, title, axis string
	name              figure
	entries           []*entry
	label             func(string) string // of a case
	raw               bool                // show how many times that of the yardstick it is
	most              float64             // bars end here, 0: at the largest
}

// charts are what -plot draws, as far as there are figures for it.
func charts(all []*entry) []chart {
	pick := func(workload string, parts ...string) []*entry {
		var list []*entry
		for _, e := range all {
			has := func(part string) bool { return !strings.Contains(e.Case, part) }
			if e.Workload == workload && !slices.ContainsFunc(parts, has) {
				list = append(list, e)
			}
		}
		return list
	}
	first := func(c string) string { before, _, _ := strings.Cut(c, " binary"); return before }
	mode := func(c string) string {
		parts := strings.Split(c, ", ")
		return strings.TrimSuffix(parts[0], " of JSON") + ", " + parts[1]
	}
	const times = "server CPU, × raw TCP echo"
	return []chart{
		{"echo-64.svg", "Request and response, 64 connections", times, cpu, pick("echo", " 64 connections, 1 deep"), first, true, 4},
		{"echo-1000.svg", "Request and response, 1000 connections", times, cpu, pick("echo", " 1000 connections, 1 deep"), first, true, 4},
		{"echo-16-deep.svg", "16 messages in flight on each of 64 connections", times, cpu, pick("echo", " 64 connections, 16 deep"), first, true, 0},
		{"compress.svg", "Echo of compressed JSON", "server CPU, µs per message", cpu, pick("compress"), mode, false, 0},
		{"compress-size.svg", "Echo of compressed JSON", "reply, bytes", replySize, pick("compress"), mode, false, 0},
		{"idle.svg", "10,000 silent connections", "resident bytes per connection", rss, pick("idle"), func(c string) string { _, after, _ := strings.Cut(c, ", "); return after }, false, 0},
		{"broadcast.svg", "Broadcast of 512 B to 1000 connections", "server CPU, µs per delivery", cpu, pick("broadcast"), func(c string) string { return c[strings.LastIndex(c, ", ")+2:] }, false, 0},
	}
}

// values returns the bars of a contender, one for each case; NaN where it has none.
func (c chart) values(contender string, cases []string) []float64 {
	list := make([]float64, len(cases))
	for i, name := range cases {
		list[i] = math.NaN()
		unit := 1.0
		for _, e := range c.entries {
			if c.raw && e.Yardstick && e.Case == name {
				unit = e.Median[c.name]
			}
		}
		for _, e := range c.entries {
			if e.Contender == contender && e.Case == name {
				list[i] = e.Median[c.name] / unit
			}
		}
	}
	return list
}

// names returns the cases and the contenders in the order in which they come.
func (c chart) names() (cases, contenders []string) {
	for _, e := range c.entries {
		if !slices.Contains(cases, e.Case) {
			cases = append(cases, e.Case)
		}
		if !slices.Contains(contenders, e.Contender) {
			contenders = append(contenders, e.Contender)
		}
	}
	return cases, contenders
}
