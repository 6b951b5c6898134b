package main

import (
	"fmt"
	"io"
	"math"

	"github.com/duplexws/duplex/internal/bench/load"
	"github.com/duplexws/duplex/internal/bench/server"
)

const idleConns = 10_000

// idle weighs many connections on which nothing happens.
func idle(b *bench) ([]*entry, error) {
	list := alternative(plain(b.libs), "Listen", func(c *server.Config) { c.Own = true })
	for i := range list {
		list[i].config.Idle = true
	}
	var all []*entry
	for _, used := range []bool{false, true} {
		name := fmt.Sprintf("%d connections, silent since the upgrade", idleConns)
		if used {
			name = fmt.Sprintf("%d connections, silent after one message of 125 B", idleConns)
		}
		entries, err := b.rounds("idle", name, list, func(b *bench, c contender, _ bool) (figures, error) {
			return idleMemory(b, c, used)
		})
		all = append(all, entries...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func idleMemory(b *bench, c contender, used bool) (figures, error) {
	p, err := server.Start(c.config, b.serverCPU)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	// What the first connections bring into being for all is none of theirs.
	if err := exchange(p, c, 10); err != nil {
		return nil, err
	}
	empty, err := p.Collect()
	if err != nil {
		return nil, err
	}
	client, err := load.Open(p.Addr, idleConns, false, c.raw(), c.stream(125))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if used {
		if _, err := client.Run(1, idleConns, math.MaxInt64); err != nil {
			return nil, err
		}
	}
	full, err := p.Collect()
	if err != nil {
		return nil, err
	}
	return weigh(empty, full, idleConns), nil
}

// exchange sends a message on each of some connections and closes them.
func exchange(p *server.Process, c contender, conns int) error {
	client, err := load.Open(p.Addr, conns, false, c.raw(), c.stream(125))
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = client.Run(1, conns, math.MaxInt64)
	return err
}

// weigh returns what each of the connections takes.
func weigh(empty, full server.Usage, conns float64) figures {
	return figures{
		heap:    (float64(full.HeapInuse) - float64(empty.HeapInuse)) / conns,
		objects: (float64(full.HeapAlloc) - float64(empty.HeapAlloc)) / conns,
		stack:   (float64(full.StackInuse) - float64(empty.StackInuse)) / conns,
		rss:     (float64(full.RSS) - float64(empty.RSS)) / conns,
	}
}

func idleTable(w io.Writer, entries []*entry) error {
	return table(w, entries, []column{
		{name: rss, title: "RSS B/conn", format: "%.0f", spread: true, ratios: true},
		{name: heap, title: "heap B/conn", format: "%.0f"},
		{name: objects, title: "objects B/conn", format: "%.0f"},
		{name: stack, title: "stack B/conn", format: "%.0f"},
	})
}
