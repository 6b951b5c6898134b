package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/duplexws/duplex/internal/bench/load"
	"github.com/duplexws/duplex/internal/bench/server"
)

const clientConns = 64

// asClient measures processes that are clients of a cheap server in this one.
func asClient(b *bench) ([]*entry, error) {
	list := plain(b.libs)
	var all []*entry
	for _, size := range []int{125, 1 << 10, 16 << 10} {
		name := fmt.Sprintf("write and read %s binary, %d connections", sizeName(size), clientConns)
		entries, err := b.rounds("client", name, list, func(b *bench, c contender, _ bool) (figures, error) {
			return against(b, c, size, func(p *server.Process) (figures, error) { return trips(b, p, size) })
		})
		all = append(all, entries...)
		if err != nil {
			return all, err
		}
	}
	entries, err := b.rounds("client", "dial and hang up", list, func(b *bench, c contender, _ bool) (figures, error) {
		return against(b, c, 125, func(p *server.Process) (figures, error) { return dials(b, p) })
	})
	return append(all, entries...), err
}

// against runs f with a client process and a server for it.
func against(b *bench, c contender, size int, f func(*server.Process) (figures, error)) (result figures, err error) {
	peer, err := load.Listen(size, c.raw())
	if err != nil {
		return nil, err
	}
	c.config.Connect = peer.Addr
	p, err := server.Start(c.config, b.serverCPU)
	if err == nil {
		result, err = f(p)
		p.Stop()
	}
	if err = errors.Join(err, peer.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return result, nil
}

// trips finds out how many messages fit into the time, and measures so many.
func trips(b *bench, p *server.Process, size int) (figures, error) {
	if _, err := p.Open(clientConns); err != nil {
		return nil, err
	}
	begin := time.Now()
	const trial = 100
	if _, err := p.Trips(trial, size); err != nil {
		return nil, err
	}
	times := max(trial, int(trial*b.duration/time.Since(begin)))
	return costs(p, func() (int, error) {
		_, err := p.Trips(times, size)
		return times * clientConns, err
	})
}

// dials does the same with connections. Each leaves a socket behind that waits for
// minutes, so that there must not be too many.
func dials(b *bench, p *server.Process) (figures, error) {
	const trial, most = 50, 1000
	begin := time.Now()
	if _, err := p.Dial(trial); err != nil {
		return nil, err
	}
	times := min(most, max(trial, int(trial*b.duration/time.Since(begin))))
	return costs(p, func() (int, error) {
		_, err := p.Dial(times)
		return times, err
	})
}

func clientTable(w io.Writer, entries []*entry) error {
	return table(w, entries, []column{
		{name: cpu, title: "CPU µs", format: "%.2f", spread: true, ratios: true},
		{name: allocs, title: "allocs", format: "%.2f"},
	})
}
