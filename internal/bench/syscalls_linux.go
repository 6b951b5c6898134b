package main

import (
	"fmt"
	"io"
	"math"

	"github.com/duplexws/duplex/internal/bench/load"
	"github.com/duplexws/duplex/internal/bench/server"
)

// kinds says what a system call counts as; what is not listed is other.
var kinds = map[string]figure{
	"read": readCalls, "readv": readCalls, "recvfrom": readCalls, "recvmsg": readCalls,
	"write": writeCalls, "writev": writeCalls, "sendto": writeCalls, "sendmsg": writeCalls,
	"epoll_wait": waitCalls, "epoll_pwait": waitCalls, "epoll_pwait2": waitCalls, "epoll_ctl": waitCalls,
}

const (
	enter    = "syscalls/sys_enter_"
	enterAny = "raw_syscalls/sys_enter"
)

// systemCalls counts what servers ask of the kernel.
func systemCalls(b *bench) ([]*entry, error) {
	var all []*entry
	for _, kind := range []struct{ conns, deep, size int }{
		{64, 1, 125}, {64, 1, 16 << 10}, {64, 16, 125}, {1, 1, 125},
	} {
		name := fmt.Sprintf("%s binary, %s, %d deep", sizeName(kind.size), connections(kind.conns), kind.deep)
		entries, err := b.rounds("syscalls", name, serving(b.libs), func(b *bench, c contender, _ bool) (figures, error) {
			return traced(b, c, kind.conns, kind.deep, kind.size)
		})
		all = append(all, entries...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func traced(b *bench, c contender, conns, deep, size int) (figures, error) {
	p, err := server.Start(c.config, b.serverCPU)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	client, err := load.Open(p.Addr, conns, false, c.raw(), c.stream(size))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if _, err := client.Run(deep, math.MaxInt, b.duration/3); err != nil {
		return nil, err
	}
	points := []string{enterAny}
	for name := range kinds {
		points = append(points, enter+name)
	}
	count, err := openCounters(p.PID, points)
	if err != nil {
		return nil, err
	}
	defer count.close()
	r, err := client.Run(deep, math.MaxInt, b.duration)
	if err != nil {
		return nil, err
	}
	sums, err := count.read()
	if err != nil {
		return nil, err
	}
	return perMessage(sums, r.Messages), nil
}

// perMessage sorts the counts by kind.
func perMessage(sums map[string]uint64, messages int) figures {
	f := figures{otherCalls: float64(sums[enterAny]) / float64(messages)}
	for name, kind := range kinds {
		n := float64(sums[enter+name]) / float64(messages)
		f[kind] += n
		f[otherCalls] -= n
	}
	f[otherCalls] = max(0, f[otherCalls]) // the counters are not read at one moment
	return f
}

func systemCallsTable(w io.Writer, entries []*entry) error {
	return table(w, entries, []column{
		{name: readCalls, title: "read", format: "%.2f"},
		{name: writeCalls, title: "write", format: "%.2f"},
		{name: waitCalls, title: "epoll", format: "%.2f"},
		{name: otherCalls, title: "other", format: "%.2f"},
	})
}
