//go:build poolcount && !race

package conn

import (
	"fmt"
	"runtime"
	"strings"
)

// pooled says where the memory was taken that is out of its pool. The memory of messages is
// left out: it is replaced when a message grows, and what Serve leaves of one may become the
// caller's of Read. So is what a goroutine held when a function of Hooks panicked on it, which
// is left to the collector, as the turn that goes with it is to nobody.
func pooled() (list []string) {
	taken.mu.Lock()
	defer taken.mu.Unlock()
	for _, calls := range taken.out {
		var b strings.Builder
		b.WriteString("memory of a pool that was not given back, taken by\n")
		counts := true
		for frames, more := runtime.CallersFrames(calls[:]), true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			counts = counts && !strings.HasSuffix(f.Function, ".getMessage") && !strings.Contains(f.Function, ".TestHooksPanic.")
			fmt.Fprintf(&b, "\t%s:%d\n", f.Function, f.Line)
		}
		if counts {
			list = append(list, b.String())
		}
	}
	return list
}
