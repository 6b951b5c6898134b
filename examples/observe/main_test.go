package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"expvar"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/wstest"
)

func TestMain(m *testing.M) { wstest.Main(m) }

var greeting = regexp.MustCompile(`^listening on ws://\S+/\ncounters at (http://\S+/debug/vars)\n$`)

// published are the counters at /debug/vars, where a name can be given only once.
var published = sync.OnceValue(func() *expvar.Map { return expvar.NewMap("websocket") })

// TestDemo runs the program with the clients that it brings, and compares the counters.
func TestDemo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, out := io.Pipe()
	stderr, log := io.Pipe()
	m := newMetrics()
	m.vars().Do(func(v expvar.KeyValue) { published().Set(v.Key, v.Value) })
	exit := make(chan int, 1)
	go func() {
		exit <- run(ctx, []string{"-addr", "127.0.0.1:0", "-vars", "127.0.0.1:0", "-demo", "-json"}, m, out, log)
		log.Close()
	}()
	lines := bufio.NewReader(stdout)
	first, _ := lines.ReadString('\n')
	second, _ := lines.ReadString('\n')
	match := greeting.FindStringSubmatch(first + second)
	if match == nil {
		t.Fatalf("output: got %q, want it to match %s", first+second, greeting)
	}

	logged := bufio.NewScanner(stderr)
	levels := map[string]int{}
	for levels["INFO opened"] < 6 || levels["INFO closed"] < 5 {
		if !logged.Scan() {
			t.Fatalf("the log has ended after %v", levels)
		}
		countLine(t, levels, logged.Bytes())
	}
	rest := make(chan bool)
	go func() {
		for logged.Scan() {
			countLine(t, levels, logged.Bytes())
		}
		close(rest)
	}()

	want := map[string]any{
		"open": 1.0, "opened": 6.0,
		"closed": map[string]any{
			"peer: closed with 1000": 1.0, "we: closed": 1.0, "peer: closed with 4xxx": 1.0,
			"nobody: lost": 1.0, "we: failed with 1002": 1.0,
		},
		"failed":   map[string]any{"a frame from the client is not masked (RFC 6455, section 5.1; close code 1002)": 1.0},
		"received": map[string]any{"messages": 3.0, "bytes": 26008.0, "wire_bytes": "less"},
		"sent":     map[string]any{"messages": 2.0, "bytes": 26005.0, "wire_bytes": "less"},
	}
	if diff := cmp.Diff(want, counters(t, match[1])); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	cancel()
	if code := <-exit; code != 0 {
		t.Errorf("exit status %d", code)
	}
	<-rest
	wantLevels := map[string]int{"INFO opened": 6, "INFO closed": 6, "WARN failed": 1, "INFO stopped": 1}
	if diff := cmp.Diff(wantLevels, levels); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// countLine counts a line of the log by its level and message.
func countLine(t *testing.T, levels map[string]int, line []byte) {
	var entry struct{ Level, Msg string }
	if err := json.Unmarshal(line, &entry); err != nil {
		t.Errorf("log: %q: %v", line, err)
	}
	levels[entry.Level+" "+entry.Msg]++
}

// counters reads the counters. Bytes on the wire that are fewer than the messages have are
// "less", and round trips are left out.
func counters(t *testing.T, url string) map[string]any {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(strings.TrimSuffix(url, "debug/vars")) // which leads there
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var vars struct{ Websocket map[string]any }
	if err := json.NewDecoder(res.Body).Decode(&vars); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"received", "sent"} {
		if m := vars.Websocket[name].(map[string]any); m["wire_bytes"].(float64) < m["bytes"].(float64) {
			m["wire_bytes"] = "less"
		}
	}
	delete(vars.Websocket, "rtt")
	return vars.Websocket
}

func TestRunRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := []string{"-addr", "127.0.0.1:0", "-vars", "127.0.0.1:0"}
	for _, test := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"unknown flag", []string{"-nonsense"}, 2, "-nonsense"},
		{"argument", []string{"9002"}, 2, `unexpected argument "9002"`},
		{"help", []string{"-help"}, 0, "-demo"},
		{"counters for everybody", []string{"-vars", ":9003"}, 2, "must be a loopback address"},
		{"counters for others", []string{"-vars", "192.0.2.1:9003"}, 2, "must be a loopback address"},
		{"counters nowhere", []string{"-vars", "9003"}, 2, "9003"},
		{"address is taken", append(free, "-addr", taken.Addr().String()), 1, taken.Addr().String()},
		{"address of the counters is taken", append(free, "-vars", taken.Addr().String()), 1, taken.Addr().String()},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), test.args, newMetrics(), &stdout, &stderr); code != test.code {
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
