package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// counters count how often the threads of a process pass some tracepoints of the
// kernel. That costs the process little, unlike a tracer that stops it.
type counters map[string][]int // descriptors by tracepoint, one for each thread

// openCounters begins to count. Threads that come later are counted too.
func openCounters(pid int, tracepoints []string) (counters, error) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil, err
	}
	c := counters{}
	for _, name := range tracepoints {
		id, err := tracepointID(name)
		if err != nil {
			c.close()
			return nil, err
		}
		attr := unix.PerfEventAttr{Type: unix.PERF_TYPE_TRACEPOINT, Config: id, Bits: unix.PerfBitInherit}
		attr.Size = uint32(unsafe.Sizeof(attr))
		for _, t := range threads {
			thread, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			fd, err := unix.PerfEventOpen(&attr, thread, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
			if errors.Is(err, unix.ESRCH) {
				continue // the thread has ended
			}
			if err != nil {
				c.close()
				return nil, fmt.Errorf("count %s: %w (root may, or anybody where kernel.perf_event_paranoid is -1)", name, err)
			}
			c[name] = append(c[name], fd)
		}
	}
	return c, nil
}

// tracepointID reads the number of a tracepoint such as "syscalls/sys_enter_read".
func tracepointID(name string) (uint64, error) {
	var err error
	for _, root := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		var b []byte
		if b, err = os.ReadFile(filepath.Join(root, "events", name, "id")); err == nil {
			return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
		}
	}
	return 0, fmt.Errorf("%w (it is there for root, once tracefs is mounted: mount -t tracefs tracefs /sys/kernel/tracing)", err)
}

// read returns the counts so far.
func (c counters) read() (map[string]uint64, error) {
	sums := map[string]uint64{}
	for name, fds := range c {
		for _, fd := range fds {
			var b [8]byte
			if n, err := unix.Read(fd, b[:]); err != nil || n != len(b) {
				return nil, fmt.Errorf("read the counter of %s: %d bytes, %w", name, n, err)
			}
			sums[name] += binary.NativeEndian.Uint64(b[:])
		}
	}
	return sums, nil
}

func (c counters) close() {
	for _, fds := range c {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
}
