package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/duplexws/duplex/autobahn/report"
)

// roleRun is one role's run of the suite.
type roleRun struct {
	*config
	engine engine
	job    job
	out    io.Writer // for people
	suite  io.Writer // what the suite prints: into a file, and the progress to out
}

// runRole runs the suite against one role and compares what comes out.
func runRole(ctx context.Context, c *config, role, root string, e engine, w io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("-timeout %s is over", c.timeout))
	defer cancel()
	scheme := "ws"
	if c.tls || strings.HasPrefix(c.url, "wss:") {
		scheme = "wss"
	}
	out := filepath.Join(c.out, role+"-"+scheme)
	if err := emptyReport(out); err != nil {
		return err
	}
	config, err := os.MkdirTemp("", "duplex-autobahn-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(config)
	log, err := os.Create(filepath.Join(out, "wstest.log"))
	if err != nil {
		return err
	}
	defer log.Close()

	fmt.Fprintf(w, "\n%s over %s\n", role, scheme)
	r := &roleRun{
		config: c, engine: e, out: w, suite: io.MultiWriter(log, progress(w)),
		job: job{name: filepath.Base(config), config: config, out: out},
	}
	if role == "server" {
		err = r.server(ctx)
	} else {
		err = r.client(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w\nlogs are in %s", err, out)
	}
	return r.compare(role, root)
}

// emptyReport makes the folder of a report and removes what an earlier run left there,
// so that no old result passes for a new one. It removes nothing else.
func emptyReport(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, pattern := range []string{"index.json", "index.html", "*_case_*.json", "*_case_*.html", "*.log"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

var runningCase = regexp.MustCompile(`^Running test case ID (\d+)\.`)

// progress returns a writer that reads what the suite prints and tells w when it goes on
// to another section.
func progress(w io.Writer) io.Writer {
	last := ""
	return &lines{line: func(s string) {
		if m := runningCase.FindStringSubmatch(s); m != nil && m[1] != last {
			last = m[1]
			fmt.Fprintf(w, "  section %s\n", last)
		}
	}}
}

// compare prints the table, writes or reads the expected results, and lists the
// deviations, all in one piece.
func (r *roleRun) compare(role, root string) error {
	var text bytes.Buffer
	defer func(w io.Writer) { _, _ = text.WriteTo(w) }(r.out)
	r.out = &text
	rep, err := report.Load(r.job.out, r.agent)
	if err != nil {
		return err
	}
	fmt.Fprintln(r.out)
	if err := report.Table(r.out, rep); err != nil {
		return err
	}
	page := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(r.job.out, "index.html"))}
	fmt.Fprintf(r.out, "\nreport: %s\n", &page)
	if r.expected == "none" {
		return nil
	}
	name := r.expected
	if name == "" {
		name = filepath.Join(root, "autobahn", "expected", role+".json")
	}
	if r.update {
		return r.rewrite(name, rep)
	}
	want, err := report.ReadExpected(name)
	if err != nil {
		return err
	}
	cases, err := report.Select(want.Cases, r.cases)
	if err != nil {
		return err
	}
	if !r.compress && r.url == "" && len(r.exec) == 0 {
		cases = report.WithoutCompression(cases)
	}
	ds := report.Compare(cases, rep.Results())
	if len(ds) == 0 {
		fmt.Fprintf(r.out, "all %d cases are as expected\n", len(cases))
		return nil
	}
	printDeviations(r.out, rep, ds)
	return errDeviation
}

// maxExplained is for how many cases the suite's own words are printed.
const maxExplained = 10

func printDeviations(w io.Writer, rep *report.Report, ds []report.Deviation) {
	fmt.Fprintf(w, "\n%d deviations from what is expected:\n", len(ds))
	last, explained := "", 0
	for _, d := range ds {
		fmt.Fprintf(w, "  %s\n", d)
		if d.ID == last {
			continue
		}
		last = d.ID
		if s := rep.Explain(d.ID); s != "" && explained < maxExplained {
			explained++
			fmt.Fprintf(w, "           %s\n", strings.ReplaceAll(s, "\n", "\n           "))
		}
	}
}

// rewrite makes the results of this run the expected ones. Those of cases that were not
// selected stay.
func (r *roleRun) rewrite(name string, rep *report.Report) error {
	e := &report.Expected{Suite: suiteVersion, Cases: rep.Results()}
	if len(r.cases) != 1 || r.cases[0] != "*" {
		old, err := report.ReadExpected(name)
		if err != nil {
			return err
		}
		e.Cases = old.Cases
		for id, res := range rep.Results() {
			e.Cases[id] = res
		}
	}
	fmt.Fprintf(r.out, "writing %s: review it, then run go test ./autobahn/report\n", name)
	return e.Write(name)
}
