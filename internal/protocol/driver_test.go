package protocol

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
	"github.com/duplexws/duplex/mask"
)

// peer is what a Receiver is made for.
type peer struct {
	from    frame.Role
	allowed frame.RSV
	limit   int64
}

// outcome is what a Receiver makes of a byte stream.
type outcome struct {
	Events    []wstest.Event // messages, pongs owed and the Close; pongs are left out
	Violation error          // a frame.Violation, or nil

	// Without a Close or a violation, what the stream leaves unfinished.
	Opcode  frame.Opcode
	Opened  bool
	Partial []byte
	Left    uint64
}

// take says how many of n payload bytes that are there are taken at once.
type take func(n int) int

func takeAll(n int) int { return n }
func takeOne(int) int   { return 1 }

// driver is the least that a caller of Receiver does.
type driver struct {
	t    testing.TB
	peer peer
	take take
	rx   Receiver
	in   []byte // arrived and not consumed
	msg  []byte
	over bool // a Close or a violation came
	way  way
	out  outcome
}

// way says how the driver goes.
type way bool

const (
	longer  way = false
	shorter way = true // by Short where it can
)

// drive shows the pieces to a Receiver, one after the other, and returns what came
// of them, and after how many bytes it was over.
func drive(t testing.TB, p peer, pieces [][]byte, f take, w way) (outcome, int) {
	t.Helper()
	d := driver{t: t, peer: p, take: f, way: w, rx: NewReceiver(p.from, p.allowed, p.limit)}
	arrived := 0
	for _, piece := range pieces {
		arrived += len(piece)
		d.in = append(d.in, piece...)
		d.run()
		if d.over {
			return d.out, arrived
		}
		// All that Next may leave is the beginning of a header or of a control body.
		if len(d.in) >= frame.MaxControlLen {
			t.Fatalf("%d bytes are left and More is wanted", len(d.in))
		}
	}
	d.out.Opcode, d.out.Opened, d.out.Partial, d.out.Left = d.rx.Opcode(), d.rx.Opened(), d.msg, d.rx.Left()
	return d.out, arrived
}

// run acts upon what Next says until it wants more.
func (d *driver) run() {
	for !d.over {
		if d.way == shorter && d.rx.Between() && d.short() {
			continue
		}
		ev := d.next()
		switch ev.Kind {
		case More:
			return
		case Begin:
			d.rx.Open()
			d.msg = []byte{}
		case Payload:
			n := int(min(uint64(len(d.in)), d.rx.Left()))
			if n == 0 {
				return
			}
			n = d.take(n)
			p := d.in[:n]
			d.in = d.in[n:]
			d.rx.Frame(p)
			if d.fail(d.rx.Message(p)) {
				return
			}
			d.msg = append(d.msg, p...)
			if d.peer.limit >= 0 && uint64(len(d.msg)) > uint64(d.peer.limit) {
				d.t.Fatalf("%d bytes of a message are delivered, the limit is %d", len(d.msg), d.peer.limit)
			}
		case End:
			op := d.rx.Opcode()
			if d.fail(d.rx.EndMessage()) {
				return
			}
			d.out.Events = append(d.out.Events, wstest.Event{Opcode: op, Data: d.msg})
			d.msg = nil
		case Control:
			d.control(ev)
		}
	}
}

// short tries Short, and reports whether that has brought something. It is tried with and
// without room for the message.
func (d *driver) short() bool {
	in, room := bytes.Clone(d.in), make([]byte, len(d.in))
	_, copied, copiedN, copiedErr := d.rx.Short(in, room)
	if !bytes.Equal(in, d.in) {
		d.t.Fatalf("the input was % x, and is % x", d.in, in)
	}
	op, p, n, err := d.rx.Short(d.in, nil)
	if !bytes.Equal(copied, p) || copiedN != n || copiedErr != err || len(copied) > 0 && &copied[0] != &room[0] {
		d.t.Fatalf("Short: % x, %d, %v; with room % x, %d, %v", p, n, err, copied, copiedN, copiedErr)
	}
	d.in = d.in[n:]
	if d.fail(err) || n == 0 {
		return err != nil
	}
	d.out.Events = append(d.out.Events, wstest.Event{Opcode: op, Data: append([]byte{}, p...)})
	return true
}

// next calls Next, and again when what it says is to be said again, with the input
// that is there and with none.
func (d *driver) next() Event {
	ev, n, err := d.rx.Next(d.in)
	d.in = d.in[n:]
	if d.fail(err) {
		return Event{}
	}
	if ev.Kind == Begin || ev.Kind == Payload || ev.Kind == End {
		for _, in := range [][]byte{d.in, nil} {
			again, n, err := d.rx.Next(in)
			if again.Kind != ev.Kind || again.Opcode != ev.Opcode || again.Body != nil || n != 0 || err != nil {
				d.t.Fatalf("Next: %+v; called again: %+v, consumed %d, error %v", ev, again, n, err)
			}
		}
	}
	return ev
}

