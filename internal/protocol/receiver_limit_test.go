package protocol

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// fragmentations calls f with every way to cut n bytes into parts that are not empty,
// and each of these with an empty part at every place.
func fragmentations(n int, f func(parts []int)) {
	for cuts := range 1 << max(n-1, 0) {
		parts := []int{0}
		for i := range n {
			parts[len(parts)-1]++
			if i < n-1 && cuts>>i&1 != 0 {
				parts = append(parts, 0)
			}
		}
		f(parts)
		for i := range len(parts) + 1 {
			with := append(append(append([]int{}, parts[:i]...), 0), parts[i:]...)
			f(with)
		}
	}
}

// TestLimitExact: RFC 6455, section 10.4 (10.4-02): a message of exactly the limit is
// delivered, however it is fragmented, and one of a byte more is refused with the
// first header by which it exceeds the limit. Control frames do not count, and what
// one message took is not taken from the next.
func TestLimitExact(t *testing.T) {
	for limit := range 6 {
		for size := range limit + 3 {
			fragmentations(size, func(parts []int) {
				for _, from := range roles {
					exact(t, from, limit, parts)
				}
			})
		}
	}
}

func exact(t *testing.T, from frame.Role, limit int, parts []int) {
	t.Helper()
	op, sum := opText, 0
	var b []byte
	var want outcome
	for range 2 { // a message of exactly the limit goes before
		b = fr{opBinary, true, strings.Repeat("b", limit), 0}.append(b, from)
		want.Events = append(want.Events, bin(strings.Repeat("b", limit)))
	}
	wantAt := 0
	for i, n := range parts {
		sum += n
		if sum > limit && wantAt == 0 {
			want.Violation, wantAt = frame.MessageTooBig, len(b)+2
		}
		b = fr{op, i == len(parts)-1, strings.Repeat("a", n), 0}.append(b, from)
		op = opCont
		b = fr{opPing, true, "a ping is longer", 0}.append(b, from)
		if wantAt == 0 {
			if i == len(parts)-1 {
				want.Events = append(want.Events, txt(strings.Repeat("a", sum)))
			}
			want.Events = append(want.Events, pong("a ping is longer"))
		}
	}
	got, at := judge(t, peer{from, 0, int64(limit)}, b, 4)
	if d := diff(want, got); d != "" || wantAt != 0 && at != wantAt {
		t.Errorf("limit %d, fragments %v from %v: reported with byte %d, want %d (-want +got):\n%s", limit, parts, from, at, wantAt, d)
	}
}

// TestLimitEarly: what a header says of its length is refused with the byte that
// shows it: the form of the length says already how small it cannot be.
func TestLimitEarly(t *testing.T) {
	for _, test := range []struct {
		name   string
		limit  int64
		length uint64
		want   int // bytes of the header, of which the length has all but two; 0: accepted
	}{
		{"one byte, within", 125, 125, 0},
		{"one byte, over", 124, 125, 2},
		{"one byte, none allowed", 0, 1, 2},
		{"nothing, none allowed", 0, 0, 0},
		{"16 bits, within", 126, 126, 0},
		{"16 bits, the form is over", 125, 126, 2},
		{"16 bits, the form is far over", 0, 65535, 2},
		{"16 bits, the number is over", 126, 127, 4},
		{"16 bits, the last within", 65535, 65535, 0},
		{"16 bits, the last over", 65534, 65535, 4},
		{"64 bits, within", 65536, 65536, 0},
		{"64 bits, the form is over", 65535, 65536, 2},
		{"64 bits, the number is over", 65536, 65537, 10},
		{"64 bits, 2^31", math.MaxInt32, 1 << 31, 10},
		{"64 bits, 2^32", 1 << 20, 1 << 32, 10},
		{"64 bits, the largest over", math.MaxInt64 - 1, math.MaxInt64, 10},
		{"64 bits, the largest within", math.MaxInt64, math.MaxInt64, 0},
		{"64 bits, the largest, no limit", -1, math.MaxInt64, 0},
		{"no limit is any negative number", math.MinInt64, math.MaxInt64, 0},
	} {
		for _, from := range roles {
			t.Run(test.name+"/from "+from.String(), func(t *testing.T) {
				h := fr{op: opBinary, fin: true}.header(from)
				h.Length = test.length
				b := h.Append(nil)
				got, at := judge(t, peer{from, 0, test.limit}, b, 5)
				if test.want == 0 {
					if got.Violation != nil || got.Left != test.length {
						t.Errorf("got %+v", got)
					}
					return
				}
				if got.Violation != frame.MessageTooBig || at != test.want {
					t.Errorf("violation %v with byte %d, want MessageTooBig with byte %d", got.Violation, at, test.want)
				}
			})
		}
	}
}

