package pipe_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/pipe"
)

func closeWrite(t *testing.T, c net.Conn) error {
	t.Helper()
	return c.(interface{ CloseWrite() error }).CloseWrite()
}

func mustWrite(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("Write(%q) = %d, %v", s, n, err)
	}
}

func wantRest(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got, err := io.ReadAll(c)
	if string(got) != want || err != nil {
		t.Fatalf("read to the end = %q, %v; want %q, nil", got, err, want)
	}
}

func TestCloseDrains(t *testing.T) {
	a, b := pipe.New(0)
	mustWrite(t, a, "written before ")
	mustWrite(t, a, "the end")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	wantRest(t, b, "written before the end")
	wantRest(t, b, "")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseWriteLeavesTheOtherDirectionOpen(t *testing.T) {
	a, b := pipe.New(0)
	defer a.Close()
	defer b.Close()
	mustWrite(t, a, "question")
	if err := closeWrite(t, a); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write after CloseWrite: %v, want io.ErrClosedPipe", err)
	}
	if err := closeWrite(t, a); err != nil {
		t.Errorf("second CloseWrite: %v", err)
	}
	wantRest(t, b, "question")
	mustWrite(t, b, "answer")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wantRest(t, a, "answer")
}

func TestMethodsAfterClose(t *testing.T) {
	calls := map[string]func(net.Conn) error{
		"read":             func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err },
		"read nothing":     func(c net.Conn) error { _, err := c.Read(nil); return err },
		"write":            func(c net.Conn) error { _, err := c.Write([]byte("x")); return err },
		"write nothing":    func(c net.Conn) error { _, err := c.Write(nil); return err },
		"close":            func(c net.Conn) error { return c.Close() },
		"close write":      func(c net.Conn) error { return closeWrite(t, c) },
		"deadline":         func(c net.Conn) error { return c.SetDeadline(time.Now()) },
		"read deadline":    func(c net.Conn) error { return c.SetReadDeadline(time.Now()) },
		"write deadline":   func(c net.Conn) error { return c.SetWriteDeadline(time.Now()) },
		"deadline removed": func(c net.Conn) error { return c.SetDeadline(time.Time{}) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			a, b := pipe.New(0)
			defer b.Close()
			mustWrite(t, b, "never read")
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				err := call(a)
				var op *net.OpError
				if !errors.Is(err, net.ErrClosed) || !errors.As(err, &op) {
					t.Errorf("%v (%T), want a *net.OpError that wraps net.ErrClosed", err, err)
				}
			}
		})
	}
}

func TestWriteAfterThePeerClosed(t *testing.T) {
	a, b := pipe.New(0)
	defer a.Close()
	mustWrite(t, a, "never read")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Write([]byte("x")); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write = %d, %v; want 0, io.ErrClosedPipe", n, err)
	}
	wantRest(t, a, "")
}

// TestWaitingCallsEnd starts calls that must wait, lets something happen, and looks
// at how they ended.
func TestWaitingCallsEnd(t *testing.T) {
	type result struct {
		N   int
		Err error
	}
	read := func(c net.Conn) result { n, err := c.Read(make([]byte, 4)); return result{n, err} }
	write := func(c net.Conn) result { n, err := c.Write([]byte("123456")); return result{n, err} }
	past := func(c net.Conn) { _ = c.SetDeadline(time.Unix(1, 0)) }
	tests := []struct {
		name string
		call func(net.Conn) result
		then func(t *testing.T, self, peer net.Conn)
		want result
	}{
		{"read, own close", read, func(_ *testing.T, self, _ net.Conn) { self.Close() }, result{0, net.ErrClosed}},
		{"read, peer close", read, func(_ *testing.T, _, peer net.Conn) { peer.Close() }, result{0, io.EOF}},
		{"read, peer half close", read, func(t *testing.T, _, peer net.Conn) { closeWrite(t, peer) }, result{0, io.EOF}},
		{"read, past deadline", read, func(_ *testing.T, self, _ net.Conn) { past(self) }, result{0, os.ErrDeadlineExceeded}},
		{"read, bytes", read, func(t *testing.T, _, peer net.Conn) { mustWrite(t, peer, "ab") }, result{2, nil}},
		{"write, own close", write, func(_ *testing.T, self, _ net.Conn) { self.Close() }, result{4, net.ErrClosed}},
		{"write, own half close", write, func(t *testing.T, self, _ net.Conn) { closeWrite(t, self) }, result{4, io.ErrClosedPipe}},
		{"write, peer close", write, func(_ *testing.T, _, peer net.Conn) { peer.Close() }, result{4, io.ErrClosedPipe}},
		{"write, past deadline", write, func(_ *testing.T, self, _ net.Conn) { past(self) }, result{4, os.ErrDeadlineExceeded}},
		{"write, room", write, func(_ *testing.T, _, peer net.Conn) { read(peer) }, result{6, nil}},
		{"write behind another, own close", write, func(_ *testing.T, self, _ net.Conn) { self.Close() }, result{0, net.ErrClosed}},
		{"write behind another, past deadline", write, func(_ *testing.T, self, _ net.Conn) { past(self) }, result{0, os.ErrDeadlineExceeded}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(4)
				defer a.Close()
				defer b.Close()
				if strings.Contains(tt.name, "behind another") {
					go write(a)
					synctest.Wait()
				}
				done := make(chan result, 1)
				go func() { done <- tt.call(a) }()
				synctest.Wait()
				if len(done) != 0 {
					t.Fatalf("the call did not wait: %+v", <-done)
				}
				tt.then(t, a, b)
				synctest.Wait()
				if len(done) == 0 {
					t.Fatal("the call still waits")
				}
				got := <-done
				if diff := cmp.Diff(tt.want.N, got.N); diff != "" || !errors.Is(got.Err, tt.want.Err) {
					t.Errorf("got %d, %v; want %d, %v", got.N, got.Err, tt.want.N, tt.want.Err)
				}
			})
		})
	}
}
