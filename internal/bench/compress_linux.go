package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/bench/corpus"
	"github.com/duplexws/duplex/internal/bench/load"
	"github.com/duplexws/duplex/internal/bench/server"
)

// texts are the messages of the compression workloads: streams of their own, so that
// connections do not send the same at the same time.
type texts struct {
	size    int
	plain   [][][]byte
	streams map[load.Agreed][]*load.Stream
}

// A stream is longer than the largest window, so that its repetition finds nothing of
// the last round.
const (
	textStreams = 16
	streamSize  = 256 << 10
)

func newTexts(size int) *texts {
	t := &texts{size: size, streams: map[load.Agreed][]*load.Stream{}}
	for i := range textStreams {
		t.plain = append(t.plain, corpus.JSON(uint64(1+i), streamSize/size, size))
	}
	return t
}

// agreed returns what a client sends that has agreed to a.
func (t *texts) agreed(a load.Agreed) ([]*load.Stream, error) {
	a.Terms.Server = deflate.Window{} // does not matter for what is sent
	if s, ok := t.streams[a]; ok {
		return s, nil
	}
	var list []*load.Stream
	for _, messages := range t.plain {
		if !a.Compressed {
			list = append(list, load.Frames(frame.Text, messages))
			continue
		}
		s, err := load.Deflated(frame.Text, messages, a.Terms.Client)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	t.streams[a] = list
	return list, nil
}

// compression echoes JSON of two sizes, compressed both ways.
func compression(b *bench) ([]*entry, error) {
	var all []*entry
	for _, size := range []int{1 << 10, 16 << 10} {
		t := newTexts(size)
		for _, mode := range []server.Mode{server.NoTakeover, server.Takeover} {
			e := echo{
				conns: 64, deep: 1, messages: math.MaxInt, duration: b.duration, warmUp: b.duration / 3,
				streams: t.agreed,
			}
			list := compressors(b.libs, mode, b.windows, b.levels)
			entries, err := b.rounds("compress", fmt.Sprintf("%s of JSON, %s, 64 connections", sizeName(size), mode), list, e.run)
			all = append(all, entries...)
			if err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

func compressionTable(w io.Writer, entries []*entry) error {
	err := table(w, entries, []column{
		{name: cpu, title: "CPU µs", format: "%.2f", spread: true, ratios: true},
		{name: replySize, title: "reply B", format: "%.1f"},
		{name: allocs, title: "allocs", format: "%.2f"},
		{name: rate, title: "msg/s", format: "%.0f"},
	})
	if err != nil {
		return err
	}
	fmt.Fprint(w, "\nOurs by each peer: CPU, reply bytes\n")
	return duels(w, entries, cpu, replySize)
}

// What a connection keeps is measured on many that have sent some messages.
const (
	memoryConns    = 1000
	memoryMessages = 100
)

// compressionMemory weighs the heap of a server with many connections that have
// echoed messages and are silent now, without compression and with it.
func compressionMemory(b *bench) ([]*entry, error) {
	t := newTexts(1 << 10)
	var all []*entry
	for _, mode := range []server.Mode{server.Plain, server.NoTakeover, server.Takeover} {
		list := compressors(b.peersAndOurs(), mode, b.windows, []int{0})
		name := fmt.Sprintf("%s, %d connections after %d messages of 1 KiB each", mode, memoryConns, memoryMessages)
		entries, err := b.rounds("compress-memory", name, list, func(b *bench, c contender, verify bool) (figures, error) {
			return heapAfter(b, c, t)
		})
		all = append(all, entries...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func heapAfter(b *bench, c contender, t *texts) (figures, error) {
	p, err := server.Start(c.config, b.serverCPU)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	empty, err := p.Collect()
	if err != nil {
		return nil, err
	}
	nc, _, agreed, err := load.Dial(p.Addr, c.compressed())
	if err != nil {
		return nil, err
	}
	nc.Close()
	streams, err := t.agreed(agreed)
	if err != nil {
		return nil, err
	}
	client, err := load.Open(p.Addr, memoryConns, c.compressed(), c.raw(), streams)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if _, err := client.Run(1, memoryConns*memoryMessages, time.Hour); err != nil {
		return nil, err
	}
	full, err := p.Collect()
	if err != nil {
		return nil, err
	}
	return weigh(empty, full, memoryConns), nil
}

func memoryTable(w io.Writer, entries []*entry) error {
	return table(w, entries, []column{
		{name: heap, title: "heap B/conn", format: "%.0f", spread: true},
		{name: objects, title: "objects B/conn", format: "%.0f"},
		{name: stack, title: "stack B/conn", format: "%.0f"},
		{name: rss, title: "RSS B/conn", format: "%.0f"},
	})
}
