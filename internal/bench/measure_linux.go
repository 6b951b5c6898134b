package main

import (
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/duplexws/duplex/internal/bench/load"
	"github.com/duplexws/duplex/internal/bench/server"
)

// echo is one case of a workload in which messages come back.
type echo struct {
	conns, deep int
	messages    int           // at most
	duration    time.Duration // at most
	warmUp      time.Duration
	streams     func(load.Agreed) ([]*load.Stream, error)
}

// run starts a server, makes the connections and measures. Before that, with verify,
// it looks at every byte that comes back.
func (e echo) run(b *bench, c contender, verify bool) (figures, error) {
	p, err := server.Start(c.config, b.serverCPU)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	f, err := e.against(p, c, verify)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return f, nil
}

func (e echo) against(p *server.Process, c contender, verify bool) (figures, error) {
	var agreed load.Agreed
	if !c.raw() {
		nc, _, a, err := load.Dial(p.Addr, c.compressed())
		if err != nil {
			return nil, err
		}
		nc.Close()
		if agreed = a; a.Compressed != c.compressed() {
			return nil, fmt.Errorf("compression agreed: %t", a.Compressed)
		}
	}
	streams, err := e.streams(agreed)
	if err != nil {
		return nil, err
	}
	if verify && !c.raw() {
		if err := load.Verify(p.Addr, c.compressed(), streams[0]); err != nil {
			return nil, err
		}
	}
	client, err := load.Open(p.Addr, e.conns, c.compressed(), c.raw(), streams)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if _, err := client.Run(e.deep, math.MaxInt, e.warmUp); err != nil {
		return nil, err
	}
	runtime.GC() // so that ours does not come in between
	before, err := p.Usage()
	if err != nil {
		return nil, err
	}
	r, err := client.Run(e.deep, e.messages, e.duration)
	if err != nil {
		return nil, err
	}
	after, err := p.Usage()
	if err != nil {
		return nil, err
	}
	n := float64(r.Messages)
	return figures{
		cpu:       float64(after.Before-before.After) / n / 1000,
		allocs:    float64(after.Mallocs-before.Mallocs) / n,
		reads:     float64(after.Reads-before.Reads) / n,
		writes:    float64(after.Writes-before.Writes) / n,
		replySize: float64(r.Bytes) / n,
		rate:      n / r.Time.Seconds(),
	}, nil
}
