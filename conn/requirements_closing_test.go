package conn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// closeError returns how the peer has ended the connection.
func closeError(t *testing.T, err error) CloseError {
	t.Helper()
	ce, ok := errors.AsType[*CloseError](err)
	if !ok {
		t.Fatalf("error %v, want a CloseError", err)
	}
	return CloseError{Code: ce.Code, Reason: ce.Reason}
}

// Close sends a Close frame first, with the code and the reason that it was given; the
// codes that may not travel are sent as 1011 and reported (5.5.1-01, 7.1.2-01, 7.3-03,
// 7.4.1-01, 7.4.1-07, 7.4.1-08, 7.4.1-15).
func TestRequirementCloseFrame(t *testing.T) {
	type closing struct {
		code   StatusCode
		reason string
		want   wireFrame
		misuse bool
	}
	tests := []closing{
		{StatusNoStatusReceived, "", wireFrame{Op: frame.Close, Fin: true}, false},
		{1000, "good bye, \u20ac", closeFrame(1000, "good bye, \u20ac"), false},
		{1000, strings.Repeat("x", 123), closeFrame(1000, strings.Repeat("x", 123)), false},
		{1000, strings.Repeat("x", 124), closeFrame(1000, strings.Repeat("x", 123)), false},
		{1000, strings.Repeat("x", 122) + "\u20ac", closeFrame(1000, strings.Repeat("x", 122)), false},
		{1000, "\xff", closeFrame(1000, "\uFFFD"), false},
		{StatusNoStatusReceived, "why", closeFrame(1011, "why"), true},
	}
	for _, code := range []StatusCode{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		tests = append(tests, closing{code, "", closeFrame(code, ""), false})
	}
	for _, code := range []StatusCode{0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65535} {
		tests = append(tests, closing{code, "why", closeFrame(1011, "why"), true})
	}
	for _, tc := range tests {
		t.Run(fmt.Sprintf("%d %q", tc.code, tc.reason), func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				closed := async(func() error { return c.Close(background, tc.code, tc.reason) })
				p.expect(tc.want)
				mustWait(t, closed)
				p.send(closeFrame(1000, ""))
				p.closeWrite()
				p.expectEnd()
				if err := <-closed; tc.misuse != errors.Is(err, frame.CloseCodeInvalid) || !tc.misuse && err != nil {
					t.Errorf("Close returned %v", err)
				}
			})
		})
	}
}

// Between our Close and the peer's we send no data, deliver what the peer still sends,
// and answer its Pings (5.1-07, 5.5.1-05, 5.5.1-09, 5.5.1-10, 5.5.2-04, 6.1-01, 7.1.3-01).
func TestRequirementAfterOurClose(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(part(frame.Text, false, "half "))
		closed := async(func() error { return c.Close(background, StatusGoingAway, "") })
		p.expect(closeFrame(StatusGoingAway, ""))

		read := async(func() string { _, b, err := c.Read(background); return fmt.Sprint(string(b), err) })
		p.send(pingFrame("still there?"), part(frame.Continuation, true, "and whole"))
		p.expect(pongFrame("still there?"))
		if got := <-read; got != "half and whole<nil>" {
			t.Errorf("Read returned %s", got)
		}
		mustBe(t, c.Write(background, Text, []byte("x")), net.ErrClosed)
		_, err := c.Writer(background, Text)
		mustBe(t, err, net.ErrClosed)
		_, err = c.Ping(background)
		mustBe(t, err, net.ErrClosed)
		mustWait(t, closed)

		end := async(readError(c, background))
		p.send(closeFrame(4000, "bye"))
		p.closeWrite()
		p.expectEnd() // nothing was sent in between
		must(t, <-closed)
		if diff := cmp.Diff(CloseError{Code: 4000, Reason: "bye"}, closeError(t, <-end)); diff != "" {
			t.Errorf("Read (-want +got):\n%s", diff)
		}
	})
}

// After the peer's Close nothing is sent but the answer (6.1-02, 5.5.1-06): a Writer
// that has begun a message fails.
func TestRequirementAfterThePeersClose(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		w := mustWriter(t, c, background, Text)
		mustWriteString(t, w, large)
		p.send(closeFrame(1000, ""), textFrame("too late"), pingFrame("too late"))
		p.closeWrite()
		if diff := cmp.Diff(CloseError{Code: 1000}, closeError(t, c.Discard(background))); diff != "" {
			t.Errorf("Discard (-want +got):\n%s", diff)
		}
		_, err := io.WriteString(w, large)
		mustBe(t, err, net.ErrClosed)
		mustBe(t, w.Close(), net.ErrClosed)
		mustBe(t, c.Write(background, Text, nil), net.ErrClosed)
		if diff := cmp.Diff([]wireFrame{part(frame.Text, false, large), closeFrame(1000, "")}, p.rest()); diff != "" {
			t.Errorf("frames (-want +got):\n%s", diff)
		}
	})
}

