package main

import (
	"fmt"
	"io"
	"time"

	"github.com/duplexws/duplex/internal/bench/load"
	"github.com/duplexws/duplex/internal/bench/server"
)

// The broadcasts: what is sent to how many, and how often for each kind of broadcast.
const (
	broadcastSize  = 512
	broadcastConns = 1000
	burst          = 200
	singles        = 20
)

// broadcasts sends the same message to many connections, many times at once and
// again and again when all have it.
func broadcasts(b *bench) ([]*entry, error) {
	list := alternative(plain(b.libs), "WritePrepared", func(c *server.Config) { c.ReadAPI = true })
	for i := range list {
		list[i].config.Broadcast = broadcastConns
	}
	var all []*entry
	for _, kind := range []struct {
		name        string
		times, rows int
	}{
		{fmt.Sprintf("%d B to %d connections, %d at once", broadcastSize, broadcastConns, burst), 2, burst},
		{fmt.Sprintf("%d B to %d connections, one at a time", broadcastSize, broadcastConns), singles, 1},
	} {
		entries, err := b.rounds("broadcast", kind.name, list, func(b *bench, c contender, _ bool) (figures, error) {
			return broadcast(b, c, kind.times, kind.rows)
		})
		all = append(all, entries...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// broadcast measures as many times a broadcast of so many messages in a row.
func broadcast(b *bench, c contender, times, rows int) (figures, error) {
	p, err := server.Start(c.config, b.serverCPU)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	size := broadcastSize
	if c.raw() {
		size += 4 // the header, which the raw server sends too
	}
	client, err := load.Open(p.Addr, broadcastConns, false, c.raw(), c.stream(size))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var f figures
	var delays []float64
	for i := range times + 1 { // the first is for warming up
		before, err := p.Usage()
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := p.Broadcast(rows, broadcastSize); err != nil {
			return nil, err
		}
		if _, err := client.Receive(rows * broadcastConns); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		delay := time.Since(begin)
		if _, err := p.Answer(); err != nil {
			return nil, err
		}
		after, err := p.Usage()
		if err != nil {
			return nil, err
		}
		if i == 0 {
			continue
		}
		delays = append(delays, float64(delay)/1000)
		f = f.plus(spent(before, after, float64(times*rows*broadcastConns)))
	}
	f[lastByte] = median(delays)
	return f, nil
}

// plus adds the figures up.
func (f figures) plus(g figures) figures {
	sum := figures{}
	for name := range g {
		sum[name] = f[name] + g[name]
	}
	return sum
}

func broadcastTable(w io.Writer, entries []*entry) error {
	return table(w, entries, []column{
		{name: cpu, title: "CPU µs/delivery", format: "%.3f", spread: true, ratios: true},
		{name: lastByte, title: "last byte µs", format: "%.0f"},
		{name: allocs, title: "allocs", format: "%.2f"},
	})
}
