package protocol

import (
	"math"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// Kind says what a [Receiver] has met.
type Kind uint8

// What [Receiver.Next] returns. Begin, Payload and End are returned again until
// they are acted upon, so a caller that cannot go on may leave them to another.
const (
	More    Kind = iota // the input ends before the next event
	Begin               // a message begins: call Open
	Payload             // message payload is next: take up to Left bytes and call Frame
	End                 // all frames of the message are in: call EndMessage
	Control             // a control frame, whole
)

// Event is what comes next in the input.
type Event struct {
	Kind   Kind
	Opcode frame.Opcode // Begin: Text or Binary; Control: Close, Ping or Pong
	RSV    frame.RSV    // Begin: the reserved bits of the first frame, all of them allowed
	Body   []byte       // Control: the unmasked payload, part of the input
}

// Receiver is the incoming direction of a connection. Make one with [NewReceiver].
type Receiver struct {
	limit   uint64       // message bytes allowed
	have    uint64       // message bytes so far
	wire    uint64       // payload bytes so far of its frames
	left    uint64       // payload bytes of the frame under way that were not taken yet
	key     mask.Key     // masks the next of them
	op      frame.Opcode // of the message under way; 0: none
	rsv     frame.RSV    // of its first frame
	control frame.Opcode // of the control frame under way; 0: none
	from    frame.Role
	allowed frame.RSV
	masked  bool
	fin     bool // the data frame under way is the last of its message
	opened  bool // Begin was acted upon
	text    text
	empties uint16 // fragments without payload that Empties did not tell of yet
}

// NewReceiver returns a Receiver for what a peer in the given role sends. The
// reserved bits in allowed may be set on the first frame of a message. See
// [Receiver.SetLimit] for limit.
func NewReceiver(from frame.Role, allowed frame.RSV, limit int64) Receiver {
	r := Receiver{from: from, allowed: allowed}
	r.SetLimit(limit)
	return r
}

// SetLimit sets the largest message in bytes; negative means that there is no
// limit. It holds for what comes next, a message under way included. The frames of a
// message with a reserved bit, whose payload is not the message itself, may have twice
// as many bytes and 64 KiB more.
func (r *Receiver) SetLimit(n int64) {
	r.limit = uint64(n)
	if n < 0 {
		r.limit = math.MaxUint64
	}
}

// Opcode returns Text or Binary while a message is under way, from its first header
// to EndMessage, and 0 otherwise.
func (r *Receiver) Opcode() frame.Opcode { return r.op }

// Opened reports whether a message is under way whose Begin was acted upon.
func (r *Receiver) Opened() bool { return r.opened }

// Whole reports whether the data frame under way completes its message and no byte of the
// message was taken yet, so that the next Left bytes are all of it.
func (r *Receiver) Whole() bool { return r.fin && r.wire == 0 }

// RSV returns the reserved bits of the first frame of the message under way.
func (r *Receiver) RSV() frame.RSV { return r.rsv }

// Room returns how many bytes the message under way may still have.
func (r *Receiver) Room() uint64 { return r.limit - min(r.have, r.limit) }

// Size returns how many bytes of the message under way there were so far, and how many
// bytes of payload in its frames.
func (r *Receiver) Size() (message, wire uint64) { return r.have, r.wire }

// Left returns the number of payload bytes of the data frame under way that Frame
// was not told yet.
func (r *Receiver) Left() uint64 {
	if r.control != 0 {
		return 0
	}
	return r.left
}

// Begun returns how many bytes were consumed of a control frame that is not whole: its header.
func (r *Receiver) Begun() int {
	switch {
	case r.control == 0:
		return 0
	case r.masked:
		return 2 + len(r.key)
	}
	return 2
}

// Empties returns how many fragments without payload there were since it was last called,
// so that a caller can bound them: those with payload are bounded by the limit. The last
// fragment of a message is not among them, since it completes something.
func (r *Receiver) Empties() int {
	n := r.empties
	r.empties = 0
	return int(n)
}

// Next returns what comes next, given the input b that was not consumed yet, and how
// many bytes of b it consumed: headers, empty frames, and control frames, which it
// unmasks in place. It never consumes message payload. A control frame is consumed
// when b holds all of it, so b must be able to grow to frame.MaxHeaderLen +
// frame.MaxControlLen bytes.
//
// An error is a frame.Violation; after one the Receiver must not be used again.
func (r *Receiver) Next(b []byte) (ev Event, n int, err error) {
	for {
		switch {
		case r.control != 0:
			if uint64(len(b)-n) < r.left {
				return Event{}, n, nil
			}
			end := n + int(r.left)
			body := b[n:end:end] // appending to it must not reach what follows
			n = end
			r.Frame(body)
			ev = Event{Kind: Control, Opcode: r.control, Body: body}
			r.control = 0
			return ev, n, nil
		case r.op != 0 && !r.opened:
			return Event{Kind: Begin, Opcode: r.op, RSV: r.rsv}, n, nil
		case r.left > 0:
			return Event{Kind: Payload}, n, nil
		case r.fin:
			return Event{Kind: End}, n, nil
		}
		size, err := r.header(b[n:])
		if err == frame.ErrShort {
			return Event{}, n, nil
		}
		if err != nil {
			return Event{}, n, err
		}
		n += size
	}
}

// header judges the header at the start of b and makes its frame the one under way.
// Whatever the first two bytes show is refused without waiting for the rest.
func (r *Receiver) header(b []byte) (size int, err error) {
	h, size, short := frame.Parse(b)
	if len(b) < 2 {
		return 0, frame.ErrShort
	}
	if err := r.check(h); err != nil {
		return 0, err
	}
	if short != nil { // or a length that is not minimal, or has its top bit set
		return 0, short
	}
	r.left, r.key, r.masked = h.Length, h.Key, h.Masked
	if h.Opcode.IsControl() {
		r.control = h.Opcode
		return size, nil
	}
	r.fin = h.Fin
	if h.Length == 0 && !h.Fin && r.empties < math.MaxUint16 {
		r.empties++
	}
	if h.Opcode != frame.Continuation {
		r.op, r.rsv = h.Opcode, h.RSV
	}
	return size, nil
}

// check applies the rules to a header of which at least two bytes are known.
func (r *Receiver) check(h frame.Header) error {
	allowed, rsv := r.allowed, h.RSV
	if h.Opcode == frame.Continuation {
		// RFC 7692, section 6: on the first frame of a message only.
		allowed, rsv = 0, r.rsv
	}
	if err := h.Check(r.from, allowed); err != nil {
		return err
	}
	// RFC 6455, section 5.4: control frames may stand between the fragments of a
	// message, and never change it.
	if h.Opcode.IsControl() {
		return nil
	}
	// RFC 6455, section 5.4: a continuation needs a message to continue, and no
	// other message begins before the one under way has ended.
	switch inside := r.op != 0; {
	case h.Opcode == frame.Continuation && !inside:
		return frame.UnexpectedContinuation
	case h.Opcode != frame.Continuation && inside:
		return frame.MessageInterleaved
	}
	// RFC 6455, section 10.4: no frame is begun that would exceed the limit. The
	// comparison cannot wrap.
	have, limit := r.have, r.limit
	if rsv != 0 {
		have, limit = r.wire, wireLimit(r.limit)
	}
	if r.have > r.limit || have > limit || h.Length > limit-have {
		return frame.MessageTooBig
	}
	return nil
}

// wireLimit returns how many bytes of payload the frames of a message may have that are
// not the message itself but stand for it, compressed. A sender that compresses badly
// needs more of them than the message has, for example when it flushes often; without
// any bound a message that never grows would never end.
func wireLimit(limit uint64) uint64 {
	const slack = 64 << 10
	if limit > math.MaxUint64/2-slack {
		return math.MaxUint64
	}
	return 2*limit + slack
}

// Open acts upon Begin: from here on the payload of the message is next.
func (r *Receiver) Open() { r.opened = true }

// Frame is told the next payload bytes of the frame under way, at most Left of
// them, and unmasks them in place.
//
// RFC 6455, section 5.3.
func (r *Receiver) Frame(p []byte) {
	r.left -= uint64(len(p))
	if r.control == 0 {
		r.wire += uint64(len(p))
	}
	if r.masked {
		r.key = mask.XOR(p, r.key)
	}
}

// Message is told the next bytes of the message, as the application will see them.
// It returns frame.MessageTooBig or frame.TextNotUTF8 as soon as these bytes show it;
// if they show both, it is the first byte that breaks a rule that decides, so that
// the verdict does not depend on how the message is cut.
//
// RFC 6455, sections 8.1 and 10.4.
func (r *Receiver) Message(p []byte) error {
	if r.have > r.limit {
		return frame.MessageTooBig
	}
	room := r.limit - r.have
	over := uint64(len(p)) > room
	if over {
		p = p[:room]
	}
	r.have += uint64(len(p))
	if r.op == frame.Text && !r.text.write(p) {
		return frame.TextNotUTF8
	}
	if over {
		return frame.MessageTooBig
	}
	return nil
}

// EndMessage acts upon End: the message is complete, and the next header may begin
// another. It returns frame.TextNotUTF8 if the text ends inside a character.
func (r *Receiver) EndMessage() error {
	whole := r.text.end()
	r.have, r.wire, r.op, r.fin, r.opened = 0, 0, 0, false, false
	if !whole {
		return frame.TextNotUTF8
	}
	return nil
}
