package handshake

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 6455, sections 4.3 and 9.1.
func TestParseExtensions(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("a;b,", maxExtensionItems/2), ",")
	for _, tt := range []struct {
		name  string
		lines []string
		want  []Extension
		err   error
	}{
		{"no field", nil, nil, nil}, // (4.2.2-15)
		{"one", []string{"foo"}, []Extension{{Name: "foo"}}, nil},
		{"examples of the RFC (9.1-01)", []string{"deflate-stream", "mux; max-channels=4; flow-control, deflate-stream", "private-extension"}, []Extension{
			{Name: "deflate-stream"},
			{"mux", []Param{{"max-channels", "4"}, {"flow-control", ""}}},
			{Name: "deflate-stream"},
			{Name: "private-extension"},
		}, nil},
		{"blanks", []string{" a\t;b = 1 ; c= \"x\"\t,\td "}, []Extension{{"a", []Param{{"b", "1"}, {"c", "x"}}}, {Name: "d"}}, nil},
		{"empty elements (4.3-01)", []string{",, a,", "", ",b"}, []Extension{{Name: "a"}, {Name: "b"}}, nil},
		{"quoted (4.3-03)", []string{`x; a="10"; b="1\0"; c="\x\y"`}, []Extension{{"x", []Param{{"a", "10"}, {"b", "10"}, {"c", "xy"}}}}, nil},
		{"a parameter twice", []string{"a;b;b=1"}, []Extension{{"a", []Param{{"b", ""}, {"b", "1"}}}}, nil},
		{"an empty field", []string{""}, nil, errExtensionEmpty},
		{"only commas", []string{" ,", ","}, nil, errExtensionEmpty},
		{"no name", []string{";a"}, nil, errExtensionName},
		{"no parameter", []string{"a;"}, nil, errExtensionName},
		{"no parameter before the comma", []string{"a;,b"}, nil, errExtensionName},
		{"two semicolons", []string{"a;;b"}, nil, errExtensionName},
		{"a quoted name", []string{`"a"`}, nil, errExtensionName},
		{"no value", []string{"a;b="}, nil, errExtensionValue},
		{"no value before the comma", []string{"a;b= , c"}, nil, errExtensionValue},
		{"no value before the semicolon", []string{"a;b=;c"}, nil, errExtensionValue},
		{"empty quoted value", []string{`a;b=""`}, nil, errExtensionValue},
		{"blank in quotes", []string{`a;b="1 0"`}, nil, errExtensionValue},
		{"comma in quotes", []string{`a;b="1,0"`}, nil, errExtensionValue},
		{"escaped quote", []string{`a;b="\""`}, nil, errExtensionValue},
		{"open quote", []string{`a;b="c`}, nil, errExtensionValue},
		{"open quote over two lines", []string{`a;b="c`, `d"`}, nil, errExtensionValue},
		{"ends in an escape", []string{`a;b="c\`}, nil, errExtensionValue},
		{"behind the quote", []string{`a;b="c"d`}, nil, errExtensionEnd},
		{"no separator", []string{"a b"}, nil, errExtensionEnd},
		{"a value for the extension", []string{"a=b"}, nil, errExtensionEnd},
		{"no separator behind a value", []string{"a;b=c d"}, nil, errExtensionEnd},
		{"not ASCII", []string{"\u00e9"}, nil, errExtensionName},
		{"too many", []string{many + ",c"}, nil, errExtensionMany},
		{"too many over lines", []string{many, "c"}, nil, errExtensionMany},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseExtensions(tt.lines)
			if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
			// RFC 6455, section 9.1 (9.1-03): lines equal one line.
			if len(tt.lines) > 1 && tt.err == nil {
				one, err := ParseExtensions([]string{strings.Join(tt.lines, ",")})
				if diff := cmp.Diff(tt.want, one); diff != "" || err != nil {
					t.Errorf("joined: error %v (-want +got):\n%s", err, diff)
				}
			}
		})
	}
	if got, err := ParseExtensions([]string{many}); err != nil || len(got) != maxExtensionItems/2 {
		t.Errorf("%d extensions, error %v", len(got), err)
	}
}

func TestExtensionString(t *testing.T) {
	e := Extension{"a", []Param{{"b", ""}, {"c", "1"}}}
	if got, want := e.String(), "a; b; c=1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// parse(append(parse(x))) == parse(x), as one line and as several.
func FuzzParseExtensions(f *testing.F) {
	for _, s := range []string{
		"foo", "a;b=\"c\\d\";e, f", "a\n,b;c = d\n", "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
		"a;", ",", "a;b=\"", "a;b=\"\\", "\xff",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		lines := strings.Split(s, "\n")
		list, err := ParseExtensions(lines)
		joined, err2 := ParseExtensions([]string{strings.Join(lines, ",")})
		if err == nil {
			if diff := cmp.Diff(list, joined); diff != "" || err2 != nil {
				t.Fatalf("joined: error %v (-lines +joined):\n%s", err2, diff)
			}
			if err := checkExtensions(list); err != nil {
				t.Fatal(err)
			}
			again, err := ParseExtensions([]string{string(AppendExtensions(nil, list))})
			if diff := cmp.Diff(list, again); diff != "" || err != nil {
				t.Fatalf("again: error %v (-first +second):\n%s", err, diff)
			}
		}
	})
}
