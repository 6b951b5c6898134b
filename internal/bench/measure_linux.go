package main

import (
	"fmt"
	"maps"
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
	f := figures{}
	if verify && !c.raw() {
		if f[replySize], err = verified(p.Addr, c, streams); err != nil {
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
	maps.Copy(f, spent(before, after, n))
	f[rate] = n / r.Time.Seconds()
	return f, nil
}

// verified compares all that comes back with what was sent and returns the mean size
// of a reply: over the same messages for everybody, unlike what a measurement sends.
func verified(addr string, c contender, streams []*load.Stream) (float64, error) {
	var size, messages int
	for _, s := range streams {
		n, err := load.Verify(addr, c.compressed(), s)
		if err != nil {
			return 0, err
		}
		size, messages = size+n, messages+s.Len()
	}
	return float64(size) / float64(messages), nil
}
