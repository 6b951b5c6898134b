package wstest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/pipe"
)

// call is what a Read or Write has returned, and when.
type call struct {
	Did   string
	Err   error
	After time.Duration
}

var sameError = cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) || errors.Is(b, a) })

// reads calls Read, and writes calls Write, with the given time for it; 0: any.
func reads(c net.Conn, limit time.Duration) call {
	start := time.Now()
	if limit > 0 {
		_ = c.SetReadDeadline(start.Add(limit))
	}
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	return call{string(buf[:n]), err, time.Since(start)}
}

func writes(c net.Conn, limit time.Duration, s string) call {
	start := time.Now()
	if limit > 0 {
		_ = c.SetWriteDeadline(start.Add(limit))
	}
	n, err := c.Write([]byte(s))
	return call{fmt.Sprint(n), err, time.Since(start)}
}

// tied returns the ends of a wire that holds size bytes each way.
func tied(size int, fa, fb Faults) (a, b *FaultConn) {
	x, y := pipe.New(size)
	a, b = NewFaultConn(x, fa), NewFaultConn(y, fb)
	Tie(a, b)
	return a, b
}

// The wire is cut inside the second write.
func TestCutAtAnOffset(t *testing.T) {
	own := errors.New("a fault of the test")
	const second = time.Second
	late := os.ErrDeadlineExceeded
	type outcome struct{ Write, Again, Read, More, Back, There call }
	arrived := call{"abcde", nil, 0}
	for _, tc := range []struct {
		name   string
		faults Faults
		want   outcome
	}{
		{"reset", Faults{Cut: Reset}, outcome{
			call{"2", own, 0}, call{"0", own, 0}, arrived, call{"", ErrFault, 0}, call{"0", ErrFault, 0}, call{"", own, 0},
		}},
		{"end", Faults{Cut: End}, outcome{
			call{"2", own, 0}, call{"0", own, 0}, arrived, call{"", io.EOF, 0}, call{"0", ErrFault, 0}, call{"", io.EOF, 0},
		}},
		{"end, one way", Faults{Cut: End, OneWay: true}, outcome{
			call{"2", own, 0}, call{"0", own, 0}, arrived, call{"", io.EOF, 0}, call{"4", nil, 0}, call{"back", nil, 0},
		}},
		{"vanish", Faults{Cut: Vanish}, outcome{
			call{"3", nil, 0}, call{"3", nil, 0}, arrived, call{"", late, second}, call{"4", nil, 0}, call{"", late, second},
		}},
		{"vanish, one way", Faults{Cut: Vanish, OneWay: true}, outcome{
			call{"3", nil, 0}, call{"3", nil, 0}, arrived, call{"", late, second}, call{"4", nil, 0}, call{"back", nil, 0},
		}},
		{"block", Faults{Cut: Block}, outcome{
			call{"2", late, second}, call{"0", late, second}, arrived, call{"", late, second}, call{"0", late, second}, call{"", late, second},
		}},
		{"block, one way", Faults{Cut: Block, OneWay: true}, outcome{
			call{"2", late, second}, call{"0", late, second}, arrived, call{"", late, second}, call{"4", nil, 0}, call{"back", nil, 0},
		}},
		{"after a whole write", Faults{Cut: Reset, CutAt: 6}, outcome{
			call{"3", nil, 0}, call{"0", own, 0}, call{"abcdef", nil, 0}, call{"", ErrFault, 0}, call{"0", ErrFault, 0}, call{"", own, 0},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := tc.faults
				f.Err, f.CutAt = own, max(f.CutAt, 5)
				a, b := tied(0, f, Faults{})
				defer a.Close()
				defer b.Close()
				if got := writes(a, 0, "abc"); got.Err != nil {
					t.Fatal(got.Err)
				}
				got := outcome{
					writes(a, second, "def"), writes(a, second, "ghi"), reads(b, second), reads(b, second),
					writes(b, second, "back"), reads(a, second),
				}
				if diff := cmp.Diff(tc.want, got, sameError); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if got, want := string(a.Written()), "abcdefghi"[:f.CutAt]; got != want {
					t.Errorf("Written() = %q, want %q", got, want)
				}
			})
		})
	}
}

