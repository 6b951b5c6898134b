// Command cover reads a profile written by go test -coverprofile and prints the
// statement coverage of each package.
//
// With -lines it also prints the statements that no test reached, as file:line
// ranges. With -min "pkg=percent ..." it fails if a package named there is missing
// from the profile or covered less than that; a package is named by the end of its
// import path.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

func main() {
	lines := flag.Bool("lines", false, "print the lines that are not covered")
	floor := flag.String("min", "", "least coverage, as in \"mask=95 conn=90\"")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: cover [-lines] [-min \"pkg=percent ...\"] profile")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(os.Stdout, flag.Arg(0), *lines, *floor); err != nil {
		fmt.Fprintln(os.Stderr, "cover:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, name string, lines bool, floor string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	packages, err := readProfile(f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(packages) == 0 {
		return fmt.Errorf("%s: no package in the profile", name)
	}
	for _, p := range packages {
		fmt.Fprintf(w, "%6.1f%%  %s (%d of %d statements)\n", p.percent(), p.path, p.covered, p.total)
		if !lines {
			continue
		}
		for _, b := range p.missed() {
			fmt.Fprintf(w, "         %s\n", b)
		}
	}
	return checkFloor(packages, floor)
}

// checkFloor reports every package of floor that is missing or covered too little.
func checkFloor(packages []*pkg, floor string) error {
	var errs []error
	for _, field := range strings.Fields(floor) {
		suffix, value, ok := strings.Cut(field, "=")
		least, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil {
			return fmt.Errorf("-min: %q is not of the form package=percent", field)
		}
		p := find(packages, suffix)
		switch {
		case p == nil:
			errs = append(errs, fmt.Errorf("%s is not in the profile", suffix))
		case p.percent() < least:
			errs = append(errs, fmt.Errorf("%s is covered to %.1f%%, less than %g%%", p.path, p.percent(), least))
		}
	}
	return errors.Join(errs...)
}

// find returns the package whose import path is suffix or ends in "/" + suffix.
func find(packages []*pkg, suffix string) *pkg {
	for _, p := range packages {
		if p.path == suffix || strings.HasSuffix(p.path, "/"+suffix) {
			return p
		}
	}
	return nil
}
