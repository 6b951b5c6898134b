// Command fuzz runs the fuzz targets of the module in the working directory, one after the
// other, and prints a table of what became of each: its executions, the inputs that
// were new and interesting, and whether it failed.
//
// A target that fails does not keep the others from running. The command fails at the end if
// one has, or if there was none to run.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func main() {
	limit := flag.String("time", "20s", "how long each target runs, or how many executions, as in 100000x")
	pattern := flag.String("match", ".", "regular expression for the targets to run, as in handshake.FuzzHead")
	workers := flag.Int("workers", 0, "workers that run a target at the same time; 0: one for each CPU")
	flag.Parse()
	if flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(os.Stdout, *limit, *pattern, *workers); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, limit, pattern string, workers int) error {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("-match: %w", err)
	}
	all, err := find()
	if err != nil {
		return err
	}
	var results []result
	for _, t := range all {
		if match.MatchString(t.String()) {
			results = append(results, t.fuzz(w, limit, workers))
		}
	}
	if len(results) == 0 {
		return fmt.Errorf("of %d targets, none matches %q", len(all), pattern)
	}
	return report(w, results)
}

// A target is a fuzz target.
type target struct {
	module, pkg string // pkg is the import path
	name        string
}

// String returns the name with the package in which it is, without the module.
func (t target) String() string {
	return strings.TrimPrefix(strings.TrimPrefix(t.pkg, t.module), "/") + "." + t.name
}

// find returns all targets of the module.
func find() ([]target, error) {
	list, err := output("list", "-f", "{{.ImportPath}} {{.Module.Path}}", "./...")
	if err != nil {
		return nil, err
	}
	var all []target
	for line := range strings.Lines(list) {
		pkg, module, _ := strings.Cut(strings.TrimSpace(line), " ")
		names, err := output("test", "-list", "^Fuzz", pkg)
		if err != nil {
			return nil, err
		}
		for name := range strings.Lines(names) {
			if strings.HasPrefix(name, "Fuzz") {
				all = append(all, target{module, pkg, strings.TrimSpace(name)})
			}
		}
	}
	return all, nil
}

// output runs the go command and returns what it prints.
func output(args ...string) (string, error) {
	var stderr bytes.Buffer
	c := exec.Command("go", args...)
	c.Stderr = &stderr
	b, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s%s", strings.Join(args, " "), err, b, &stderr)
	}
	return string(b), nil
}

// A result is what became of a target.
type result struct {
	target target
	took   time.Duration
	counts counts
	failed bool
}

// fuzz runs a target and lets w have what it prints.
func (t target) fuzz(w io.Writer, limit string, workers int) result {
	args := []string{"test", "-run", "^$", "-fuzz", "^" + t.name + "$", "-fuzztime", limit, "-fuzzminimizetime", "10x"}
	if workers > 0 {
		args = append(args, "-parallel", strconv.Itoa(workers))
	}
	fmt.Fprintf(w, "fuzz %v\n", t)
	var printed bytes.Buffer
	begun := time.Now()
	c := exec.Command("go", append(args, t.pkg)...)
	c.Stdout = io.MultiWriter(w, &printed)
	c.Stderr = c.Stdout
	err := c.Run()
	n, ok := parse(printed.String())
	return result{t, time.Since(begun), n, err != nil || !ok}
}

// report prints the table.
func report(w io.Writer, results []result) error {
	var failed []error
	var sum int64
	width := len("target")
	for _, r := range results {
		width = max(width, len(r.target.String()))
	}
	fmt.Fprintf(w, "\n%-*s  %12s  %6s  %8s  %s\n", width, "target", "executions", "new", "seconds", "result")
	for _, r := range results {
		verdict := "passed"
		if r.failed {
			verdict = "FAILED"
			failed = append(failed, fmt.Errorf("%v has failed", r.target))
		}
		sum += r.counts.executions
		fmt.Fprintf(w, "%-*s  %12d  %6d  %8.1f  %s\n", width, r.target, r.counts.executions, r.counts.interesting, r.took.Seconds(), verdict)
	}
	fmt.Fprintf(w, "%-*s  %12d  %6s  %8s  %d passed, %d failed\n", width, "all", sum, "", "", len(results)-len(failed), len(failed))
	return errors.Join(failed...)
}
