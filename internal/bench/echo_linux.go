package main

import (
	"fmt"
	"io"
	"math"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/bench/corpus"
	"github.com/duplexws/duplex/internal/bench/load"
)

// payload says what messages are made of.
type payload string

const (
	random   payload = "binary"
	ascii    payload = "ASCII"
	cyrillic payload = "Cyrillic"
)

// messages returns some messages of that kind.
func (p payload) messages(size int) (frame.Opcode, [][]byte) {
	n := max(2, min(64, 1<<20/size))
	switch p {
	case ascii:
		return frame.Text, corpus.Text(1, n, size, corpus.ASCII)
	case cyrillic:
		return frame.Text, corpus.Text(1, n, size, corpus.Cyrillic)
	}
	return frame.Binary, corpus.Bytes(1, n, size)
}

// stream returns what a client of c sends.
func (c contender) stream(size int) []*load.Stream {
	opcode, messages := c.payload.messages(size)
	if c.raw() {
		return []*load.Stream{load.Raw(messages)}
	}
	return []*load.Stream{load.Frames(opcode, messages)}
}

// echoes sends messages of many sizes on few and many connections, one and sixteen at
// a time on each.
func echoes(b *bench) ([]*entry, error) {
	var all []*entry
	for _, row := range []struct {
		conns, deep int
		sizes       []int
	}{
		{1, 1, []int{16, 125, 1 << 10, 16 << 10, 1 << 20}},
		{64, 1, []int{16, 125, 1 << 10, 16 << 10, 1 << 20}},
		{1000, 1, []int{16, 125, 1 << 10, 16 << 10}}, // more would measure memory
		{1, 16, []int{125}},
		{64, 16, []int{16, 125, 1 << 10, 16 << 10}},
		{1000, 16, []int{125}},
	} {
		for _, size := range row.sizes {
			name := fmt.Sprintf("%s binary, %s, %d deep", sizeName(size), connections(row.conns), row.deep)
			entries, err := b.echo("echo", name, floored(serving(b.libs)), row.conns, row.deep, size)
			all = append(all, entries...)
			if err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// echo measures one case of an echo without compression.
func (b *bench) echo(workload, name string, list []contender, conns, deep, size int) ([]*entry, error) {
	return b.rounds(workload, name, list, func(b *bench, c contender, verify bool) (figures, error) {
		e := echo{
			conns: conns, deep: deep, messages: math.MaxInt, duration: b.duration, warmUp: b.duration / 3,
			streams: func(load.Agreed) ([]*load.Stream, error) { return c.stream(size), nil },
		}
		return e.run(b, c, verify)
	})
}

// text compares text with binary messages: who checks UTF-8 pays for it.
func text(b *bench) ([]*entry, error) {
	var all []*entry
	for _, size := range []int{1 << 10, 16 << 10} {
		var list []contender
		for _, c := range serving(b.peersAndOurs()) {
			for _, p := range []payload{random, ascii, cyrillic} {
				with := c
				with.name, with.payload = c.name+" "+string(p), p
				list = append(list, with)
			}
		}
		name := fmt.Sprintf("text against binary, %s, 64 connections", sizeName(size))
		entries, err := b.echo("text", name, list, 64, 1, size)
		all = append(all, entries...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func echoTable(w io.Writer, entries []*entry) error {
	return table(w, entries, []column{
		{name: cpu, title: "CPU µs", format: "%.2f", spread: true, ratios: true},
		{name: allocs, title: "allocs", format: "%.2f"},
		{name: rate, title: "msg/s", format: "%.0f"},
	})
}
