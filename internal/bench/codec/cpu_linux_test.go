package codec

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used. On a busy machine it says more than the time
// that has passed.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
