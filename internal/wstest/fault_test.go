package wstest

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/pipe"
)

func TestFaultConnRead(t *testing.T) {
	a, b := pipe.New(0)
	defer b.Close()
	c := NewFaultConn(a, Faults{ReadMax: 2, FailRead: 3})
	defer c.Close()
	if _, err := b.Write([]byte("abcdef")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 2 {
		buf := make([]byte, 5)
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(buf[:n]))
	}
	if diff := cmp.Diff([]string{"ab", "cd"}, got); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	for range 2 {
		if n, err := c.Read(make([]byte, 5)); n != 0 || err != ErrFault {
			t.Errorf("Read = %d, %v; want 0, ErrFault", n, err)
		}
	}
	if reads, writes := c.Calls(); reads != 4 || writes != 0 {
		t.Errorf("%d reads, %d writes; want 4, 0", reads, writes)
	}
}

func TestFaultConnWrite(t *testing.T) {
	own := errors.New("a fault of the test")
	a, b := pipe.New(0)
	defer b.Close()
	c := NewFaultConn(a, Faults{FailWrite: 2, WritePart: 3, Err: own})
	type result struct {
		N   int
		Err error
	}
	var got []result
	for _, s := range []string{"one ", "two ", "three"} {
		n, err := c.Write([]byte(s))
		got = append(got, result{n, err})
	}
	want := []result{{4, nil}, {3, own}, {0, own}}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	sent, err := io.ReadAll(b)
	if string(sent) != "one two" || err != nil {
		t.Errorf("the peer read %q, %v", sent, err)
	}
	if got := c.Written(); string(got) != "one two" {
		t.Errorf("Written() = %q", got)
	}
	c.Close()
}

func TestFaultConnUnderlyingError(t *testing.T) {
	a, b := net.Pipe() // it has no CloseWrite
	defer b.Close()
	c := NewFaultConn(a, Faults{FailWrite: 1, WritePart: 1})
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Write([]byte("x")); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write = %d, %v; want 0, io.ErrClosedPipe", n, err)
	}
}
