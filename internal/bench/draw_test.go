//go:build plot

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
