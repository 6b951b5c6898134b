package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/duplexws/duplex/internal/bench/load"
	"github.com/duplexws/duplex/internal/bench/server"
)

// upgrades measures the opening handshake with all around it: accepting the
// connection, and letting it go.
func upgrades(b *bench) ([]*entry, error) {
	list := alternative(plain(b.libs), "Listen", func(c *server.Config) { c.Own = true })
	if slices.Contains(b.libs, server.Raw) {
		list = append(list,
			contender{name: "verdict", config: server.Config{Lib: server.Raw, Mode: server.Plain, Verdict: true}},
			contender{name: "net/http", config: server.Config{Lib: server.Raw, Mode: server.Plain, Hijack: true}},
		)
	}
	for i := range list {
		list[i].config.Idle = true // a large buffer for each would be half of the cost
	}
	return b.rounds("upgrade", "connect, upgrade, reset", list, func(b *bench, c contender, _ bool) (figures, error) {
		p, err := server.Start(c.config, b.serverCPU)
		if err != nil {
			return nil, err
		}
		defer p.Stop()
		echoes := c.raw() && !c.config.Hijack && !c.config.Verdict
		if _, err := load.Upgrades(p.Addr, echoes, b.duration/3); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		return costs(p, func() (int, error) { return load.Upgrades(p.Addr, echoes, b.duration) })
	})
}

// costs returns what the server has used while f was doing something so many times.
func costs(p *server.Process, f func() (int, error)) (figures, error) {
	before, err := p.Usage()
	if err != nil {
		return nil, err
	}
	n, err := f()
	if err != nil {
		return nil, err
	}
	after, err := p.Usage()
	if err != nil {
		return nil, err
	}
	return spent(before, after, float64(n)), nil
}

// spent returns the figures of n messages between two usages.
func spent(before, after server.Usage, n float64) figures {
	return figures{
		cpu:    float64(after.Before-before.After) / n / 1000,
		allocs: float64(after.Mallocs-before.Mallocs) / n,
	}
}

func upgradeTable(w io.Writer, entries []*entry) error {
	return table(w, entries, []column{
		{name: cpu, title: "CPU µs", format: "%.2f", spread: true, ratios: true},
		{name: allocs, title: "allocs", format: "%.1f"},
	})
}
