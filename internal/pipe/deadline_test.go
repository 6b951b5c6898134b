package pipe_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/internal/pipe"
)

// TestDeadlinePasses has a read wait under a deadline that is set in several ways.
func TestDeadlinePasses(t *testing.T) {
	const never = time.Duration(-1)
	at := func(c net.Conn, d time.Duration) { _ = c.SetReadDeadline(time.Now().Add(d)) }
	tests := []struct {
		name   string
		before func(net.Conn)
		during func(net.Conn) // one second after the read began
		want   time.Duration  // when it ends, never if the peer must close
	}{
		{"set before", func(c net.Conn) { at(c, 5*time.Second) }, nil, 5 * time.Second},
		{"set twice before", func(c net.Conn) { at(c, time.Second); at(c, 5*time.Second) }, nil, 5 * time.Second},
		{"set while waiting", nil, func(c net.Conn) { at(c, 5*time.Second) }, 6 * time.Second},
		{"moved on", func(c net.Conn) { at(c, 2*time.Second) }, func(c net.Conn) { at(c, 5*time.Second) }, 6 * time.Second},
		{"brought forward", func(c net.Conn) { at(c, time.Hour) }, func(c net.Conn) { at(c, 0) }, time.Second},
		{"removed", func(c net.Conn) { at(c, 2*time.Second) }, func(c net.Conn) { _ = c.SetReadDeadline(time.Time{}) }, never},
		{"past, then removed", func(c net.Conn) { at(c, -time.Second); _ = c.SetDeadline(time.Time{}) }, nil, never},
		{"a write deadline does not count", func(c net.Conn) { _ = c.SetWriteDeadline(time.Now()) }, nil, never},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(0)
				defer a.Close()
				start := time.Now()
				if tt.before != nil {
					tt.before(a)
				}
				time.AfterFunc(time.Second, func() {
					if tt.during != nil {
						tt.during(a)
					}
				})
				time.AfterFunc(time.Minute, func() { b.Close() })
				_, err := a.Read(make([]byte, 1))
				took := time.Since(start)
				if tt.want == never {
					if err != io.EOF || took != time.Minute {
						t.Errorf("Read ended after %v with %v, want io.EOF after a minute", took, err)
					}
					return
				}
				var timeout net.Error
				if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Errorf("Read: %v, want a timeout", err)
				}
				if took != tt.want {
					t.Errorf("Read ended after %v, want %v", took, tt.want)
				}
			})
		})
	}
}

// TestDeadlineLosesNothing reads on after timeouts that cut a write in two.
func TestDeadlineLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(4)
		defer b.Close()
		_ = a.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := a.Write([]byte("0123456789"))
		if n != 4 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Write = %d, %v; want 4 and a timeout", n, err)
		}
		if n, err := a.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Write after the deadline = %d, %v; want 0 and a timeout", n, err)
		}
		_ = b.SetReadDeadline(time.Now())
		if n, err := b.Read(make([]byte, 8)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Read after the deadline = %d, %v; want 0 and a timeout", n, err)
		}
		_ = a.SetDeadline(time.Time{})
		_ = b.SetDeadline(time.Time{})
		go func() {
			_, _ = a.Write([]byte("456789"))
			a.Close()
		}()
		wantRest(t, b, "0123456789")
	})
}

func TestDeadlineDoesNotAllocate(t *testing.T) {
	a, b := pipe.New(0)
	defer a.Close()
	defer b.Close()
	_ = a.SetReadDeadline(time.Now().Add(time.Hour))
	got := testing.AllocsPerRun(100, func() {
		_ = a.SetReadDeadline(time.Now().Add(time.Hour))
		_ = a.SetReadDeadline(time.Time{})
	})
	if got != 0 {
		t.Errorf("%v allocations to move a deadline, want 0", got)
	}
}
