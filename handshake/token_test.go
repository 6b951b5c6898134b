package handshake

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 2616, section 2.2: CHAR without CTL and separators.
func TestIsToken(t *testing.T) {
	for c := range 256 {
		want := c > ' ' && c < 0x7F && !strings.ContainsRune("()<>@,;:\\\"/[]?={} \t", rune(c))
		for _, s := range []string{string([]byte{byte(c)}), string([]byte{'a', byte(c)}), string([]byte{byte(c), 'a'})} {
			if got := isToken(s); got != want {
				t.Errorf("%q: got %v, want %v", s, got, want)
			}
		}
	}
	if isToken("") {
		t.Error("the empty string is a token")
	}
}

// RFC 6455, section 2.1 (2.1-02).
func TestEqualFold(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"WebSocket", "websocKET", true},
		{"websocket", "websocke", false},
		{"k", "\u212a", false},
		{"s", "\u017f", false},
		{"[", "{", false}, // differ in the bit that tells the cases of letters apart
		{"@", "`", false},
		{"\xc9", "\xe9", false},
	} {
		if got := equalFold(tt.a, tt.b); got != tt.want || equalFold(tt.b, tt.a) != tt.want {
			t.Errorf("%q, %q: got %v", tt.a, tt.b, got)
		}
	}
	if hasFoldedPrefix("Sec", "sec-") || !hasFoldedPrefix("SEC-x", "sec-") {
		t.Error("hasFoldedPrefix")
	}
}

// walk returns the elements of a list, and whether it is well formed.
func walk(product bool, lines ...string) (elements []string, valid bool) {
	l := list{lines: lines, product: product}
	for e, ok := l.next(); ok; e, ok = l.next() {
		elements = append(elements, e)
	}
	return elements, l.valid()
}

// RFC 6455, section 4.3 (4.3-01): 1# lists.
func TestList(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
		valid bool
	}{
		{"one", []string{"a"}, []string{"a"}, true},
		{"empty elements", []string{"chat , , superchat"}, []string{"chat", "superchat"}, true},
		{"commas at the ends", []string{",\t,a, ,"}, []string{"a"}, true},
		{"several lines", []string{"a, b", "", "c", " , "}, []string{"a", "b", "c"}, true},
		{"nothing", nil, nil, false},
		{"an empty line", []string{""}, nil, false},
		{"only commas", []string{" , ", ","}, nil, false},
		{"no comma", []string{"a b"}, nil, false},
		{"no comma, further on", []string{"a, b c, d"}, []string{"a"}, false},
		{"no token", []string{"a, (b)"}, []string{"a"}, false},
		{"bad second line", []string{"a", "\""}, []string{"a"}, false},
		{"a product", []string{"a/b"}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, valid := walk(false, tt.lines...)
			if diff := cmp.Diff(tt.want, got); diff != "" || valid != tt.valid {
				t.Errorf("valid %v (-want +got):\n%s", valid, diff)
			}
		})
	}
	got, valid := walk(true, "a/b, c")
	if diff := cmp.Diff([]string{"a/b", "c"}, got); diff != "" || !valid {
		t.Errorf("products: valid %v (-want +got):\n%s", valid, diff)
	}
	for _, s := range []string{"/b", "a/", "a/b/c", "a/ b"} {
		if _, valid := walk(true, s); valid {
			t.Errorf("product %q is valid", s)
		}
	}
}

// Several lines are the same as one line joined with commas, and the elements of a
// valid list make the same list again.
func FuzzList(f *testing.F) {
	for _, s := range []string{"a", "a, b\n c", ",\n,", "a b", "a/1, b", "\xff", "a\n\nb"} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, product bool) {
		lines := strings.Split(s, "\n")
		many, ok1 := walk(product, lines...)
		one, ok2 := walk(product, strings.Join(lines, ","))
		if diff := cmp.Diff(many, one); diff != "" || ok1 != ok2 {
			t.Fatalf("lines %v, joined %v:\n%s", ok1, ok2, diff)
		}
		if !ok1 {
			return
		}
		again, ok := walk(product, strings.Join(many, ", "))
		if diff := cmp.Diff(many, again); diff != "" || !ok {
			t.Fatalf("again %v:\n%s", ok, diff)
		}
		for _, e := range many {
			if !product && !isToken(e) {
				t.Fatalf("%q is no token", e)
			}
			if found, _ := contains(lines, strings.ToUpper(e), product); !found && strings.ToUpper(e) == asciiUpper(e) {
				t.Fatalf("%q is not found", e)
			}
		}
	})
}

func asciiUpper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c &^ 0x20
		}
	}
	return string(b)
}
