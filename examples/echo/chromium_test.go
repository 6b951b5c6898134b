package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/duplexws/duplex/conn"
)

// startChromium runs a headless Chromium with an empty profile of its own and
// connects to its DevTools. It ends with the test, which is skipped where there is
// no Chromium.
func startChromium(ctx context.Context, t *testing.T) *devtools {
	t.Helper()
	program := findChromium(t)
	home, err := os.MkdirTemp("", "duplex-echo-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(
		program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-default-apps", "--disable-extensions", "--disable-breakpad", "--disable-dev-shm-usage",
		"--no-default-browser-check", "--no-proxy-server", "--password-store=basic",
		"--remote-debugging-port=0", "--user-data-dir="+home, "about:blank",
	)
	cmd.Env = append(os.Environ(), "HOME="+home) // nothing of the person's own is read or written
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	// All processes of the browser have inherited stderr: it ends when the last of
	// them has.
	address, ended := make(chan string, 1), make(chan string)
	go func() {
		defer close(ended)
		ended <- readStderr(stderr, address)
	}()
	var d devtools
	t.Cleanup(func() {
		stopChromium(t, &d, cmd, ended)
		if err := os.RemoveAll(home); err != nil {
			t.Error(err)
		}
	})

	select {
	case url := <-address:
		if d.ws, err = conn.Dial(ctx, url, &conn.DialOptions{Options: conn.Options{ReadLimit: 16 << 20}}); err != nil {
			t.Fatalf("the browser's DevTools: %v", err)
		}
	case output := <-ended:
		t.Fatalf("%s ended before it could be used:\n%s", program, output)
	case <-ctx.Done():
		t.Fatalf("%s did not start: %v", program, context.Cause(ctx))
	}
	return &d
}

// findChromium returns the program named by the environment variable CHROME, or else
// one on PATH under a usual name.
func findChromium(t *testing.T) string {
	t.Helper()
	if name := os.Getenv("CHROME"); name != "" {
		program, err := exec.LookPath(name)
		if err != nil {
			t.Fatalf("CHROME=%s: %v", name, err)
		}
		return program
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	t.Skip("the page is not tested: no chromium, chromium-browser, google-chrome or chrome on PATH, and CHROME does not name one")
	return ""
}

// readStderr reads to the end, hands over the address of DevTools when it comes by,
// and returns everything else.
func readStderr(r io.Reader, address chan<- string) string {
	var rest strings.Builder
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "DevTools listening on "); ok {
			select {
			case address <- url:
			default:
			}
			continue
		}
		rest.WriteString(lines.Text() + "\n")
	}
	_, _ = io.Copy(io.Discard, r) // what follows a line too long to scan
	return rest.String()
}

// stopChromium asks the browser to end, kills it if it doesn't, and waits for it.
func stopChromium(t *testing.T, d *devtools, cmd *exec.Cmd, ended <-chan string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	asked := false
	if d.ws != nil {
		defer d.ws.CloseNow()
		_, err := d.send(ctx, "", "Browser.close", nil)
		asked = err == nil
	}
	if asked {
		select {
		case <-ended:
		case <-ctx.Done():
			t.Error("the browser did not end when asked to")
			asked = false
		}
	}
	if !asked {
		_ = cmd.Process.Kill() // it may have ended by itself
	}
	_ = cmd.Wait() // how it ended is of no interest
	<-ended
}
