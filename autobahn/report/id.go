package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkID reports whether id is a case number: two or three numbers with dots between.
func checkID(id string) error {
	parts := strings.Split(id, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return fmt.Errorf("%q is not a case number", id)
	}
	for _, p := range parts {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || strconv.FormatUint(n, 10) != p {
			return fmt.Errorf("%q is not a case number", id)
		}
	}
	return nil
}

// compareIDs orders case numbers as the suite runs them: 2.9 before 2.10.
func compareIDs(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(x, y)
	})
}

// section returns the first number of a case number.
func section(id string) string {
	s, _, _ := strings.Cut(id, ".")
	return s
}

// compression reports whether the case is about permessage-deflate, which an endpoint
// need not have.
func compression(id string) bool {
	return section(id) == "12" || section(id) == "13"
}

// sortedIDs returns the keys of m in the order of [compareIDs].
func sortedIDs[V any](m map[string]V) []string {
	ids := make([]string, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, compareIDs)
	return ids
}

// Match reports whether the suite selects the case id by pattern: a case number, or
// one with an asterisk for any run of characters. As in the suite, a pattern with an
// asterisk need only match the beginning of the number, so that "6*" stands for all of
// section 6 and "1*" for sections 1, 10, 12 and 13.
func Match(pattern, id string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == id
	}
	if !strings.HasPrefix(id, parts[0]) {
		return false
	}
	rest := id[len(parts[0]):]
	for _, p := range parts[1:] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return true
}

// Select returns the members of m whose case number one of the patterns matches. It
// fails for a pattern that matches none, which is most likely a slip.
func Select[V any](m map[string]V, patterns []string) (map[string]V, error) {
	out := make(map[string]V)
	for _, p := range patterns {
		n := 0
		for id, v := range m {
			if Match(p, id) {
				out[id] = v
				n++
			}
		}
		if n == 0 {
			return nil, fmt.Errorf("no case matches %q", p)
		}
	}
	return out, nil
}
