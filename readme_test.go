package duplex_test

import (
	"bytes"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadmeSnippets compares each Go snippet of the README with the Example that the
// comment above it names, as in <!-- ExampleAccept of conn -->.
func TestReadmeSnippets(t *testing.T) {
	readme := readFile(t, "README.md")
	snippets := 0
	for {
		before, rest, ok := strings.Cut(readme, "```go\n")
		if !ok {
			break
		}
		code, after, ok := strings.Cut(rest, "```")
		if !ok {
			t.Fatal("README.md: a snippet has no end")
		}
		readme = after
		snippets++

		lines := strings.Split(strings.TrimSpace(before), "\n")
		comment := strings.TrimSuffix(strings.TrimPrefix(lines[len(lines)-1], "<!-- "), " -->")
		name, dir, ok := strings.Cut(comment, " of ")
		if !ok {
			t.Errorf("README.md: above a snippet stands %q, not the name of its Example", comment)
			continue
		}
		if diff := cmp.Diff(example(t, dir, name), code); diff != "" {
			t.Errorf("README.md: the snippet differs from %s of %s (-example +README):\n%s", name, dir, diff)
		}
	}
	if snippets == 0 {
		t.Error("README.md has no Go snippet")
	}
}

// TestReadmeCommands keeps the commands that the README promises in step with the
// gate and with the tree.
func TestReadmeCommands(t *testing.T) {
	readme := readFile(t, "README.md")
	gate := readFile(t, ".ci/run")
	for _, test := range []struct{ command, in, path string }{
		{command: "go test ./...", in: gate},
		{command: "make check", in: gate},
		{command: "make autobahn", in: gate},
		{command: "go run ./examples/echo", path: "examples/echo"},
	} {
		if !strings.Contains(readme, test.command) {
			t.Errorf("README.md does not name %q", test.command)
		}
		if test.in != "" && !strings.Contains(test.in, "\nstep "+test.command) {
			t.Errorf(".ci/run does not run %q", test.command)
		}
		if _, err := os.Stat(filepath.FromSlash("./" + test.path)); err != nil {
			t.Error(err)
		}
	}
}

// TestReadmePackages checks that the table of packages names packages that exist.
func TestReadmePackages(t *testing.T) {
	known := packages(t)
	rows := 0
	for line := range strings.Lines(readFile(t, "README.md")) {
		name, ok := strings.CutPrefix(line, "| [`")
		if !ok {
			continue
		}
		rows++
		name, _, _ = strings.Cut(name, "`")
		if known[name] == nil {
			t.Errorf("README.md lists %q, which is no package", name)
		}
	}
	if rows == 0 {
		t.Error("README.md has no table of packages")
	}
}

// TestMapOfFiles checks that the map of doc.go names files that exist.
func TestMapOfFiles(t *testing.T) {
	named := regexp.MustCompile(`[a-z/]+\.go\b`).FindAllString(readFile(t, "doc.go"), -1)
	if len(named) == 0 {
		t.Error("doc.go names no file")
	}
	for _, name := range named {
		if _, err := os.Stat(filepath.FromSlash(name)); err != nil {
			t.Error(err)
		}
	}
}

// example returns the body of an Example in the test files of a package, as it
// stands in the source: without braces, indentation and Output comment.
func example(t *testing.T, dir, name string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range doc.Examples(parsed) {
			if "Example"+found.Name != name {
				continue
			}
			block, ok := found.Code.(*ast.BlockStmt)
			if !ok {
				t.Fatalf("%s of %s is a whole file; the README shows functions", name, dir)
			}
			body := source[set.Position(block.Lbrace).Offset+1 : set.Position(block.Rbrace).Offset]
			if i := bytes.LastIndex(body, []byte("// Output:")); i >= 0 {
				body = body[:i]
			}
			code, err := format.Source(body)
			if err != nil {
				t.Fatal(err)
			}
			return strings.TrimSpace(string(unindent(code))) + "\n"
		}
	}
	t.Errorf("no %s in the tests of %q", name, dir)
	return ""
}

// unindent removes one tab from each line.
func unindent(code []byte) []byte {
	lines := bytes.SplitAfter(code, []byte("\n"))
	for i := range lines {
		lines[i] = bytes.TrimPrefix(lines[i], []byte("\t"))
	}
	return bytes.Join(lines, nil)
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
