package wstest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// record is one block of a vector file.
type record struct {
	line   int
	fields map[string]string
}

// load reads every record of every file that matches glob, fails the test if there
// is none, and has decode turn each into a T; names are unique in a file.
func load[T any](t testing.TB, glob string, decode func(record) (T, error)) []T {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil {
		t.Fatalf("%s: %v", glob, err)
	}
	if len(files) == 0 {
		t.Fatalf("%s: no files", glob)
	}
	var all []T
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list, err := decodeAll(string(text), decode)
		if err != nil {
			t.Fatalf("%s:%v", file, err)
		}
		all = append(all, list...)
	}
	return all
}

// decodeAll decodes the records of one file; errors begin with the line.
func decodeAll[T any](text string, decode func(record) (T, error)) ([]T, error) {
	records, err := parseRecords(text)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("1: no records")
	}
	var list []T
	seen := map[string]bool{}
	for _, r := range records {
		name := r.fields["name"]
		if name == "" || seen[name] {
			return nil, fmt.Errorf("%d: name %q is empty or taken", r.line, name)
		}
		seen[name] = true
		v, err := decode(r)
		if err != nil {
			return nil, fmt.Errorf("%d: %s: %w", r.line, name, err)
		}
		list = append(list, v)
	}
	return list, nil
}

func parseRecords(text string) ([]record, error) {
	var (
		records []record
		key     string // of the field that an indented line goes on with
		open    bool   // the last record takes further fields
	)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		switch {
		case strings.HasPrefix(line, "#"):
			continue
		case line == "":
			open = false
			continue
		case line[0] == ' ' || line[0] == '\t':
			if !open {
				return nil, fmt.Errorf("%d: nothing to go on with", i+1)
			}
			records[len(records)-1].fields[key] += "\n" + strings.TrimSpace(line)
			continue
		}
		if !open {
			records = append(records, record{i + 1, map[string]string{}})
			open = true
		}
		k, value, ok := strings.Cut(line, ":")
		fields := records[len(records)-1].fields
		if _, taken := fields[k]; !ok || taken {
			return nil, fmt.Errorf("%d: %q is no field, or one that is there already", i+1, line)
		}
		key = k
		fields[k] = strings.TrimSpace(value)
	}
	return records, nil
}

// only fails on a field that is not among the given ones.
func (r record) only(keys ...string) error {
	for k := range r.fields {
		if !slices.Contains(keys, k) {
			return fmt.Errorf("unknown field %q", k)
		}
	}
	return nil
}

// data decodes bytes that are written as a quoted string or in hexadecimal.
func data(s string) ([]byte, error) {
	if strings.HasPrefix(s, `"`) {
		text, err := strconv.Unquote(s)
		return []byte(text), err
	}
	return hexBytes(s)
}

// hexBytes decodes bytes that are written in hexadecimal.
func hexBytes(s string) ([]byte, error) {
	b := []byte{}
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.Fields(line) {
			digits, count, repeated := strings.Cut(word, "*")
			part, err := hex.DecodeString(digits)
			if err != nil {
				return nil, err
			}
			times := 1
			if repeated {
				times, err = strconv.Atoi(count)
				if err != nil || times < 0 || times > 1<<24 {
					return nil, fmt.Errorf("bad repetition %q", word)
				}
			}
			b = append(b, bytes.Repeat(part, times)...)
		}
	}
	return b, nil
}