// control does what a connection does with a control frame.
func (d *driver) control(ev Event) {
	if len(ev.Body) > frame.MaxControlLen {
		d.t.Fatalf("a control frame of %d bytes", len(ev.Body))
	}
	switch ev.Opcode {
	case frame.Ping:
		d.out.Events = append(d.out.Events, wstest.Event{Opcode: frame.Pong, Data: append([]byte{}, ev.Body...)})
	case frame.Close:
		code, reason, err := frame.ParseClose(ev.Body)
		if !d.fail(err) {
			d.out.Events = append(d.out.Events, wstest.Event{Opcode: frame.Close, Code: code, Reason: reason})
			d.over = true
		}
	case frame.Pong:
	default:
		d.t.Fatalf("%v is delivered as a control frame", ev.Opcode)
	}
}

func (d *driver) fail(err error) bool {
	if err == nil {
		return false
	}
	if _, ok := err.(frame.Violation); !ok {
		d.t.Fatalf("the error is not a frame.Violation: %v", err)
	}
	d.out.Violation, d.over = err, true
	return true
}

// diff is cmp.Diff, which takes long over long payloads, where there is a difference.
func diff(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// randomCuts cuts b into pieces of random sizes, some of them empty.
func randomCuts(r *rand.Rand, b []byte) [][]byte {
	var pieces [][]byte
	most := 1 + r.IntN(40)
	for len(b) > 0 {
		n := min(r.IntN(most+1), len(b))
		pieces = append(pieces, b[:n])
		b = b[n:]
	}
	return pieces
}

// judge drives the stream in many cuts, taking the payload in different ways, and
// checks that all lead to the same, which it returns, with the number of bytes after
// which it is over when they come one by one.
func judge(t testing.TB, p peer, wire []byte, seed uint64) (outcome, int) {
	t.Helper()
	want, at := drive(t, p, wstest.Pieces(wire, 1), takeAll, longer)
	check := func(cut string, pieces [][]byte, f take) {
		t.Helper()
		for _, w := range []way{longer, shorter} {
			got, _ := drive(t, p, pieces, f, w)
			if diff := diff(want, got); diff != "" {
				t.Fatalf("% x from the %v: byte by byte and %s, shorter %t, differ (-bytes +cut):\n%s",
					wire[:min(len(wire), 64)], p.from, cut, w, diff)
			}
		}
	}
	r := rand.New(rand.NewPCG(seed, 0))
	some := func(n int) int { return 1 + r.IntN(n) }
	whole := [][]byte{wire}
	check("whole", whole, takeAll)
	if len(wire) > 4096 {
		check("random cuts, taken in some pieces", randomCuts(r, wire), some)
		return want, at
	}
	check("whole, a byte taken at a time", whole, takeOne)
	check("whole, taken in some pieces", whole, some)
	for range 3 {
		check("random cuts", randomCuts(r, wire), takeAll)
		check("random cuts, taken in some pieces", randomCuts(r, wire), some)
	}
	return want, at
}

// fr is a frame to be sent: FIN, opcode and payload, with the reserved bits that an
// extension may set.
type fr struct {
	op   frame.Opcode
	fin  bool
	body string
	rsv  frame.RSV
}

func (f fr) header(from frame.Role) frame.Header {
	h := frame.Header{Opcode: f.op, Fin: f.fin, RSV: f.rsv, Length: uint64(len(f.body))}
	if from == frame.Client {
		h.Masked, h.Key = true, mask.Key{0x37, 0xFA, 0x21, 0x3D}
	}
	return h
}

// append appends the frame as the given role sends it.
func (f fr) append(dst []byte, from frame.Role) []byte {
	h := f.header(from)
	dst = h.Append(dst)
	n := len(dst)
	dst = append(dst, f.body...)
	mask.XOR(dst[n:], h.Key)
	return dst
}

func wire(from frame.Role, frames ...fr) []byte {
	var b []byte
	for _, f := range frames {
		b = f.append(b, from)
	}
	return b
}

// roles are the two sides that a peer can be on.
var roles = []frame.Role{frame.Client, frame.Server}

// The events of an outcome.
func txt(s string) wstest.Event  { return wstest.Event{Opcode: frame.Text, Data: []byte(s)} }
func bin(s string) wstest.Event  { return wstest.Event{Opcode: frame.Binary, Data: []byte(s)} }
func pong(s string) wstest.Event { return wstest.Event{Opcode: frame.Pong, Data: []byte(s)} }
