package server

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// system fills in what /proc tells of this process.
func (u *Usage) system() {
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		var size, resident uint64
		if _, err := fmt.Sscan(string(b), &size, &resident); err == nil {
			u.RSS = resident * uint64(os.Getpagesize())
		}
	}
}

// onCPU runs start, which starts a process, such that all threads of that process
// stay on one CPU: they inherit it from the thread that starts them.
func onCPU(cpu int, start func() error) error {
	runtime.LockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	err := start()
	if back := unix.SchedSetaffinity(0, &before); back != nil {
		return back // the thread stays locked, so that it ends with its goroutine
	}
	runtime.UnlockOSThread()
	return err
}

// LeaveCPU keeps this process off one CPU: that of the servers.
func LeaveCPU(cpu int) error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return err
	}
	if set.Count() > 1 {
		set.Clear(cpu)
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads { // later ones inherit it
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &set); err != nil {
			return err
		}
	}
	return nil
}