// TestLimitNoWrap: lengths that would exceed 64 bits if they were added do not get
// past the limit, nor past having none.
func TestLimitNoWrap(t *testing.T) {
	const most = math.MaxUint64
	for _, test := range []struct {
		have   uint64
		limit  int64
		length uint64
		want   error
	}{
		{1, math.MaxInt64, math.MaxInt64, frame.MessageTooBig},
		{1, math.MaxInt64, math.MaxInt64 - 1, nil},
		{math.MaxInt64, math.MaxInt64, 1, frame.MessageTooBig},
		{math.MaxInt64, math.MaxInt64, 0, nil},
		{math.MaxInt64, 1 << 20, math.MaxInt64, frame.MessageTooBig},
		{math.MaxInt64, -1, math.MaxInt64, nil},
		{math.MaxInt64 + 2, -1, math.MaxInt64, frame.MessageTooBig},
		{math.MaxInt64 + 1, -1, math.MaxInt64, nil},
		{most - 10, -1, 10, nil},
		{most - 10, -1, 11, frame.MessageTooBig},
		{most, -1, 0, nil},
		{most, -1, 1, frame.MessageTooBig},
		{most, 0, 1, frame.MessageTooBig},
		{most, 0, 0, frame.MessageTooBig},
	} {
		name := fmt.Sprintf("%d bytes after %d, limit %d", test.length, test.have, test.limit)
		rx := NewReceiver(frame.Server, 0, test.limit)
		rx.op, rx.opened, rx.have = opBinary, true, test.have
		h := frame.Header{Opcode: opCont, Length: test.length}
		if _, _, err := rx.Next(h.Append(nil)); err != test.want {
			t.Errorf("%s, in a header: %v, want %v", name, err, test.want)
		}
		if test.length <= 11 {
			rx.have = test.have
			if err := rx.Message(make([]byte, test.length)); err != test.want {
				t.Errorf("%s, told by Message: %v, want %v", name, err, test.want)
			}
		}
	}
}

// step is something that happens to a Receiver in TestSetLimit.
type step struct {
	limit *int64 // SetLimit
	wire  string // told to Next, after which n bytes are consumed
	take  string // told to Message and Frame
	want  error
}

func set(n int64) step { return step{limit: &n} }

