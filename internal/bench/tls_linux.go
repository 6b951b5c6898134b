package main

import (
	"fmt"
	"io"

	"github.com/duplexws/duplex/internal/bench/load"
	"github.com/duplexws/duplex/internal/bench/server"
)

// overTLS echoes messages over TLS 1.3.
func overTLS(b *bench) ([]*entry, error) {
	list := serving(b.libs)
	for i := range list {
		list[i].config.TLS = true
	}
	var all []*entry
	for _, size := range []int{125, 1 << 10, 16 << 10} {
		name := fmt.Sprintf("%s binary over TLS 1.3, 64 connections", sizeName(size))
		entries, err := b.rounds("tls", name, list, func(b *bench, c contender, verify bool) (figures, error) {
			f, err := secureEcho(b, c, size, verify)
			if err != nil {
				err = fmt.Errorf("%s: %w", c.name, err)
			}
			return f, err
		})
		all = append(all, entries...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func secureEcho(b *bench, c contender, size int, verify bool) (figures, error) {
	p, err := server.Start(c.config, b.serverCPU)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	client, err := load.OpenSecure(p.Addr, 64, c.raw(), c.stream(size)[0])
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if verify {
		if err := client.Verify(); err != nil {
			return nil, err
		}
	}
	if _, err := client.Run(b.duration / 3); err != nil {
		return nil, err
	}
	return costs(p, func() (int, error) {
		r, err := client.Run(b.duration)
		return r.Messages, err
	})
}

func tlsTable(w io.Writer, entries []*entry) error {
	return table(w, entries, []column{
		{name: cpu, title: "CPU µs", format: "%.2f", spread: true, ratios: true},
		{name: allocs, title: "allocs", format: "%.2f"},
	})
}
