package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// span is a block of statements without a branch, by its lines.
type span struct {
	file        string // import path and file name
	first, last int
}

// String returns "file:line" or "file:line-line".
func (s span) String() string {
	if s.first == s.last {
		return fmt.Sprintf("%s:%d", path.Base(s.file), s.first)
	}
	return fmt.Sprintf("%s:%d-%d", path.Base(s.file), s.first, s.last)
}

// pkg is what a profile says of one package.
type pkg struct {
	path           string
	covered, total int // statements
	gaps           []span
}

// percent returns the share of covered statements; a package without statements
// is covered.
func (p *pkg) percent() float64 {
	if p.total == 0 {
		return 100
	}
	return 100 * float64(p.covered) / float64(p.total)
}

// missed returns what is not covered in the order of the source; spans that
// overlap or follow each other line by line are joined.
func (p *pkg) missed() []span {
	gaps := slices.Clone(p.gaps)
	slices.SortFunc(gaps, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last))
	})
	var joined []span
	for _, g := range gaps {
		if n := len(joined); n > 0 && joined[n-1].file == g.file && g.first <= joined[n-1].last+1 {
			joined[n-1].last = max(joined[n-1].last, g.last)
			continue
		}
		joined = append(joined, g)
	}
	return joined
}

// readProfile returns the packages of a coverage profile in the order of their
// import paths. A block that stands in the profile more than once counts once,
// and as covered if any of its lines says so.
func readProfile(r io.Reader) ([]*pkg, error) {
	type block struct {
		position string
		count    int // statements
	}
	order := []block{}
	hit := map[block]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if text == "" || strings.HasPrefix(text, "mode:") {
			continue
		}
		fields := strings.Fields(text)
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d: %q is not a block", n, text)
		}
		count, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: number of statements: %w", n, err)
		}
		b := block{fields[0], count}
		if _, ok := hit[b]; !ok {
			order = append(order, b)
		}
		hit[b] = hit[b] || fields[2] != "0"
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}

	byPath := map[string]*pkg{}
	for _, b := range order {
		s, err := parsePosition(b.position)
		if err != nil {
			return nil, err
		}
		dir := path.Dir(s.file)
		p := byPath[dir]
		if p == nil {
			p = &pkg{path: dir}
			byPath[dir] = p
		}
		p.total += b.count
		if hit[b] {
			p.covered += b.count
		} else if b.count > 0 {
			p.gaps = append(p.gaps, s)
		}
	}
	packages := make([]*pkg, 0, len(byPath))
	for _, p := range byPath {
		packages = append(packages, p)
	}
	slices.SortFunc(packages, func(a, b *pkg) int { return cmp.Compare(a.path, b.path) })
	return packages, nil
}

// parsePosition reads "file.go:12.3,14.5".
func parsePosition(s string) (span, error) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return span{}, fmt.Errorf("%q has no position", s)
	}
	var first, last, column int
	if _, err := fmt.Sscanf(s[colon+1:], "%d.%d,%d.%d", &first, &column, &last, &column); err != nil {
		return span{}, fmt.Errorf("%q is not a position: %w", s, err)
	}
	return span{file: s[:colon], first: first, last: last}, nil
}
