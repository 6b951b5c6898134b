package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestChartValues(t *testing.T) {
	c := chart{name: cpu, raw: true}
	for _, e := range []struct {
		kind, contender string
		raw             bool
		cpu             float64
	}{{"a", "raw", true, 2}, {"a", "gws", false, 3}, {"b", "raw", true, 4}, {"b", "duplex", false, 2}} {
		c.entries = append(c.entries, &entry{Case: e.kind, Contender: e.contender, Yardstick: e.raw, Median: figures{cpu: e.cpu}})
	}
	cases, contenders := c.names()
	if diff := cmp.Diff([][]string{{"a", "b"}, {"raw", "gws", "duplex"}}, [][]string{cases, contenders}); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for name, want := range map[string][]float64{"raw": {1, 1}, "gws": {1.5, math.NaN()}, "duplex": {math.NaN(), 0.5}} {
		if diff := cmp.Diff(want, c.values(name, cases), cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestPlots draws and looks whether the files are XML that names what is in them.
func TestPlots(t *testing.T) {
	entries := []*entry{
		{Workload: "echo", Case: "16 B binary, 64 connections, 1 deep", Contender: "raw", Yardstick: true, Median: figures{cpu: 2}},
		{Workload: "echo", Case: "16 B binary, 64 connections, 1 deep", Contender: "duplex", Ours: true, Median: figures{cpu: 1}},
		{Workload: "compress", Case: "1 KiB of JSON, takeover, 64 connections", Contender: "gws", Median: figures{cpu: 2, replySize: 3}},
	}
	dir := t.TempDir()
	if err := plots(dir, entries); err != nil {
		t.Fatal(err)
	}
	for file, names := range map[string][]string{
		"echo-64.svg":       {"raw", "duplex", "16 B"},
		"compress.svg":      {"gws", "1 KiB, takeover"},
		"compress-size.svg": {"gws"},
	} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(strings.NewReader(string(b))); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
		for _, name := range names {
			if !strings.Contains(string(b), ">"+name+"<") {
				t.Errorf("%s does not have the text %q", file, name)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "idle.svg")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a chart without figures: %v", err)
	}
}
