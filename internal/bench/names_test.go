package main

import "testing"

func TestSizeName(t *testing.T) {
	for n, want := range map[int]string{16: "16 B", 125: "125 B", 1024: "1 KiB", 1500: "1500 B", 16 << 10: "16 KiB", 1 << 20: "1 MiB"} {
		if got := sizeName(n); got != want {
			t.Errorf("sizeName(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestConnections(t *testing.T) {
	if got := connections(1) + ", " + connections(64); got != "1 connection, 64 connections" {
		t.Error(got)
	}
}
