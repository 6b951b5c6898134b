package report

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// This file says what the expected files must contain, from what each case does and what
// RFC 6455 demands then. It shares no data with the files, so that running the suite with
// -update cannot make a wrong result the expected one.

// subsections are the cases of version 25.10.1 of the suite: how many there are under
// each prefix.
var subsections = []struct {
	prefix string
	n      int
}{
	{"1.1", 8},
	{"1.2", 8},
	{"2", 11},
	{"3", 7},
	{"4.1", 5},
	{"4.2", 5},
	{"5", 20},
	{"6.1", 3},
	{"6.2", 4},
	{"6.3", 2},
	{"6.4", 4},
	{"6.5", 5},
	{"6.6", 11},
	{"6.7", 4},
	{"6.8", 2},
	{"6.9", 4},
	{"6.10", 3},
	{"6.11", 5},
	{"6.12", 8},
	{"6.13", 5},
	{"6.14", 10},
	{"6.15", 1},
	{"6.16", 3},
	{"6.17", 5},
	{"6.18", 5},
	{"6.19", 5},
	{"6.20", 7},
	{"6.21", 8},
	{"6.22", 34},
	{"6.23", 7},
	{"7.1", 6},
	{"7.3", 6},
	{"7.5", 1},
	{"7.7", 13},
	{"7.9", 9},
	{"7.13", 2},
	{"9.1", 6},
	{"9.2", 6},
	{"9.3", 9},
	{"9.4", 9},
	{"9.5", 6},
	{"9.6", 6},
	{"9.7", 6},
	{"9.8", 6},
	{"10.1", 1},
	{"12.1", 18},
	{"12.2", 18},
	{"12.3", 18},
	{"12.4", 18},
	{"12.5", 18},
	{"13.1", 18},
	{"13.2", 18},
	{"13.3", 18},
	{"13.4", 18},
	{"13.5", 18},
	{"13.6", 18},
	{"13.7", 18},
}

// violations are the cases in which the suite breaks the protocol, with the close code
// that RFC 6455 has for it, and the section that states the broken rule. Where the text
// names no code, it is 1002, "terminating the connection due to a protocol error"
// (section 7.4.1).
var violations = []struct {
	cases string // as in "4.1.1-5" or "2.5"
	code  Code
	rule  string
}{
	{"2.5", 1002, "5.5: a control frame has 125 bytes of payload at most"},
	{"3.1-7", 1002, "5.2: a reserved bit without an extension that defines it"},
	{"4.1.1-5", 1002, "5.2: opcodes 3 to 7 are reserved"},
	{"4.2.1-5", 1002, "5.2: opcodes B to F are reserved"},
	{"5.1-2", 1002, "5.5: a control frame is not fragmented"},
	{"5.9-14", 1002, "5.4: a continuation of nothing"},
	{"5.15", 1002, "5.4: a continuation after the message has ended"},
	{"5.16-17", 1002, "5.4: a continuation of nothing"},
	{"5.18", 1002, "5.4: a text frame inside an unfinished message"},
	{"6.3.1-2", 1007, "8.1: a surrogate in a text"},
	{"6.4.1-4", 1007, "8.1: a code point beyond U+10FFFF, noticed before the message ends"},
	{"6.8.1-2", 1007, "8.1: sequences of five and six bytes"},
	{"6.10.1-3", 1007, "8.1: code points beyond U+10FFFF"},
	{"6.11.5", 1007, "8.1: U+110000"},
	{"6.12.1-8", 1007, "8.1: unexpected continuation bytes"},
	{"6.13.1-5", 1007, "8.1: first bytes without continuation bytes"},
	{"6.14.1-10", 1007, "8.1: the last continuation byte is missing"},
	{"6.15.1", 1007, "8.1: incomplete sequences in a row"},
	{"6.16.1-3", 1007, "8.1: FE and FF"},
	{"6.17.1-5", 1007, "8.1: a slash in more bytes than it needs"},
	{"6.18.1-5", 1007, "8.1: the last code points that a form with more bytes must not encode"},
	{"6.19.1-5", 1007, "8.1: NUL in more bytes than it needs"},
	{"6.20.1-7", 1007, "8.1: single surrogates"},
	{"6.21.1-8", 1007, "8.1: pairs of surrogates"},
	{"7.3.2", 1002, "5.5.1: a close body of one byte"},
	{"7.3.6", 1002, "5.5: a close body of 126 bytes"},
	{"7.5.1", 1007, "5.5.1, 8.1: a close reason that is not UTF-8"},
	{"7.9.1-2", 1002, "7.4.2: codes 0 and 999 are not used"},
	{"7.9.3-5", 1002, "7.4.1: 1004 is reserved, 1005 and 1006 must not be sent"},
	{"7.9.6-9", 1002, "7.4.2: 1016, 1100, 2000 and 2999 are not defined"},
	{"7.13.1-2", 1002, "7.4: codes 5000 and 65535 are in no range"},
}

