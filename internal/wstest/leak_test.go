package wstest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestLeaks starts goroutines, many enough for a long list of stacks, and looks for
// them before and after they end.
func TestLeaks(t *testing.T) {
	const n = 500
	if list := leaks(time.Second); len(list) != 0 {
		t.Fatalf("goroutines before the test: %s", list[0])
	}
	stop := make(chan struct{})
	for range n {
		go func() { <-stop }()
	}
	list := leaks(0)
	if len(list) != n {
		t.Errorf("%d goroutines found, want %d", len(list), n)
	}
	for _, stack := range list {
		if !strings.Contains(stack, "TestLeaks") {
			t.Errorf("another's goroutine: %s", stack)
		}
	}
	close(stop)
	if list := leaks(10 * time.Second); len(list) != 0 {
		t.Errorf("%d goroutines after their end: %s", len(list), list[0])
	}
}

// TestMainFailsOnALeak runs this test binary again, with a test that leaks.
func TestMainFailsOnALeak(t *testing.T) {
	const key = "WSTEST_LEAK"
	if os.Getenv(key) != "" {
		go func() { select {} }()
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestMainFailsOnALeak$")
	cmd.Env = append(os.Environ(), key+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "1 leaked goroutines") {
		t.Errorf("error %v, output:\n%s", err, out)
	}
}
