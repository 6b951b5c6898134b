package hostile

import (
	"io"
	"strings"
	"testing"

	"github.com/duplexws/duplex/conn"
)

// Announcing much and sending nothing takes no memory, also where there is no limit.
func TestClaims(t *testing.T) {
	for _, claimed := range []struct {
		name string
		part part
	}{
		{"2^63-1 bytes", claim(0x82, 8, 1<<63-1, x(100))},
		{"2^63-1 bytes of text", claim(0x81, 8, 1<<63-1, x(100))},
		{"2^63-1 bytes of a fragment", claim(0x02, 8, 1<<63-1, x(100))},
		{"1 GiB behind a fragment", func(masked bool) string {
			return encode(send(f(0x02, "a"), claim(0x00, 0, 1<<30, x(100))), masked)
		}},
	} {
		t.Run(claimed.name, func(t *testing.T) {
			everyServer(t, conn.Options{ReadLimit: -1}, func(t *testing.T, s *server) {
				const n = 200
				before := measure()
				// The Pong shows that the server has come as far as the claim.
				bytes := request("") + encode(send(f(0x89, "p"), claimed.part), true)
				c := gather(t, s, n, bytes, response("")+got(0x8A, "p"))
				expectUsage(t, before, n, 20<<10, 1)
				befriend(t, s)
				c.leave(t)
				expectCalm(t, before, n)
			})
		})
	}
}

// A message of a million fragments costs as much as its bytes.
func TestFragmentFlood(t *testing.T) {
	const size = 1 << 20
	fragment := encode(send(f(0x00, "x")), true)
	everyServer(t, conn.Options{}, func(t *testing.T, s *server) {
		nc := s.dial(t)
		flood := request("") + encode(send(f(0x02, "x")), true) + strings.Repeat(fragment, size-2) + encode(send(f(0x80, "x")), true)
		want := response("") + got(0x82, x(size))
		before := allocated()
		go deliver(nc, flood, whole)
		got := make([]byte, len(want))
		n, err := io.ReadFull(nc, got)
		spent := allocated() - before - int64(len(got))
		if err != nil || string(got) != want {
			t.Errorf("the message did not come back: %v after %d bytes", err, n)
		}
		t.Logf("%d bytes allocated", spent)
		if spent > slack*16*size {
			t.Errorf("%d bytes allocated for a message of %d", spent, size)
		}
		// One fragment more than the limit, this time.
		more := encode(send(f(0x02, "x")), true) + strings.Repeat(fragment, size-1) + encode(send(head(0x80, 1)), true)
		go deliver(nc, more, whole)
		rest, err := io.ReadAll(nc)
		if string(rest) != tooBig.bytes || err != nil {
			t.Errorf("got %q, %v, want %q", rest, err, tooBig.bytes)
		}
		_ = nc.Close()
	})
}

// Bombs of 50 MB, many at a time, cost no more than the limit.
func TestBombs(t *testing.T) {
	bomb := deflated(x(50_000_000))
	o := conn.Options{Compression: &conn.Compression{}}
	everyServer(t, o, func(t *testing.T, s *server) {
		const n = 20
		before, start := measure(), allocated()
		want := response(agreed.answer) + tooBig.bytes
		c := gather(t, s, n, request(agreed.offer)+encode(send(f(0xC2, bomb)), true), want)
		spent := (allocated() - start) / n
		t.Logf("%d bytes allocated for each", spent)
		if spent > slack*8<<20 {
			t.Errorf("%d bytes allocated for each bomb", spent)
		}
		befriend(t, s)
		c.leave(t)
		expectCalm(t, before, n)
	})
}