// When both Close frames have passed, the server ends TCP at once, the client waits
// for it, but not for ever (5.5.1-11 to 5.5.1-14, 7.1.1-03 to 7.1.1-06, 7.1.2-02).
func TestRequirementWhoClosesFirst(t *testing.T) {
	for _, begin := range []string{"we begin", "the peer begins"} {
		t.Run(begin, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				start := time.Now()
				var over <-chan error
				if begin == "we begin" {
					over = async(func() error { return c.Close(background, StatusNormalClosure, "") })
					p.expect(closeFrame(StatusNormalClosure, ""))
					p.send(closeFrame(StatusNormalClosure, ""))
				} else {
					over = async(func() error { return c.Discard(background) })
					p.send(closeFrame(StatusNormalClosure, ""))
					p.expect(closeFrame(StatusNormalClosure, ""))
				}
				p.expectEnd() // this side of the stream stays open
				want := time.Duration(0)
				if c.role == Client {
					want = closeTime
				}
				if took := time.Since(start); took != want {
					t.Errorf("the %v has ended TCP after %v, want %v", c.role, took, want)
				}
				if err := <-over; begin == "we begin" {
					must(t, err)
				} else if code := closeError(t, err).Code; code != StatusNormalClosure {
					t.Errorf("code %v", code)
				}
				must(t, c.Close(background, StatusGoingAway, "")) // the end was clean
			})
		})
	}
}

// Close frames that cross: one each way, a clean end on both sides, and each side
// reports the other's code (5.5.1-15, 7.1.5-01, 7.3-01).
func TestRequirementCrossedClose(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(closeFrame(4001, "peer"), closeFrame(4002, "second"))
		p.closeWrite()
		must(t, c.Close(background, 4000, "own"))
		if diff := cmp.Diff(CloseError{Code: 4001, Reason: "peer"}, closeError(t, readError(c, background)())); diff != "" {
			t.Errorf("Read (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]wireFrame{closeFrame(4000, "own")}, p.rest()); diff != "" {
			t.Errorf("frames (-want +got):\n%s", diff)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe(nil, nil)
		first := async(func() error { return a.Close(background, 4001, "") })
		second := async(func() error { return b.Close(background, 4002, "") })
		must(t, <-first)
		must(t, <-second)
		got := []StatusCode{closeError(t, readError(a, background)()).Code, closeError(t, readError(b, background)()).Code}
		if diff := cmp.Diff([]StatusCode{4002, 4001}, got); diff != "" {
			t.Errorf("codes (-want +got):\n%s", diff)
		}
	})
}

// A stream that ends without the peer's Close is 1006 and no clean end, also when ours
// was out (7.1.4-01, 7.1.5-03, 7.2.1-01).
func TestRequirementVanishes(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.nc.Close()
		err := readError(c, background)()
		if code := closeError(t, err).Code; code != StatusAbnormalClosure {
			t.Errorf("code %v", code)
		}
		mustBe(t, c.Write(background, Text, nil), err)
		mustBe(t, c.Close(background, StatusNormalClosure, ""), err)
	})
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		closed := async(func() error { return c.Close(background, StatusNormalClosure, "") })
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.nc.Close()
		err := <-closed
		if code := closeError(t, err).Code; code != StatusAbnormalClosure {
			t.Errorf("code %v", code)
		}
		mustBe(t, readError(c, background)(), err)
	})
}

// CloseNow ends the stream without a Close frame and without waiting (7.1.1-02).
func TestRequirementCloseNow(t *testing.T) {
	rawTestSize(t, nil, 100, func(t *testing.T, c *Conn, p *rawPeer) {
		read := async(readError(c, background))
		stuck := async(func() error { return c.Write(background, Text, []byte(large)) })
		mustWait(t, read, stuck)
		start := time.Now()
		must(t, c.CloseNow())
		mustBe(t, <-read, net.ErrClosed)
		mustBe(t, <-stuck, net.ErrClosed)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		if _, err := io.ReadAll(p.nc); err != nil {
			t.Error(err)
		}
	})
}
