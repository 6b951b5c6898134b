package conn

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOptionsDefaults(t *testing.T) {
	defaults := Options{ReadLimit: 1 << 20, KeepAlive: 30 * time.Second, HandshakeTimeout: 10 * time.Second}
	own := Options{
		Subprotocols: []string{"a"}, Origins: []string{"b"},
		ReadLimit: -1, KeepAlive: time.Minute, HandshakeTimeout: -1,
	}
	for _, tc := range []struct {
		name string
		o    *Options
		want Options
	}{
		{"nil", nil, defaults},
		{"zero", &Options{}, defaults},
		{"negative and others are kept", &own, own},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.o.withDefaults()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Options are copied: a caller may change its own afterwards.
func TestOptionsAreCopied(t *testing.T) {
	o := &Options{}
	_ = o.withDefaults()
	if diff := cmp.Diff(Options{}, *o); diff != "" {
		t.Error(diff)
	}
}
