package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Case is one line of a report: the verdict, how long the case took, and the file
// with the details.
type Case struct {
	Result
	DurationMS int64  `json:"duration"`
	File       string `json:"reportfile"`
}

// Report is what one run of the suite found out about one agent.
type Report struct {
	Dir   string          // the folder of the report
	Agent string          // the name under which the implementation ran
	Cases map[string]Case // by case number, as in "6.4.1"
}

// Load reads the index.json in dir. A report with several agents must have one of the
// name agent; of a report with a single one the name does not matter.
func Load(dir, agent string) (*Report, error) {
	name := filepath.Join(dir, "index.json")
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the suite left no report: %w", err)
	}
	var agents map[string]map[string]Case
	if err := json.Unmarshal(b, &agents); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	names := slices.Sorted(maps.Keys(agents))
	if _, ok := agents[agent]; !ok && len(names) == 1 {
		agent = names[0]
	}
	cases, ok := agents[agent]
	if !ok {
		return nil, fmt.Errorf("%s: no agent %q, only %q", name, agent, names)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s: agent %q has no cases", name, agent)
	}
	for id := range cases {
		if err := checkID(id); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &Report{Dir: dir, Agent: agent, Cases: cases}, nil
}

// Duration is the time that all cases took together.
func (r *Report) Duration() time.Duration {
	var ms int64
	for _, c := range r.Cases {
		ms += c.DurationMS
	}
	return time.Duration(ms) * time.Millisecond
}

// Results returns the verdicts alone.
func (r *Report) Results() map[string]Result {
	m := make(map[string]Result, len(r.Cases))
	for id, c := range r.Cases {
		m[id] = c.Result
	}
	return m
}

// Explain returns the suite's own words on a case, from the file with its details: what
// was expected, what came, and why the closing handshake was not clean, if it was not.
// It returns "" if the file cannot be read.
func (r *Report) Explain(id string) string {
	var d struct {
		Expectation       string `json:"expectation"`
		Result            string `json:"result"`
		ResultClose       string `json:"resultClose"`
		WasNotCleanReason string `json:"wasNotCleanReason"`
	}
	b, err := os.ReadFile(filepath.Join(r.Dir, filepath.Base(r.Cases[id].File)))
	if err != nil || json.Unmarshal(b, &d) != nil {
		return ""
	}
	var lines []string
	for _, s := range []string{d.Expectation, d.Result, d.ResultClose, d.WasNotCleanReason} {
		if s = strings.Join(strings.Fields(s), " "); s != "" {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}
