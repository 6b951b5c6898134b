package protocol

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
	"github.com/duplexws/duplex/mask"
)

// FuzzReceiver shows any bytes to a Receiver. What comes of them, the violation
// included, does not depend on how they are cut and taken; no message exceeds the
// limit, and text is UTF-8. The driver checks that errors are violations, that Next
// repeats itself, and that little input is left when more is wanted.
func FuzzReceiver(f *testing.F) {
	for i, test := range receiverTests {
		for _, from := range roles {
			if b := wire(from, test.frames...); len(b) < 1000 {
				f.Add(b, from == frame.Client, byte(test.allowed), int64(i%7)-1, uint64(i))
			}
		}
	}
	for _, limit := range []int64{-1, 0, 125, 1 << 20} {
		for _, rest := range rests {
			f.Add(append([]byte{0x82, 0xFF}, rest...), true, byte(0), limit, uint64(0))
			f.Add(append([]byte{0x01, 0x7F}, rest...), false, byte(0), limit, uint64(1))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, client bool, allowed byte, limit int64, seed uint64) {
		if len(b) > 4096 {
			return
		}
		p := peer{frame.Server, frame.RSV(allowed) & (frame.RSV1 | frame.RSV2 | frame.RSV3), limit}
		if client {
			p.from = frame.Client
		}
		got, at := judge(t, p, b, seed)
		if at > len(b) {
			t.Errorf("over after %d bytes of %d", at, len(b))
		}
		for _, ev := range got.Events {
			switch ev.Opcode {
			case frame.Text, frame.Binary:
				if limit >= 0 && int64(len(ev.Data)) > limit {
					t.Errorf("a message of %d bytes, the limit is %d", len(ev.Data), limit)
				}
				if ev.Opcode == frame.Text && !utf8.Valid(ev.Data) {
					t.Errorf("a text that is not UTF-8: % x", ev.Data)
				}
			case frame.Close:
				if !utf8.ValidString(ev.Reason) {
					t.Errorf("a reason that is not UTF-8: %q", ev.Reason)
				}
			}
		}
	})
}

// FuzzText compares text, told the bytes in two random cuts and one by one, with
// utf8.Valid, and where it refuses with whether any completion is valid.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", "Hello", "κόσμε", "€", "😀", "\x00\uFFFE\U0010FFFF", "\xED\xA0\x80", "\xC0\xAF", "\xE0\x80\xAF",
		"\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5", "\xE2\x82", "\xF0\x9F\x98", "a\x80", "Привет, 世界 \xFF", "\xE2\x82\xE2\x82\xAC",
	} {
		f.Add([]byte(s), uint64(1))
	}
	f.Fuzz(func(t *testing.T, p []byte, seed uint64) {
		if len(p) > 300 {
			return
		}
		want := utf8.Valid(p)
		if got := ValidText(p); got != want {
			t.Fatalf("% x: valid %t, want %t", p, got, want)
		}
		refused := len(p) + 1
		var x text
		for i := range p {
			if !x.write(p[i : i+1]) {
				refused = i + 1
				break
			}
		}
		if got := x.end() && refused > len(p); got != want {
			t.Fatalf("% x: valid %t, byte by byte %t", p, want, got)
		}
		for _, n := range []int{refused - 1, refused} {
			if n <= len(p) && theOracle().viable(p[:n]) != (n < refused) {
				t.Fatalf("% x: refused after byte %d", p, refused)
			}
		}
		r := rand.New(rand.NewPCG(seed, 0))
		for range 2 {
			var x text
			n := 0
			for _, piece := range randomCuts(r, p) {
				n += len(piece)
				if got := x.write(piece); got != (n < refused) {
					t.Fatalf("% x: refused after byte %d, but write to byte %d says %t", p, refused, n, got)
				}
			}
			if got := x.end(); got != want {
				t.Fatalf("% x: valid %t, in random cuts %t", p, want, got)
			}
		}
	})
}

// FuzzTextLong compares each way to check text, told texts that are long enough for
// vectors whole and in pieces, with utf8.Valid, and where it refuses with text told the
// bytes one by one, which FuzzText is about. The bytes stand between characters, so that
// what they are does not depend on how many those are.
func FuzzTextLong(f *testing.F) {
	for i, s := range []string{
		"", "Hello", "κόσμε", "€", "😀", "\xED\xA0\x80", "\xC0\xAF", "\xE0\x80\xAF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
		"\xF5", "\xE2\x82", "\xF0\x9F\x98", "a\x80", "Привет, 世界 \xFF", "\xE2\x82\xE2\x82\xAC", "\x80\x80\x80\x80",
	} {
		f.Add([]byte(s), byte(29+i), byte(5*i), uint64(i))
	}
	f.Fuzz(func(t *testing.T, p []byte, before, after byte, seed uint64) {
		if len(p) > 300 {
			return
		}
		r := rand.New(rand.NewPCG(seed, 0))
		fill := samples[r.IntN(len(samples))].text
		text := newWindow(fill, int(before), len(p), int(before)+len(p)+int(after))
		copy(text.gap, p)
		if got, want := utf8.Valid(text.p), utf8.Valid(p); got != want {
			t.Fatalf("% x: valid %t, between characters %t", p, want, got)
		}
		refused := refusedAfter(text.p)
		for _, checker := range checkers() {
			restore := checker.use()
			against(t, r, text.p, 1+r.IntN(300), refused)
			restore()
		}
	})
}

