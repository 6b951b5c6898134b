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
			if diff := cmp.Diff(tc.want, tc.o.withDefaults().Options); diff != "" {
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

// The connections of one server have the same settings, and those that have the defaults
// share them with all others.
func TestSettingsAreShared(t *testing.T) {
	own := (&Options{NoGathering: true}).withDefaults()
	newOne := func(o *options) *Conn {
		return newConn(t.Context(), newScript(), &Start{Role: Server}, nil, o)
	}
	if a, b := newOne(&own), newOne(&own); a.settings != b.settings || !a.settings.noGathering {
		t.Error("two connections of one server have settings of their own")
	}
	if c := New(newScript(), Start{}, nil); c.settings != &defaultSettings {
		t.Error("a connection with the defaults has settings of its own")
	}
}
