package server

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfigArgs(t *testing.T) {
	for _, want := range []Config{
		{Lib: Raw, Mode: Plain, Idle: true, Least: true, Hijack: true, Verdict: true},
		{Lib: "gws", Mode: Takeover, Bits: 15, TLS: true},
		{Lib: Ours, Mode: NoTakeover, Level: 3, Own: true, ReadAPI: true, Broadcast: 7, Connect: "127.0.0.1:9"},
	} {
		got, err := parse(want.args())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Config{})); diff != "" {
			t.Errorf("parse(args) (-want +got):\n%s", diff)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"unknown library":  {"lib=none", "mode=plain"},
		"mode not offered": {"lib=gorilla", "mode=takeover"},
		"unknown argument": {"lib=raw", "mode=plain", "x=1"},
		"not a number":     {"lib=gws", "mode=plain", "bits=a"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
