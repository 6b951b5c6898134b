package main

import (
	"fmt"
	"slices"

	"github.com/duplexws/duplex/internal/bench/server"
)

// contender is a library in one configuration.
type contender struct {
	name    string
	config  server.Config
	payload payload // of what it is sent, where that is not compressed
}

func (c contender) raw() bool { return c.config.Lib == server.Raw }

func (c contender) compressed() bool { return c.config.Mode != server.Plain }

func (c contender) entry(workload, name string) *entry {
	floor := c.config.Least || c.config.Hijack || c.config.Verdict
	return &entry{
		Workload: workload, Case: name, Contender: c.name,
		Yardstick: c.raw() && !floor, Floor: floor, Ours: c.config.Lib == server.Ours,
	}
}

// compressors returns who compresses in a mode. A library that lets one choose the
// windows comes once for each of the given sizes, and ours for each of the levels.
func compressors(libs []string, mode server.Mode, windows, levels []int) []contender {
	var list []contender
	for _, lib := range libs {
		if !server.Has(lib, mode) {
			continue
		}
		bits, level := []int{0}, []int{0}
		switch {
		case lib == server.Ours:
			bits, level = windows, levels
		case lib == "gws" && mode == server.Takeover:
			bits = windows
		}
		for _, b := range bits {
			for _, l := range level {
				c := contender{name: lib, config: server.Config{Lib: lib, Mode: mode, Bits: b, Level: l, ReadAPI: true}}
				if b != 0 {
					c.name += fmt.Sprintf(" 2^%d", b)
				}
				if l != 0 {
					c.name += fmt.Sprintf(" level %d", l)
				}
				list = append(list, c)
			}
		}
	}
	return list
}

// plain returns everybody without compression.
func plain(libs []string) []contender {
	var list []contender
	for _, lib := range libs {
		list = append(list, contender{name: lib, config: server.Config{Lib: lib, Mode: server.Plain}})
	}
	return list
}

// alternative adds ours once more, changed: a name that ends otherwise, and another
// configuration.
func alternative(list []contender, name string, change func(*server.Config)) []contender {
	for _, c := range list {
		if c.config.Lib == server.Ours {
			c.name += " " + name
			change(&c.config)
			return append(list, c)
		}
	}
	return list
}

// serving returns everybody, ours with Serve and with the calls that read and write.
func serving(libs []string) []contender {
	return alternative(plain(libs), "Read", func(c *server.Config) { c.ReadAPI = true })
}

// floored adds the least that an echo costs, by a loop and by calls, if the yardstick is in
// the list.
func floored(list []contender) []contender {
	for i, c := range list {
		if c.raw() {
			c.name, c.config.Least = "least", true
			calls := c
			calls.name, calls.config.ReadAPI = "least Read", true
			return slices.Insert(list, i+1, c, calls)
		}
	}
	return list
}
