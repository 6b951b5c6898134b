package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
)

// Expected is the content of a file of expected results: which version of the suite
// it is for, and the verdict on each case.
type Expected struct {
	Suite string            `json:"suite"`
	Cases map[string]Result `json:"cases"`
}

// ReadExpected reads a file of expected results. It is strict: a misspelt or repeated
// case must not pass for one that is expected.
func ReadExpected(name string) (*Expected, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var e Expected
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one value", name)
	}
	if len(e.Cases) == 0 {
		return nil, fmt.Errorf("%s: no cases", name)
	}
	for id := range e.Cases {
		if err := checkID(id); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	// encoding/json lets the last of two equal keys win. What was read, written again,
	// is the file itself, or else it was edited into something that reads differently.
	if !bytes.Equal(e.Bytes(), b) {
		return nil, fmt.Errorf("%s: not in the form that -update writes (order, spaces, or a case twice)", name)
	}
	return &e, nil
}

// WithoutCompression returns what is expected of an endpoint whose compression is off,
// given what is expected of it when it is on: it leaves out sections 12 and 13.
func WithoutCompression(cases map[string]Result) map[string]Result {
	m := maps.Clone(cases)
	for id := range m {
		if compression(id) {
			m[id] = Result{Behavior: Unimplemented, BehaviorClose: OK, RemoteCloseCode: 1000}
		}
	}
	return m
}

// Bytes encodes e with one line per case, in the order in which the suite runs them.
func (e *Expected) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"suite\": %q,\n  \"cases\": {", e.Suite)
	for i, id := range sortedIDs(e.Cases) {
		if i > 0 {
			b.WriteByte(',')
		}
		c := e.Cases[id]
		code, _ := c.RemoteCloseCode.MarshalJSON() // it never fails
		fmt.Fprintf(&b, "\n    %q: {\"behavior\": %q, \"behaviorClose\": %q, \"remoteCloseCode\": %s}",
			id, c.Behavior, c.BehaviorClose, code)
	}
	b.WriteString("\n  }\n}\n")
	return b.Bytes()
}

// Write writes e to a file.
func (e *Expected) Write(name string) error {
	return os.WriteFile(name, e.Bytes(), 0o644)
}