// closeCodes are the codes that the suite sends in 7.7.1 to 7.7.13. RFC 6455, section
// 5.5.1: the endpoint "typically echos the status code it received".
var closeCodes = []Code{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999}

// allCases returns every case number.
func allCases() []string {
	var ids []string
	for _, s := range subsections {
		for i := range s.n {
			ids = append(ids, fmt.Sprintf("%s.%d", s.prefix, i+1))
		}
	}
	return ids
}

// span returns the case numbers of an entry of [violations].
func span(t *testing.T, s string) []string {
	t.Helper()
	first, last, _ := strings.Cut(s, "-")
	if last == "" {
		return []string{first}
	}
	dot := strings.LastIndexByte(first, '.')
	var from, to int
	if _, err := fmt.Sscan(first[dot+1:]+" "+last, &from, &to); err != nil || to <= from {
		t.Fatalf("span %q", s)
	}
	var ids []string
	for i := from; i <= to; i++ {
		ids = append(ids, fmt.Sprintf("%s.%d", first[:dot], i))
	}
	return ids
}

// required returns the close code that each case must show.
func required(t *testing.T) map[string]Code {
	t.Helper()
	m := make(map[string]Code)
	// What is not listed is a conversation that the suite ends with 1000.
	for _, id := range allCases() {
		m[id] = 1000
	}
	set := func(id string, c Code) {
		if _, ok := m[id]; !ok {
			t.Fatalf("there is no case %s", id)
		}
		m[id] = c
	}
	for _, v := range violations {
		for _, id := range span(t, v.cases) {
			set(id, v.code)
		}
	}
	// Case 6.6.n sends the first n bytes of a Greek word with accents.
	const word = "\u03ba\u1f79\u03c3\u03bc\u03b5"
	for n := 1; n <= len(word); n++ {
		if !utf8.ValidString(word[:n]) {
			set(fmt.Sprintf("6.6.%d", n), 1007)
		}
	}
	// RFC 6455, section 7.1.5: a Close without a code is answered by one without.
	set("7.3.1", NoCode)
	for i, c := range closeCodes {
		set(fmt.Sprintf("7.7.%d", i+1), c)
	}
	return m
}

// informational are the cases on which the suite passes no judgement.
var informational = []string{"7.1.6", "7.13.1", "7.13.2"}

func TestExpectedFilesFollowTheRFC(t *testing.T) {
	codes := required(t)
	for _, role := range []string{"server", "client"} {
		t.Run(role, func(t *testing.T) {
			e, err := ReadExpected(filepath.Join("..", "expected", role+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(allCases(), sortedIDs(e.Cases)); diff != "" {
				t.Errorf("cases (-want +got):\n%s", diff)
			}
			for id, got := range e.Cases {
				want := Result{Behavior: OK, BehaviorClose: OK, RemoteCloseCode: codes[id]}
				if slices.Contains(informational, id) {
					want.Behavior, want.BehaviorClose = Informational, Informational
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("case %s (-want +got):\n%s", id, diff)
				}
			}
		})
	}
}

// TestRequired guards the table above against its own slips, by the sums that are known
// from reading the suite's cases.
func TestRequired(t *testing.T) {
	got := make(map[Code]int)
	uncompressed := 0
	for id, c := range required(t) {
		if compression(id) {
			continue
		}
		uncompressed++
		got[c]++
	}
	// 1002 and 1007 also stand in 7.7 once each, where they are echoed.
	want := map[Code]int{
		1002: 1 + 7 + 10 + 2 + 10 + 2 + 9 + 2 + 1,
		1007: 2 + 4 + 6 + 2 + 3 + 1 + 8 + 5 + 10 + 1 + 3 + 5 + 5 + 5 + 7 + 8 + 1 + 1,
		1001: 1, 1003: 1, 1008: 1, 1009: 1, 1010: 1, 1011: 1, 3000: 1, 3999: 1, 4000: 1, 4999: 1,
		NoCode: 1,
	}
	n := 0
	for _, k := range want {
		n += k
	}
	want[1000] = 301 - n
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cases by close code (-want +got):\n%s", diff)
	}
	if uncompressed != 301 {
		t.Errorf("%d cases in sections 1 to 10, want 301", uncompressed)
	}
}