// A cut with nothing written comes with the first write.
func TestCutAtTheBeginning(t *testing.T) {
	a, b := tied(0, Faults{Cut: Reset}, Faults{})
	defer a.Close()
	defer b.Close()
	if got := writes(a, 0, "abc"); got.Did != "0" || got.Err != ErrFault {
		t.Errorf("Write: %+v", got)
	}
	if got := reads(b, 0); got.Did != "" || got.Err != ErrFault {
		t.Errorf("Read: %+v", got)
	}
}

// A cut reaches calls that are under way; those that it leaves waiting are ended by
// deadlines that are moved meanwhile, and by Close.
func TestCutUnderWay(t *testing.T) {
	type outcome struct{ Read, Write call }
	const hour = time.Hour
	for _, tc := range []struct {
		name string
		how  Cut
		end  func(a, b *FaultConn)
		want outcome
	}{
		{"reset", Reset, nil, outcome{call{"", ErrFault, 0}, call{"2", ErrFault, 0}}},
		{"end", End, nil, outcome{call{"", io.EOF, 0}, call{"2", ErrFault, 0}}},
		{"vanish", Vanish, func(_, b *FaultConn) { b.Close() }, outcome{call{"", net.ErrClosed, hour}, call{"3", nil, 0}}},
		{"block, closed", Block, func(a, b *FaultConn) { a.Close(); b.Close() }, outcome{call{"", net.ErrClosed, hour}, call{"2", net.ErrClosed, hour}}},
		{"block, deadlines", Block, func(a, b *FaultConn) { a.SetDeadline(time.Unix(1, 0)); b.SetReadDeadline(time.Now().Add(hour)) }, outcome{call{"", os.ErrDeadlineExceeded, 2 * hour}, call{"2", os.ErrDeadlineExceeded, hour}}},
		{"block, the peer closes", Block, func(a, b *FaultConn) { b.CloseWrite(); a.CloseWrite(); b.Close(); <-time.After(hour); a.Close() }, outcome{call{"", net.ErrClosed, hour}, call{"2", net.ErrClosed, 2 * hour}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := tied(2, Faults{}, Faults{})
				defer a.Close()
				defer b.Close()
				var got outcome
				written, read := make(chan call, 1), make(chan call, 1)
				go func() { written <- writes(a, 0, "abc") }()
				synctest.Wait()
				a.CutWrite(tc.how)
				a.CutWrite(Reset) // it is cut already
				if first := reads(b, 0); first.Did != "ab" || first.Err != nil {
					t.Fatalf("Read: %+v", first)
				}
				go func() { read <- reads(b, 0) }()
				synctest.Wait()
				if tc.end != nil {
					<-time.After(hour)
					tc.end(a, b)
				}
				got.Read, got.Write = <-read, <-written
				if diff := cmp.Diff(tc.want, got, sameError); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Delays take their time, but no longer than a deadline or Close allow.
func TestDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := tied(0, Faults{WriteDelay: time.Second}, Faults{ReadDelay: time.Minute})
		defer a.Close()
		got := []call{writes(a, 0, "abc"), reads(b, 0), reads(b, time.Second)}
		_ = b.SetReadDeadline(time.Time{})
		go func() {
			<-time.After(time.Second)
			_ = b.SetReadDeadline(time.Now().Add(time.Hour))
			<-time.After(time.Second)
			b.Close()
		}()
		got = append(got, reads(b, 0))
		want := []call{
			{"3", nil, time.Second},
			{"abc", nil, time.Minute},
			{"", os.ErrDeadlineExceeded, time.Second},
			{"", net.ErrClosed, 2 * time.Second},
		}
		if diff := cmp.Diff(want, got, sameError); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
