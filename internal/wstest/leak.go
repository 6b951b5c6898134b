package wstest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of a package and exits, with a failure if one failed or if
// goroutines that they started are still there two seconds later. It is what a
// TestMain calls. others, if given, say what else was left behind.
func Main(m *testing.M, others ...func() []string) {
	code := m.Run()
	if code == 0 {
		if leaked := leaks(2 * time.Second); len(leaked) > 0 {
			fmt.Fprintf(os.Stderr, "%d leaked goroutines:\n\n%s\n", len(leaked), strings.Join(leaked, "\n\n"))
			code = 1
		}
		for _, other := range others {
			if left := other(); len(left) > 0 {
				fmt.Fprintf(os.Stderr, "%d things left behind:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
				code = 1
			}
		}
	}
	os.Exit(code)
}

// leaks returns the stacks of all goroutines but the caller's and those of the
// testing machinery. It waits up to patience for them to end: nothing tells when a
// goroutine has, so it looks again and again.
func leaks(patience time.Duration) []string {
	end := time.Now().Add(patience)
	for {
		list := others()
		if len(list) == 0 || time.Now().After(end) {
			return list
		}
		<-time.After(5 * time.Millisecond)
	}
}

// others returns the stacks of the goroutines in question.
func others() []string {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	var list []string
	// The first stack is the caller's own.
	for _, stack := range strings.Split(string(buf), "\n\n")[1:] {
		if !ofTesting(stack) {
			list = append(list, strings.TrimSpace(stack))
		}
	}
	return list
}

// ofTesting reports whether a goroutine was started by the testing machinery (tests
// themselves are, too) or the signal handling that fuzzing uses.
func ofTesting(stack string) bool {
	for _, creator := range []string{"testing.", "internal/fuzz.", "os/signal."} {
		if strings.Contains(stack, "\ncreated by "+creator) {
			return true
		}
	}
	return strings.HasPrefix(stack, "goroutine 1 [")
}