// script makes a Sender send what bytes say: fragments and messages of both types,
// whole or not, with pings and pongs in between.
type script struct {
	b      []byte
	role   frame.Role
	sender Sender
	op     frame.Opcode // of the message under way; 0: none
	msg    []byte
	wire   []byte
	want   outcome
}

func (s *script) next() byte {
	if len(s.b) == 0 {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return c
}

func (s *script) bytes(n int) string {
	n = min(n, len(s.b))
	p := s.b[:n]
	s.b = s.b[n:]
	return string(p)
}

func (s *script) send(h frame.Header, body string) {
	if h.Masked {
		// Keys that depend on the script alone, so that a run can be repeated.
		h.Key = mask.Key{byte(len(s.wire)), byte(len(s.b)), 0xFF, 0x80}
	}
	s.wire = h.Append(s.wire)
	n := len(s.wire)
	s.wire = append(s.wire, body...)
	if h.Masked {
		unmask(s.wire[n:], h.Key)
	}
}

// unmask is RFC 6455, section 5.3, to the letter.
func unmask(p []byte, key [4]byte) {
	for i := range p {
		p[i] ^= key[i%4]
	}
}

// run follows the script to its end, or to the first text that the Sender refuses and
// that is sent all the same.
func (s *script) run() {
	for len(s.b) > 0 && s.want.Violation == nil {
		c := s.next()
		switch c & 7 {
		case 0:
			body := s.bytes(int(s.next()) % 126)
			s.send(Header(s.role, frame.Ping, true, len(body)), body)
			s.want.Events = append(s.want.Events, pong(body))
		case 1:
			body := s.bytes(int(s.next()) % 126)
			s.send(Header(s.role, frame.Pong, true, len(body)), body)
		default:
			body := s.bytes(int(s.next()))
			if c&8 != 0 && len(s.wire) < 4096 {
				for len(body) > 0 && len(body) < 1000 {
					body += body
				}
			}
			s.fragment(frame.Opcode(1+c>>4&1), c&0x20 != 0, body)
		}
	}
	if s.want.Violation == nil && s.op != 0 {
		s.want.Opcode, s.want.Opened, s.want.Partial = s.op, true, s.msg
	}
}

func (s *script) fragment(op frame.Opcode, fin bool, body string) {
	if s.op == 0 {
		s.op, s.msg = op, []byte{}
		s.sender.Begin(op)
	}
	err := s.sender.Message([]byte(body))
	if err == nil && fin {
		err = s.sender.EndMessage()
	}
	s.want.Violation = err
	s.send(s.sender.Frame(fin, len(body)), body)
	s.msg = append(s.msg, body...)
	if err == nil && fin {
		s.want.Events = append(s.want.Events, wstest.Event{Opcode: s.op, Data: s.msg})
		s.op = 0
	}
}

// FuzzSenderReceiver: what a Sender frames, a Receiver at the other side reads back,
// however it is cut; and the text that a Sender refuses, a Receiver refuses as well.
func FuzzSenderReceiver(f *testing.F) {
	for _, client := range []bool{false, true} {
		f.Add([]byte("\x22\x05Hello\x32\x03\xFF\x00\xFE"), client, uint64(1))
		f.Add([]byte("\x02\x03Hel\x00\x02hi\x02\x00\x01\x00\x22\x02lo"), client, uint64(2))
		f.Add([]byte("\x02\x02\xE2\x82\x00\x00\x22\x01\xAC\x2A\x03\xE2\x82\xAC"), client, uint64(3))
		f.Add([]byte("\x22\x03a\xFFb"), client, uint64(4))
		f.Add([]byte("\x22\x02\xE2\x82"), client, uint64(5))
		f.Add([]byte("\x1A\x7Fbinary that goes on\x00\x7Dping"), client, uint64(6))
	}
	f.Fuzz(func(t *testing.T, b []byte, client bool, seed uint64) {
		if len(b) > 500 {
			return
		}
		role := frame.Server
		if client {
			role = frame.Client
		}
		s := script{b: b, role: role, sender: NewSender(role)}
		s.run()
		got, _ := judge(t, peer{role, 0, -1}, s.wire, seed)
		if d := diff(s.want, got); d != "" {
			t.Errorf("(-sent +received):\n%s", d)
		}
	})
}
