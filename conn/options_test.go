package conn

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOptionsDefaults(t *testing.T) {
	defaults := Options{
		ReadLimit: 1 << 20, PostLimit: 1 << 20, KeepAlive: 30 * time.Second, HandshakeTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, ControlRate: 100,
	}
	own := Options{
		Subprotocols: []string{"a"}, Origins: []string{"b"},
		ReadLimit: -1, PostLimit: -1, KeepAlive: time.Minute, HandshakeTimeout: -1,
		WriteTimeout: -1, ControlRate: -1,
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
	o := &Options{Origins: []string{"a"}, Subprotocols: []string{"b"}}
	c := o.withDefaults()
	if diff := cmp.Diff(Options{Origins: []string{"a"}, Subprotocols: []string{"b"}}, *o); diff != "" {
		t.Errorf("changed: %s", diff)
	}
	o.Origins[0], o.Subprotocols[0] = "x", "x"
	if c.Origins[0] != "a" || c.Subprotocols[0] != "b" {
		t.Errorf("shared: %v %v", c.Origins, c.Subprotocols)
	}
}
