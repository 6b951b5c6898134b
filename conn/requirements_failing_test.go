package conn

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/duplexws/duplex/frame"
)

// After a violation nothing of the peer's is delivered or answered, and a late Close
// does not change the error (7.1.7-05, 7.1.7-07).
func TestRequirementNothingAfterAFailure(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(textFrame("good"), part(frame.Continuation, true, "bad"), textFrame("late"), pingFrame("late"), closeFrame(4000, "late"))
		p.closeWrite()
		_, got, err := c.Read(background)
		must(t, err)
		if string(got) != "good" {
			t.Errorf("Read returned %q", got)
		}
		for range 2 {
			_, _, err = c.Read(background)
			mustBe(t, err, frame.UnexpectedContinuation, net.ErrClosed)
		}
		mustBe(t, c.Write(background, Text, nil), frame.UnexpectedContinuation)
		frames := p.rest()
		if len(frames) != 1 || frames[0].Op != frame.Close || !strings.HasPrefix(frames[0].Body, "\x03\xea") {
			t.Errorf("frames %+v, want a Close with 1002", frames)
		}
	})
}

// A writer that is stuck does not hold up failing: the Close frame that cannot leave
// is left out (7.1.7-06).
func TestRequirementFailsBehindAStuckWrite(t *testing.T) {
	rawTestSize(t, nil, 100, func(t *testing.T, c *Conn, p *rawPeer) {
		stuck := async(func() error { return c.Write(background, Text, []byte(large)) })
		mustWait(t, stuck)
		start := time.Now()
		p.send(part(frame.Continuation, true, ""))
		mustBe(t, readError(c, background)(), frame.UnexpectedContinuation)
		mustBe(t, <-stuck, net.ErrClosed)
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// A failure over TCP reaches a peer that is still sending: it gets the Close frame and
// then the end of the stream, not a reset that takes the frame with it. For that the
// connection reads on, but not more than a bound (7.1.1-01, 7.1.7-05).
func TestRequirementNoReset(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		dialled, accepted := tcpPair(t)
		c := New(accepted, Start{Role: role}, nil)
		p := newRawPeer(t, role.Peer(), dialled)
		p.send(part(frame.Continuation, true, ""), binaryFrame(strings.Repeat("x", 32<<10)))
		mustBe(t, readError(c, background)(), frame.UnexpectedContinuation)
		frames := p.rest() // fails the test on a reset
		if len(frames) != 1 || frames[0].Op != frame.Close {
			t.Errorf("frames %+v, want a Close", frames)
		}

		for trailing, want := range map[int]int{32 << 10: 32 << 10, 1 << 20: 64 << 10} {
			bad := wire(role.Peer(), part(frame.Continuation, true, ""))
			nc := newScript(bad, make([]byte, trailing))
			mustBe(t, readError(New(nc, Start{Role: role}, nil), background)(), frame.UnexpectedContinuation)
			left := 0
			for _, piece := range nc.pieces {
				left += len(piece)
			}
			if got := trailing - left; got < want || got > want+inputSize {
				t.Errorf("the %v has read on for %d of %d bytes, want %d", role, got, trailing, want)
			}
		}
	}
}

// tap keeps what it reads.
type tap struct {
	net.Conn
	got []byte
}

func (c *tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.got = append(c.got, p[:n]...)
	return n, err
}

// lastRecord returns the type of the last of a sequence of TLS records.
func lastRecord(t *testing.T, b []byte) (last byte) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < 5 || len(b) < 5+int(b[3])<<8+int(b[4]) {
			t.Fatal("the last TLS record is not whole")
		}
		last = b[0]
		b = b[5+int(b[3])<<8+int(b[4]):]
	}
	return last
}

// The TLS session is closed too, before TCP: the last record is its goodbye (7.1.1-01).
func TestRequirementTLSGoodbye(t *testing.T) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	config := &tls.Config{Certificates: s.TLS.Certificates}
	s.Close()
	for _, end := range []string{"closing handshake", "violation"} {
		dialled, accepted := tcpPair(t)
		tapped := &tap{Conn: dialled}
		// TLS 1.2 shows what kind each record is.
		client := tls.Client(tapped, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
		c := New(tls.Server(accepted, config), Start{Role: Server}, nil)
		p := newRawPeer(t, Client, client)
		over := async(readError(c, background))
		if end == "violation" {
			p.send(part(frame.Continuation, true, ""))
		} else {
			p.send(closeFrame(1000, ""))
		}
		f, err := p.next()
		must(t, err)
		if f.Op != frame.Close {
			t.Errorf("%s: frame %+v, want a Close", end, f)
		}
		p.expectEnd()
		const alert = 21
		if got := lastRecord(t, tapped.got); got != alert {
			t.Errorf("%s: the last TLS record has type %d, want %d", end, got, alert)
		}
		dialled.Close()
		mustBe(t, <-over, net.ErrClosed)
	}
}
