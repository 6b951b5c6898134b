package duplex_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// namePattern is how tests are named in docs/requirements.md and SECURITY.md.
var namePattern = regexp.MustCompile(`^([a-z0-9]+)\.((?:Test|Fuzz|Example)\w*)((?:/[^/]+)*)$`)

// TestLookup shows that a wrong name does not pass.
func TestLookup(t *testing.T) {
	tests := findTests(t)
	for _, test := range []struct{ name, want string }{
		{"duplex.TestLookup", ""},
		{"duplex.TestLookup/no_such_test", ""},
		{"duplex.TestNone", "no such test"},
		{"nowhere.TestLookup", "no such test"},
		{"duplex.TestLookup/" + strings.Repeat("x", 9), "no such subtest"},
		{"TestLookup", "not of the form package.TestName"},
	} {
		if got := tests.lookup(test.name); got != test.want {
			t.Errorf("lookup(%q) = %q, want %q", test.name, got, test.want)
		}
	}
}

// testNames is what the test files of the module hold.
type testNames struct {
	functions map[string]bool            // package.TestName
	literals  map[string]map[string]bool // by package: its string literals, as names of subtests
	vectors   map[string]bool            // the vectors of all packages, as names of subtests
}

// lookup says what is wrong with the name of a test, or nothing.
func (n testNames) lookup(name string) string {
	parts := namePattern.FindStringSubmatch(name)
	if parts == nil {
		return "not of the form package.TestName"
	}
	if !n.functions[parts[1]+"."+parts[2]] {
		return "no such test"
	}
	for _, subtest := range strings.Split(parts[3], "/")[1:] {
		if !n.literals[parts[1]][subtest] && !n.vectors[subtest] {
			return "no such subtest"
		}
	}
	return ""
}

// findTests parses every test file. Packages go by the last element of their path,
// the root by "duplex".
func findTests(t *testing.T) testNames {
	t.Helper()
	names := testNames{map[string]bool{}, map[string]map[string]bool{}, vectorNames(t)}
	for dir, p := range packages(t) {
		short := path.Base(path.Join("duplex", dir))
		if names.literals[short] != nil {
			t.Fatalf("two packages are called %s", short)
		}
		names.literals[short] = map[string]bool{}
		for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(filepath.FromSlash(dir), file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, declaration := range parsed.Decls {
				if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil {
					names.functions[short+"."+f.Name.Name] = true
				}
			}
			ast.Inspect(parsed, func(node ast.Node) bool {
				literal, ok := node.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				if value, err := strconv.Unquote(literal.Value); err == nil {
					names.literals[short][strings.ReplaceAll(value, " ", "_")] = true
				}
				return true
			})
		}
	}
	return names
}

// vectorNames returns the names of the vectors in the testdata of all packages, which
// tests of several packages run: the lines "name: ..." of text files.
func vectorNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for name, text := range dataFiles(t) {
		if filepath.Ext(name) != ".txt" {
			continue
		}
		for line := range strings.Lines(text) {
			if v, ok := strings.CutPrefix(line, "name: "); ok {
				names[strings.ReplaceAll(strings.TrimSpace(v), " ", "_")] = true
			}
		}
	}
	return names
}

// dataFiles returns the contents of the files in the testdata of all packages.
func dataFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for dir := range packages(t) {
		root := filepath.Join(filepath.FromSlash(dir), "testdata")
		if _, err := os.Stat(root); err != nil {
			continue
		}
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				files[name] = readFile(t, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}
