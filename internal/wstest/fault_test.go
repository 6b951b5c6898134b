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
	if diff := cmp.Diff([]int{4, 4, 5}, c.Sizes()); diff != "" {
		t.Errorf("Sizes() (-want +got):\n%s", diff)
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

// A stream may arrive in two segments, and a Read may give its last bytes together with
// the error.
func TestFaultConnSegments(t *testing.T) {
	a, b := pipe.New(0)
	defer b.Close()
	c := NewFaultConn(a, Faults{ReadSplit: 2, FailRead: 3, ReadPart: 1})
	defer c.Close()
	if _, err := b.Write([]byte("abcdef")); err != nil {
		t.Fatal(err)
	}
	var got []call
	for _, size := range []int{5, 3, 5, 5} {
		buf := make([]byte, size)
		n, err := c.Read(buf)
		got = append(got, call{Did: string(buf[:n]), Err: err})
	}
	if got := c.Got(); string(got) != "abcdef" {
		t.Errorf("Got() = %q", got)
	}
	want := []call{{Did: "ab"}, {Did: "cde"}, {Did: "f", Err: ErrFault}, {Err: ErrFault}}
	if diff := cmp.Diff(want, got, sameError); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

// A Write may be short and not say why.
func TestFaultConnShort(t *testing.T) {
	a, b := pipe.New(0)
	defer b.Close()
	c := NewFaultConn(a, Faults{FailWrite: 1, WritePart: 2, Short: true})
	defer c.Close()
	var got []call
	for range 2 {
		n, err := c.Write([]byte("abc"))
		got = append(got, call{Did: string(c.Written()[:n]), Err: err})
	}
	if diff := cmp.Diff([]call{{Did: "ab"}, {Err: ErrFault}}, got, sameError); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}