// TestSetLimit: a limit holds for what comes next, a message under way included.
func TestSetLimit(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit int64
		steps []step
	}{
		{"up before the header that would exceed it", 3, []step{
			{wire: "\x01\x03"}, {take: "abc"}, set(4), {wire: "\x80\x01"}, {take: "d"},
		}},
		{"up, and not by enough", 3, []step{
			{wire: "\x01\x03"}, {take: "abc"}, set(4), {wire: "\x80\x02", want: frame.MessageTooBig},
		}},
		{"away", 0, []step{
			{wire: "\x01\x00"}, set(-1), {wire: "\x80\x7D"}, {take: strings.Repeat("x", 125)},
		}},
		{"down to what is there", 9, []step{
			{wire: "\x01\x03"}, {take: "abc"}, set(3), {wire: "\x80\x00"},
		}},
		{"down to what is there, and one byte more comes", 9, []step{
			{wire: "\x01\x03"}, {take: "abc"}, set(3), {wire: "\x80\x01", want: frame.MessageTooBig},
		}},
		{"down below what is there", 9, []step{
			{wire: "\x01\x03"}, {take: "abc"}, set(2), {wire: "\x80\x00", want: frame.MessageTooBig},
		}},
		{"down inside a frame, not below its end", 9, []step{
			{wire: "\x81\x05"}, {take: "abc"}, set(5), {take: "de"},
		}},
		{"down inside a frame, below its end", 9, []step{
			{wire: "\x81\x05"}, {take: "abc"}, set(4), {take: "de", want: frame.MessageTooBig},
		}},
		{"down inside a frame, shown by the byte", 9, []step{
			{wire: "\x81\x05"}, {take: "abc"}, set(4), {take: "d"}, {take: "e", want: frame.MessageTooBig},
		}},
		{"down to 0 between messages", 9, []step{
			{wire: "\x81\x01"}, {take: "a"}, set(0), {wire: "\x82\x00"}, {wire: "\x82\x01", want: frame.MessageTooBig},
		}},
		{"up between messages", 1, []step{
			{wire: "\x81\x01"}, {take: "a"}, set(2), {wire: "\x82\x02"}, {take: "ab"}, {wire: "\x82\x03", want: frame.MessageTooBig},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			rx := NewReceiver(frame.Server, 0, test.limit)
			for i, s := range test.steps {
				if err := s.do(t, &rx); err != s.want {
					t.Fatalf("step %d: %v, want %v", i, err, s.want)
				}
			}
		})
	}
}

func (s step) do(t *testing.T, rx *Receiver) error {
	t.Helper()
	switch {
	case s.limit != nil:
		rx.SetLimit(*s.limit)
		return nil
	case s.take != "":
		p := []byte(s.take)
		rx.Frame(p)
		if err := rx.Message(p); err != nil {
			return err
		}
	default:
		ev, n, err := rx.Next([]byte(s.wire))
		if err != nil {
			return err
		}
		if n != len(s.wire) {
			t.Fatalf("%x: consumed %d", s.wire, n)
		}
		if ev.Kind == Begin {
			rx.Open()
		}
	}
	if ev, _, _ := rx.Next(nil); ev.Kind == End {
		return rx.EndMessage()
	}
	return nil
}

// TestLimitAndText: the first byte that breaks a rule decides which rule it is, not
// the size of the pieces in which Message is told.
func TestLimitAndText(t *testing.T) {
	for _, test := range []struct {
		name string
		op   frame.Opcode
		text string
		want error
	}{
		{"over the limit", opText, "abcd", frame.MessageTooBig},
		{"not UTF-8 before the limit", opText, "a\xFFcd", frame.TextNotUTF8},
		{"not UTF-8 at the limit", opText, "ab\xFFd", frame.TextNotUTF8},
		{"not UTF-8 beyond the limit", opText, "abc\xFF", frame.MessageTooBig},
		{"a character over the limit", opText, "ab\xC3\xA9", frame.MessageTooBig},
		{"a wrong character over the limit", opText, "ab\xC3d", frame.MessageTooBig},
		{"binary", opBinary, "a\xFFcd", frame.MessageTooBig},
	} {
		for _, size := range []int{len(test.text), 1, 2, 3} {
			rx := NewReceiver(frame.Server, 0, 9)
			h := frame.Header{Opcode: test.op, Length: 9}
			if ev, _, err := rx.Next(h.Append(nil)); ev.Kind != Begin || err != nil {
				t.Fatalf("%+v, %v", ev, err)
			}
			rx.Open()
			rx.SetLimit(3)
			var err error
			for p := []byte(test.text); len(p) > 0 && err == nil; {
				n := min(size, len(p))
				rx.Frame(p[:n])
				err = rx.Message(p[:n])
				p = p[n:]
			}
			if err != test.want {
				t.Errorf("%s, in pieces of %d: %v, want %v", test.name, size, err, test.want)
			}
		}
	}
}
