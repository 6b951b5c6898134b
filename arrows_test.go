package duplex_test

import (
	"errors"
	"go/build"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/duplexws/duplex"

// arrows says which package may import what. A package that is not listed here
// fails the test: write down first what it may depend on.
var arrows = map[string]struct {
	ours   []string // packages of this module, by directory
	others []string // packages of other modules
	not    []string // packages of the standard library, with all below them, that are out of bounds
}{
	"":                     {},
	"mask":                 {ours: []string{"internal/cpu"}, not: slices.Concat(noIO, noChance)},
	"frame":                {ours: []string{"mask"}, not: slices.Concat(noIO, noChance)},
	"handshake":            {not: noChance, others: []string{"golang.org/x/net/http/httpguts", "golang.org/x/net/http/httpproxy", "golang.org/x/net/idna", "golang.org/x/net/proxy"}},
	"deflate":              {not: noIO},
	"internal/protocol":    {ours: []string{"frame", "mask", "internal/cpu"}, not: slices.Concat(noIO, noChance, []string{"sync"})},
	"internal/cpu":         {not: noIO},
	"internal/pipe":        {},
	"conn":                 {ours: []string{"mask", "frame", "handshake", "deflate", "internal/protocol", "internal/pipe"}},
	"conn/drain":           {ours: []string{"conn", "handshake"}},
	"conn/redial":          {ours: []string{"conn", "handshake"}},
	"autobahn":             {ours: []string{"autobahn/report"}},
	"autobahn/client":      {ours: []string{"conn"}},
	"autobahn/report":      {},
	"examples/echo":        {ours: []string{"conn"}},
	"examples/observe":     {ours: []string{"conn", "conn/drain"}},
	"internal/hostile":     {},
	"internal/soak":        {},
	"internal/wstest":      {ours: []string{"frame", "mask"}},
	"internal/tools/cover": {},
	"internal/tools/fuzz":  {},
}

// noIO is what the packages that do no I/O leave alone.
var noIO = []string{"net", "time", "context", "log"}

// noChance is for the packages that make keys: chance that can be foretold.
//
// RFC 6455, sections 4.1 and 5.3 (4.1-24, 5.3-04, 5.3-05).
var noChance = []string{"math/rand"}

// testOthers are the modules that tests may import besides.
var testOthers = []string{"github.com/google/go-cmp", "golang.org/x/net"}

// TestImports holds every package of the module to its arrows, whatever the build
// tags of its files. Modules inside the tree are on their own.
func TestImports(t *testing.T) {
	found := map[string]bool{}
	for dir, p := range packages(t) {
		found[dir] = true
		rule, ok := arrows[dir]
		if !ok {
			t.Errorf("package %q has no row in arrows", dir)
			continue
		}
		var wrong []string
		for _, imported := range p.Imports {
			if !allowed(imported, rule.ours, rule.others, rule.not) {
				wrong = append(wrong, imported)
			}
		}
		if diff := cmp.Diff([]string(nil), wrong); diff != "" {
			t.Errorf("package %q imports what it may not (+):\n%s", dir, diff)
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			outside := !standard(imported) && !within(imported, module)
			if outside && !slices.ContainsFunc(testOthers, func(m string) bool { return within(imported, m) }) {
				t.Errorf("a test of package %q imports %s", dir, imported)
			}
		}
	}
	for dir := range arrows {
		if !found[dir] {
			t.Errorf("package %q has a row in arrows and does not exist", dir)
		}
	}
}

// TestAllowed shows that the rules of TestImports can be broken.
func TestAllowed(t *testing.T) {
	for _, test := range []struct {
		imported          string
		ours, others, not []string
		want              bool
	}{
		{imported: "fmt", want: true},
		{imported: "net", want: true},
		{imported: "net", not: noIO, want: false},
		{imported: "net/http", not: noIO, want: false},
		{imported: "log/slog", not: noIO, want: false},
		{imported: "sync/atomic", not: []string{"sync"}, want: false},
		{imported: "netip", not: noIO, want: true},
		{imported: "math/rand/v2", not: noChance, want: false},
		{imported: "crypto/rand", not: noChance, want: true},
		{imported: module + "/mask", want: false},
		{imported: module + "/mask", ours: []string{"mask"}, want: true},
		{imported: module + "/mask/x", ours: []string{"mask"}, want: false},
		{imported: "golang.org/x/net/proxy", want: false},
		{imported: "golang.org/x/net/proxy", others: []string{"golang.org/x/net/proxy"}, want: true},
		{imported: "golang.org/x/net/html", others: []string{"golang.org/x/net/proxy"}, want: false},
		{imported: "C", want: false},
	} {
		if got := allowed(test.imported, test.ours, test.others, test.not); got != test.want {
			t.Errorf("allowed(%q, %q, %q, %q) = %t, want %t", test.imported, test.ours, test.others, test.not, got, test.want)
		}
	}
}

func allowed(imported string, ours, others, not []string) bool {
	switch {
	case imported == "C":
		return false
	case within(imported, module):
		return slices.Contains(ours, strings.TrimPrefix(imported, module+"/"))
	case standard(imported):
		return !slices.ContainsFunc(not, func(root string) bool { return within(imported, root) })
	}
	return slices.Contains(others, imported)
}

// within reports whether a path is root or lies below it.
func within(imported, root string) bool {
	return imported == root || strings.HasPrefix(imported, root+"/")
}

// standard reports whether a package belongs to the standard library: the first
// element of its path has no dot.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// packages returns the packages of the module by directory, with slashes; the root
// is "". It follows the rules of the go command: testdata and names that begin with
// a dot or an underscore are skipped, and so is every other module.
func packages(t *testing.T) map[string]*build.Package {
	t.Helper()
	context := build.Default
	context.UseAllFiles = true
	found := map[string]*build.Package{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if name != "." {
			base := entry.Name()
			if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
				return fs.SkipDir
			}
		}
		p, err := context.ImportDir(name, 0)
		if none := (*build.NoGoError)(nil); errors.As(err, &none) {
			return nil
		}
		if err != nil {
			return err
		}
		dir := strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
		found[dir] = p
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
