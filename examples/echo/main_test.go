package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/internal/wstest"
)

// asMain, in the environment, makes the test binary the program itself.
const asMain = "DUPLEX_ECHO_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	wstest.Main(m)
}

// server is the program, running in a goroutine or a process of its own.
type server struct {
	http, ws string     // what it has printed
	stop     func() int // stops it, waits for its end and returns the exit status
}

// startServer runs the program until the test ends, at a port that is free.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	exit := make(chan int, 1)
	stdout, w := io.Pipe()
	var stderr bytes.Buffer
	go func() {
		exit <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), w, &stderr)
		w.Close()
	}()
	s := &server{stop: sync.OnceValue(func() int {
		cancel()
		return <-exit
	})}
	t.Cleanup(func() {
		if code := s.stop(); code != 0 {
			t.Errorf("exit status: got %d, want 0; stderr: %s", code, &stderr)
		}
	})
	s.readAddresses(t, stdout)
	return s
}

var greeting = regexp.MustCompile(`^listening on (https?://\S+/)\nopen this address in a browser, ` +
	`or connect a WebSocket client to (wss?://\S+/)\n$`)

// readAddresses reads the two lines that the program prints when it listens.
func (s *server) readAddresses(t *testing.T, stdout io.Reader) {
	t.Helper()
	lines := bufio.NewReader(stdout)
	first, _ := lines.ReadString('\n')
	second, _ := lines.ReadString('\n') // at the end of stdout, too short to match
	m := greeting.FindStringSubmatch(first + second)
	if m == nil {
		t.Fatalf("output: got %q, want it to match %s", first+second, greeting)
	}
	s.http, s.ws = m[1], m[2]
}

func TestRunRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	missing := filepath.Join(t.TempDir(), "missing", "file.pem")
	for _, test := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"unknown flag", []string{"-nonsense"}, 2, "-nonsense"},
		{"argument", []string{"9001"}, 2, `unexpected argument "9001"`},
		{"limit is no number", []string{"-limit", "many"}, 2, "-limit"},
		{"compress is neither on nor off", []string{"-compress=3"}, 2, "-compress"},
		{"cert without key", []string{"-cert", "c.pem"}, 2, "-cert and -key need each other"},
		{"key without cert", []string{"-key", "k.pem"}, 2, "-cert and -key need each other"},
		{"two certificates", []string{"-tls", "-cert", "c.pem", "-key", "k.pem"}, 2, "use one of the two"},
		{"certout without tls", []string{"-certout", "c.pem"}, 2, "use it with -tls"},
		{"empty origin", []string{"-origin", "https://a.example,,"}, 2, "empty pattern"},
		{"help", []string{"-help"}, 0, "-certout file"},
		{"no such certificate", []string{"-cert", missing, "-key", missing}, 1, missing},
		{"certout cannot be written", []string{"-tls", "-certout", missing}, 1, missing},
		{"address is taken", []string{"-addr", taken.Addr().String()}, 1, taken.Addr().String()},
		{"address is nonsense", []string{"-addr", "nonsense"}, 1, "nonsense"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), test.args, &stdout, &stderr); code != test.code {
				t.Errorf("exit status: got %d, want %d", code, test.code)
			}
			if !strings.Contains(stderr.String(), test.says) {
				t.Errorf("stderr: got %q, want it to say %q", &stderr, test.says)
			}
			if diff := cmp.Diff("", stdout.String()); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	given := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234}
	for asked, want := range map[string]string{
		"127.0.0.1:0":   "127.0.0.1:1234",
		"[::1]:1234":    "[::1]:1234",
		"a.example:0":   "a.example:1234",
		":1234":         "localhost:1234",
		"0.0.0.0:1234":  "localhost:1234",
		"[::]:websocks": "localhost:1234",
	} {
		if got := address(asked, given); got != want {
			t.Errorf("address(%q): got %s, want %s", asked, got, want)
		}
	}
}

// TestStop ends the server while clients are connected.
func TestStop(t *testing.T) {
	s := startServer(t)
	var all []*conn.Conn
	for range 20 {
		all = append(all, dial(t, s.ws, nil))
	}
	seen := make(chan error, len(all))
	for _, c := range all {
		go func() { seen <- readClose(t.Context(), c) }()
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit status: got %d, want 0", code)
	}
	for range all {
		wantClose(t, <-seen, conn.StatusGoingAway, stopReason)
	}
	if c, err := conn.Dial(t.Context(), s.ws, nil); err == nil {
		c.CloseNow()
		t.Error("Dial after the server stopped: got a connection, want an error")
	}
}

// TestInterrupt sends a signal to a process.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot send an interrupt to one process")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), asMain+"=1")
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var s server
	s.readAddresses(t, stdout)
	c := dial(t, s.ws, nil)
	// An echo shows that the server knows of the connection by now.
	wantEcho(t, c, conn.Message{Type: conn.Text, Data: []byte("here")})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	wantClose(t, readClose(ctx, c), conn.StatusGoingAway, stopReason)
	if err := cmd.Wait(); err != nil {
		t.Errorf("end of the process: %v, want exit status 0", err)
	}
}

// dial connects until the test ends.
func dial(t *testing.T, url string, o *conn.DialOptions) *conn.Conn {
	t.Helper()
	c, err := conn.Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// readClose reads a connection on which no message is to come.
func readClose(ctx context.Context, c *conn.Conn) error {
	_, msg, err := c.Read(ctx)
	if err == nil {
		return errors.New("a message: " + string(msg))
	}
	return err
}

// wantClose checks that err is a Close that the server sent, with this code and a
// reason that starts like this.
func wantClose(t *testing.T, err error, code conn.StatusCode, reason string) {
	t.Helper()
	got, ok := errors.AsType[*conn.CloseError](err)
	if !ok || got.Code != code || !strings.HasPrefix(got.Reason, reason) {
		t.Errorf("Read: got error %v, want a Close of the server: %v %q", err, code, reason)
	}
}
