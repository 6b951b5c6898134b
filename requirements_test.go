package duplex_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const requirementsFile = "docs/requirements.md"

// requirements is the number of rows that the table holds for each section, in the
// order of the RFCs; D stands for RFC 7692. Rows are numbered from 1 without gaps.
const requirements = `
2:1 2.1:3 3:6 4.1:43 4.2:1 4.2.1:13 4.2.2:21 4.3:5 4.4:3 5.1:7 5.2:13 5.3:6 5.4:15 5.5:2 5.5.1:15
5.5.2:4 5.5.3:3 5.6:3 5.8:1 6.1:8 6.2:7 7.1.1:6 7.1.2:2 7.1.3:1 7.1.4:2 7.1.5:3 7.1.6:1 7.1.7:8
7.2.1:1 7.2.2:1 7.2.3:3 7.3:3 7.4:1 7.4.1:15 7.4.2:4 8.1:1 9:3 9.1:9 9.2:1 10.1:1 10.2:2 10.3:2
10.4:2 10.6:3 10.7:3 11.1.1:2 11.3.1:1 11.3.2:1 11.3.3:1 11.3.4:2 11.3.5:2 12:1
D5:13 D5.1:1 D6:3 D6.1:6 D6.2:2 D7:9 D7.1.1.1:5 D7.1.1.2:4 D7.1.2.1:6 D7.1.2.2:5 D7.2.1:9 D7.2.2:5
D7.2.3.2:1 D7.2.3.6:1 D7.3:1 D8:1
`

// reasons are the words that the last cell of a row without a test begins with.
var reasons = []string{
	"application: ", // binds the application, an operator or an intermediary
	"declined: ",    // a decision against, which the text states
	"not yet: ",     // the feature does not exist yet
	"no rule: ",     // asks nothing of an endpoint that a test could see
}

// requirement is a row of the table.
type requirement struct {
	id    string
	cells []string // section, role, level, requirement
	tests []string // package.TestName, or package.TestName/subtest
	rest  string   // what the last cell says besides
}

var (
	rowPattern  = regexp.MustCompile(`^\| (D?[0-9.]+-[0-9]{2}) \|`)
	codePattern = regexp.MustCompile("`([^`]+)`")
	// Citations stand in brackets: (5.2-04), (4.2.1-08, 4.3-02) or (3-01 to 3-06).
	bracketPattern = regexp.MustCompile(`\(D?[0-9][0-9.]*-[0-9]{2}(?:(?:, | to | and )D?[0-9][0-9.]*-[0-9]{2})*\)`)
	idPattern      = regexp.MustCompile(`D?[0-9][0-9.]*-[0-9]{2}`)
)

// TestRequirementRows compares the rows with the list of sections: none is missing,
// none is there twice, and they stand in order.
func TestRequirementRows(t *testing.T) {
	var want, got []string
	for field := range strings.FieldsSeq(requirements) {
		section, count, _ := strings.Cut(field, ":")
		rows, err := strconv.Atoi(count)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= rows; n++ {
			want = append(want, fmt.Sprintf("%s-%02d", section, n))
		}
	}
	for _, r := range readRequirements(t) {
		got = append(got, r.id)
		section, _, _ := strings.Cut(strings.TrimPrefix(r.id, "D"), "-")
		if r.cells[0] != section {
			t.Errorf("%s: the section is given as %q", r.id, r.cells[0])
		}
		for _, cell := range r.cells {
			if cell == "" {
				t.Errorf("%s: a cell is empty", r.id)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

// TestRequirementTests checks that each row names a test or gives a reason why it
// has none, and that the tests and subtests named exist.
func TestRequirementTests(t *testing.T) {
	tests := findTests(t)
	for _, r := range readRequirements(t) {
		if len(r.tests) == 0 && !hasReason(r.rest) {
			t.Errorf("%s: neither a test nor one of the reasons %q: %q", r.id, reasons, r.rest)
		}
		for _, name := range r.tests {
			if problem := tests.lookup(name); problem != "" {
				t.Errorf("%s: %s: %s", r.id, name, problem)
			}
		}
	}
}

// TestSecurityPromises checks that each promise of SECURITY.md, and each limit, names tests
// that exist, in the last cell of its row.
func TestSecurityPromises(t *testing.T) {
	tests := findTests(t)
	promises := 0
	for line := range strings.Lines(readFile(t, "SECURITY.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		last := cells[len(cells)-1]
		if len(cells) < 2 || strings.HasPrefix(cells[0], " ---") || last == " kept by " {
			continue
		}
		promises++
		names := codePattern.FindAllStringSubmatch(last, -1)
		if len(names) == 0 {
			t.Errorf("no test keeps this promise: %s", cells[0])
		}
		for _, name := range names {
			if problem := tests.lookup(name[1]); problem != "" {
				t.Errorf("%s: %s", name[1], problem)
			}
		}
	}
	if promises == 0 {
		t.Error("SECURITY.md promises nothing")
	}
}

// TestRequirementCitations checks that the ids which code and vectors cite are in the
// table.
func TestRequirementCitations(t *testing.T) {
	known := map[string]bool{}
	for _, r := range readRequirements(t) {
		known[r.id] = true
	}
	texts := dataFiles(t)
	for dir, p := range packages(t) {
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			name = filepath.Join(filepath.FromSlash(dir), name)
			texts[name] = readFile(t, name)
		}
	}
	cited := 0
	for name, text := range texts {
		for _, brackets := range bracketPattern.FindAllString(text, -1) {
			for _, id := range idPattern.FindAllString(brackets, -1) {
				cited++
				if !known[id] {
					t.Errorf("%s cites (%s), which is not in %s", name, id, requirementsFile)
				}
			}
		}
	}
	if cited == 0 {
		t.Error("no id is cited")
	}
}

// TestHasReason shows that not every text counts as a reason.
func TestHasReason(t *testing.T) {
	for _, word := range []string{"no such test", "", "application: "} {
		if hasReason(word) {
			t.Errorf("%q counts as a reason", word)
		}
	}
	if !hasReason("declined: because") {
		t.Error("a reason does not count")
	}
}

func hasReason(text string) bool {
	for _, reason := range reasons {
		if after, ok := strings.CutPrefix(text, reason); ok && after != "" {
			return true
		}
	}
	return false
}

func readRequirements(t *testing.T) []requirement {
	t.Helper()
	var rows []requirement
	for line := range strings.Lines(readFile(t, requirementsFile)) {
		id := rowPattern.FindStringSubmatch(line)
		if id == nil {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 6 {
			t.Fatalf("%s: %d cells, want 6", id[1], len(cells))
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		r := requirement{id: id[1], cells: cells[1:5]}
		r.rest = strings.TrimSpace(codePattern.ReplaceAllStringFunc(cells[5], func(code string) string {
			if name := strings.Trim(code, "`"); namePattern.MatchString(name) {
				r.tests = append(r.tests, name)
				return ""
			}
			return code
		}))
		rows = append(rows, r)
	}
	return rows
}
