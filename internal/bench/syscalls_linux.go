package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/duplexws/duplex/internal/bench/load"
	"github.com/duplexws/duplex/internal/bench/server"
)

// The figures of this workload, all per message.
const (
	readCalls  figure = "calls that read from sockets per message"
	writeCalls figure = "calls that write to sockets per message"
	waitCalls  figure = "calls of epoll per message"
	otherCalls figure = "other system calls per message"
)

// kinds says what a system call counts as; what is not listed is other.
var kinds = map[string]figure{
	"read": readCalls, "readv": readCalls, "recvfrom": readCalls, "recvmsg": readCalls,
	"write": writeCalls, "writev": writeCalls, "sendto": writeCalls, "sendmsg": writeCalls,
	"epoll_wait": waitCalls, "epoll_pwait": waitCalls, "epoll_pwait2": waitCalls, "epoll_ctl": waitCalls,
}

// systemCalls counts what servers ask of the kernel, by strace.
func systemCalls(b *bench) ([]*entry, error) {
	if _, err := exec.LookPath("strace"); err != nil {
		return nil, fmt.Errorf("system calls are counted by strace, which is missing: %w", err)
	}
	var all []*entry
	for _, kind := range []struct{ conns, deep, size int }{
		{64, 1, 125}, {64, 1, 16 << 10}, {64, 16, 125}, {1, 1, 125},
	} {
		name := fmt.Sprintf("%s binary, %d connections, %d deep", sizeName(kind.size), kind.conns, kind.deep)
		entries, err := b.rounds("syscalls", name, plain(b.libs), func(b *bench, c contender, _ bool) (figures, error) {
			return traced(b, c, kind.conns, kind.deep, kind.size)
		})
		all = append(all, entries...)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func traced(b *bench, c contender, conns, deep, size int) (f figures, err error) {
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
	out, err := os.CreateTemp("", "duplex-bench-*.strace")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	stop, err := trace(p.PID, out.Name())
	if err != nil {
		return nil, err
	}
	r, err := client.Run(deep, math.MaxInt, b.duration)
	if err := errors.Join(err, stop()); err != nil {
		return nil, err
	}
	counts, err := parseSummary(out)
	if err != nil {
		return nil, err
	}
	f = figures{readCalls: 0, writeCalls: 0, waitCalls: 0, otherCalls: 0}
	for name, n := range counts {
		kind, ok := kinds[name]
		if !ok {
			kind = otherCalls
		}
		f[kind] += float64(n) / float64(r.Messages)
	}
	return f, nil
}

// trace attaches strace to a process and returns when all its threads are traced.
func trace(pid int, out string) (stop func() error, err error) {
	cmd := exec.Command("strace", "-f", "-c", "-U", "name,calls", "-o", out, "-p", strconv.Itoa(pid))
	messages, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	in := bufio.NewReader(messages)
	line, err := in.ReadString('\n') // "Process N attached with M threads"
	if err != nil || !strings.Contains(line, "attached") {
		return nil, errors.Join(err, cmd.Wait(), fmt.Errorf("strace: %q", line))
	}
	go io.Copy(io.Discard, in)
	return func() error {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			return err
		}
		cmd.Wait() // strace ends by the signal
		return nil
	}, nil
}

// parseSummary reads the table of strace -c -U name,calls.
func parseSummary(r io.Reader) (map[string]int, error) {
	counts := map[string]int{}
	in := bufio.NewScanner(r)
	for in.Scan() {
		fields := strings.Fields(in.Text())
		if len(fields) != 2 || fields[0] == "total" || slices.Contains(fields, "calls") {
			continue
		}
		n, err := strconv.Atoi(fields[1])
		if err != nil {
			continue // a line of dashes
		}
		counts[fields[0]] = n
	}
	if len(counts) == 0 && in.Err() == nil {
		return nil, errors.New("strace has counted nothing")
	}
	return counts, in.Err()
}

func systemCallsTable(w io.Writer, entries []*entry) error {
	return table(w, entries, []column{
		{name: readCalls, title: "read", format: "%.2f"},
		{name: writeCalls, title: "write", format: "%.2f"},
		{name: waitCalls, title: "epoll", format: "%.2f"},
		{name: otherCalls, title: "other", format: "%.2f"},
	})
}
