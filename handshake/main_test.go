package handshake

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain fails if a test leaves a goroutine behind. While fuzzing, the testing
// package keeps some of its own.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if f := flag.Lookup("test.fuzz"); f != nil && f.Value.String() != "" {
		os.Exit(code)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			fmt.Printf("goroutines were left behind:\n%s\n", buf[:runtime.Stack(buf, true)])
			os.Exit(1)
		}
	}
	os.Exit(code)
}

// A scriptConn reads what a script says and records what is written.
type scriptConn struct {
	net.Conn
	r      io.Reader
	w      bytes.Buffer
	werr   error // of every write
	closed bool
	remote net.Addr
}

func (c *scriptConn) Read(b []byte) (int, error) { return c.r.Read(b) }

func (c *scriptConn) Write(b []byte) (int, error) {
	if c.werr != nil {
		return 0, c.werr
	}
	return c.w.Write(b)
}
func (c *scriptConn) Close() error                     { c.closed = true; return nil }
func (c *scriptConn) RemoteAddr() net.Addr             { return c.remote }
func (c *scriptConn) SetDeadline(time.Time) error      { return nil }
func (c *scriptConn) SetReadDeadline(time.Time) error  { return nil }
func (c *scriptConn) SetWriteDeadline(time.Time) error { return nil }

// A vector is an entry of a file in testdata: keys with their values.
type vector map[string][]string

func (v vector) one(key string) string {
	if len(v[key]) == 0 {
		return ""
	}
	return v[key][0]
}

// text joins the Go strings of a key.
func (v vector) text(t testing.TB, key string) string {
	t.Helper()
	var s strings.Builder
	for _, quoted := range v[key] {
		piece, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%s: %s: %v", v.one("name"), quoted, err)
		}
		s.WriteString(piece)
	}
	return s.String()
}

// names returns the list that a key of the form a=x,y has for a.
func (v vector) names(key, a string) []string {
	if list, found := strings.CutPrefix(v.one(key), a+"="); found {
		return strings.Split(list, ",")
	}
	return nil
}

// vectors loads a file; one without entries is an error.
func vectors(t testing.TB, file string) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for block := range strings.SplitSeq(string(data), "\n\n") {
		v := vector{}
		for line := range strings.SplitSeq(block, "\n") {
			if key, value, found := strings.Cut(line, ":"); found && line[0] != '#' {
				v[key] = append(v[key], strings.TrimSpace(value))
			}
		}
		if v.one("name") != "" {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no vectors", file)
	}
	return all
}

// listen opens a loopback listener that ends with the test.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
