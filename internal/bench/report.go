package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// figures are what one measurement has found, by name.
type figures map[figure]float64

// figure names a figure, with its unit.
type figure string

// The figures. Those "per message" count a message and its echo as one.
const (
	cpu       figure = "server CPU, µs per message"
	allocs    figure = "allocations per message"
	replySize figure = "reply bytes per message"
	rate      figure = "messages per second"
	heap      figure = "heap bytes per connection" // in spans that are in use
	objects   figure = "live object bytes per connection"
	stack     figure = "stack bytes per connection"
	rss       figure = "resident bytes per connection"
	lastByte  figure = "µs from the order to the last byte"

	readCalls  figure = "calls that read from sockets per message"
	writeCalls figure = "calls that write to sockets per message"
	waitCalls  figure = "calls of epoll per message"
	otherCalls figure = "other system calls per message"
)

// entry are the figures of one contender in one case, of all rounds.
type entry struct {
	Workload  string    `json:"workload"`
	Case      string    `json:"case"`
	Contender string    `json:"contender"`
	Yardstick bool      `json:"yardstick,omitempty"` // neither peer nor ours
	Floor     bool      `json:"floor,omitempty"`     // nor is this
	Ours      bool      `json:"ours,omitempty"`
	Rounds    []figures `json:"rounds"`
	Median    figures   `json:"median"`
}

// add takes in one more round.
func (e *entry) add(f figures) {
	e.Rounds = append(e.Rounds, f)
	e.Median = figures{}
	for _, round := range e.Rounds {
		for name := range round {
			e.Median[name] = median(e.values(name))
		}
	}
}

// values are those of one figure in the rounds that have found it.
func (e *entry) values(name figure) []float64 {
	var list []float64
	for _, f := range e.Rounds {
		if v, ok := f[name]; ok {
			list = append(list, v)
		}
	}
	return list
}

// median returns the middle of the values, or the mean of the two in the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// column is a figure in a table, as it is to be shown.
type column struct {
	name   figure
	title  string
	format string
	spread bool // show the least and the largest of the rounds
	ratios bool // show how many times that of the yardstick and that of the best peer it is
}

// table writes the entries of one workload, a block for each case.
func table(w io.Writer, entries []*entry, columns []column) error {
	for len(entries) > 0 {
		n := slices.IndexFunc(entries, func(e *entry) bool { return e.Case != entries[0].Case })
		if n < 0 {
			n = len(entries)
		}
		if err := block(w, entries[:n], columns); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

func block(w io.Writer, entries []*entry, columns []column) error {
	fmt.Fprintf(w, "\n%s, %s (medians of %d rounds)\n", entries[0].Workload, entries[0].Case, len(entries[0].Rounds))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := []string{"contender"}
	for _, c := range columns {
		head = append(head, c.title)
		if c.spread {
			head = append(head, "least", "most")
		}
		if c.ratios {
			head = append(head, "× raw", "× best peer")
		}
	}
	fmt.Fprintln(t, strings.Join(head, "\t")+"\t")
	for _, e := range entries {
		row := []string{e.Contender}
		for _, c := range columns {
			row = append(row, show(c.format, e.Median[c.name]))
			if c.spread {
				v := e.values(c.name)
				row = append(row, show(c.format, slices.Min(v)), show(c.format, slices.Max(v)))
			}
			if c.ratios {
				raw, peer := references(entries, c.name)
				row = append(row, show("%.2f", e.Median[c.name]/raw), show("%.2f", e.Median[c.name]/peer))
			}
		}
		fmt.Fprintln(t, strings.Join(row, "\t")+"\t")
	}
	return t.Flush()
}

// duels writes, for each of ours and each peer of the same case, the ratio of the
// figures, ours by the peer's.
func duels(w io.Writer, entries []*entry, first, second figure) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, our := range entries {
		for _, e := range entries {
			if !our.Ours || e.Ours || e.Yardstick || e.Case != our.Case {
				continue
			}
			fmt.Fprintf(t, "%s\t%s\tby %s\t%s\t%s\t\n", our.Case, our.Contender, e.Contender,
				show("%.2f", our.Median[first]/e.Median[first]), show("%.3f", our.Median[second]/e.Median[second]))
		}
	}
	return t.Flush()
}

// show formats a figure; a dash stands for one that does not exist.
func show(format string, v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// references returns the median of the yardstick and the least of the peers'.
func references(entries []*entry, name figure) (raw, peer float64) {
	raw, peer = math.NaN(), math.Inf(1)
	for _, e := range entries {
		switch {
		case e.Yardstick:
			raw = e.Median[name]
		case !e.Ours && !e.Floor:
			peer = min(peer, e.Median[name])
		}
	}
	return raw, peer
}

// unrest returns how many times its least the most of the yardstick is, of CPU time; 1 if that
// was not measured, or there is no yardstick.
func unrest(entries []*entry) float64 {
	for _, e := range entries {
		if v := e.values(cpu); e.Yardstick && len(v) > 0 {
			return slices.Max(v) / slices.Min(v)
		}
	}
	return 1
}

// writeJSON writes all entries to a file, with every round.
func writeJSON(name string, entries []*entry) error {
	b, err := json.MarshalIndent(entries, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}

// readJSON reads what writeJSON wrote.
func readJSON(name string) (entries []*entry, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return entries, json.Unmarshal(b, &entries)
}

// byName orders map keys for output.
func byName[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
