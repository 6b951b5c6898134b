package report

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// sectionNames are the titles that the suite gives to its sections.
var sectionNames = map[string]string{
	"1":  "Framing",
	"2":  "Pings and pongs",
	"3":  "Reserved bits",
	"4":  "Opcodes",
	"5":  "Fragmentation",
	"6":  "UTF-8",
	"7":  "Closing",
	"9":  "Limits and performance",
	"10": "Auto-fragmentation",
	"12": "Compression, payloads",
	"13": "Compression, parameters",
}

// counts are the numbers of one line of the table. Every case adds to exactly one of
// ok, nonStrict, info, unimplemented and failed, by its behavior, and to at most one of
// unclean and badClose, by its close behavior.
type counts struct {
	cases, ok, nonStrict, info, unimplemented, failed int
	unclean, badClose                                 int
	took                                              time.Duration
}

func (n *counts) add(c Case) {
	n.cases++
	n.took += time.Duration(c.DurationMS) * time.Millisecond
	switch c.Behavior {
	case OK:
		n.ok++
	case NonStrict:
		n.nonStrict++
	case Informational:
		n.info++
	case Unimplemented:
		n.unimplemented++
	default:
		n.failed++
	}
	switch c.BehaviorClose {
	case OK, Informational:
	case Unclean:
		n.unclean++
	default:
		n.badClose++
	}
}

// Table writes the counts of each section and their sum. BAD CLOSE counts the cases
// whose close behavior is wrong other than unclean: a wrong code, or closed by the
// wrong side or not at all.
func Table(w io.Writer, r *Report) error {
	var order []string
	sections := make(map[string]*counts)
	total := new(counts)
	for _, id := range sortedIDs(r.Cases) {
		s := section(id)
		if sections[s] == nil {
			sections[s] = new(counts)
			order = append(order, s)
		}
		sections[s].add(r.Cases[id])
		total.add(r.Cases[id])
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "SECTION\tCASES\tOK\tNON-STRICT\tINFORMATIONAL\tUNIMPLEMENTED\tFAILED\tUNCLEAN\tBAD CLOSE\tSECONDS\t  ")
	for _, s := range order {
		sections[s].line(tw, s, sectionNames[s])
	}
	total.line(tw, "all", "")
	return tw.Flush()
}

func (n *counts) line(w io.Writer, name, title string) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t  %s\n", name, n.cases, n.ok, n.nonStrict, n.info,
		n.unimplemented, n.failed, n.unclean, n.badClose, n.took.Seconds(), title)
}
