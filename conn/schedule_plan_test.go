package conn

import (
	"math/rand/v2"
	"time"
)

// plan is a schedule: what the goroutines on both sides of a connection do, one step after
// the other, and how it ends.
type plan struct {
	capacity    int // of the stream each way, in bytes
	compression *Compression
	keepAlive   time.Duration
	postLimit   int64
	noGathering bool

	// Some things can end the connection before its time, or keep both sides from reading
	// for ever if both do them.
	cuts    bool // contexts cut writes that are under way
	replies int  // the side that may answer in Serve
	lossy   [2]bool
	pauses  bool // goroutines take their time

	workers [2][]routine
	ending  planEnding
}

// routine is what one goroutine does.
type routine struct {
	always bool // it begins again until the connection has ended
	sends  bool
	steps  []step
}

// step is one operation.
type step struct {
	op    op
	kind  MessageType
	size  int           // of the message that is sent
	count int           // pieces or messages
	life  time.Duration // of the context; 0: that of the connection
	race  bool          // the context ends by another goroutine, right away
	pause time.Duration // in the middle
	after time.Duration // afterwards
}

type op string

// What a sender does.
const (
	opWrite    op = "Write"
	opEnded    op = "Write with a context that has ended"
	opQueued   op = "Write that is cancelled while it waits for its turn"
	opEmpty    op = "Write of nothing"
	opWriter   op = "Writer"
	opGiveUp   op = "Writer that is given up before anything of it has left"
	opPrepared op = "WritePrepared"
	opPost     op = "Post"
	opPing     op = "Ping"
	opOther    op = "SetReadLimit, Context and the like"
)

// What a reader does.
const (
	opRead     op = "Read"
	opAppend   op = "ReadAppend"
	opReader   op = "Reader"
	opSkip     op = "Reader that is closed early"
	opMessages op = "Messages"
	opServe    op = "Serve"
	opReply    op = "Serve with replies"
	opDiscard  op = "Discard"
)

// planEnding is how a schedule ends.
type planEnding struct {
	how  ended
	side int
	late bool          // when all senders are done
	at   time.Duration // else
	life time.Duration // of the context of endCutClose
}

type ended string

const (
	endClose     ended = "Close"
	endBothClose ended = "Close on both sides"
	endCutClose  ended = "Close with a context that ends"
	endCloseNow  ended = "CloseNow"
	endLost      ended = "the stream is lost"
	endFailure   ended = "a message over the limit"
)

// inOrder reports whether everything is delivered before the end.
func (e ended) inOrder() bool { return e == endClose || e == endBothClose }

// one returns one of several values.
func one[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// newPlan makes a plan of what r says.
func newPlan(r *rand.Rand) *plan {
	p := &plan{
		capacity: one(r, 1000, 1, 100, 5000, 64<<10),
		compression: one(r, nil, nil, &Compression{MinSize: -1}, &Compression{},
			&Compression{MinSize: -1, ServerNoContextTakeover: true, ClientNoContextTakeover: true},
			&Compression{MinSize: 1000, ServerMaxWindowBits: 15, ClientMaxWindowBits: 9, ClientNoContextTakeover: true}),
		keepAlive:   one[time.Duration](r, 0, -1, time.Second),
		postLimit:   one[int64](r, 0, -1, 2000),
		noGathering: r.IntN(8) == 0,
		cuts:        r.IntN(4) == 0,
		replies:     r.IntN(2),
		pauses:      r.IntN(3) > 0,
	}
	if r.IntN(4) == 0 {
		p.lossy = [2]bool{r.IntN(2) == 0, r.IntN(2) == 0}
	}
	p.ending = planEnding{
		how:  one(r, endClose, endClose, endClose, endBothClose, endCutClose, endCloseNow, endLost, endFailure),
		side: r.IntN(2),
		late: r.IntN(2) == 0,
		at:   p.moment(r, 100),
		life: p.moment(r, 20),
	}
	for side := range p.workers {
		list := []routine{p.reader(r, side, true)}
		for range r.IntN(3) {
			list = append(list, p.reader(r, side, false))
		}
		for range 1 + r.IntN(4) {
			list = append(list, p.sender(r))
		}
		p.workers[side] = list
	}
	return p
}

// moment returns a duration of up to that many milliseconds.
func (p *plan) moment(r *rand.Rand, limit int) time.Duration {
	return time.Duration(r.IntN(limit)) * time.Millisecond
}

// pause returns how long a goroutine takes its time: mostly not at all.
func (p *plan) pause(r *rand.Rand) time.Duration {
	if !p.pauses || r.IntN(4) > 0 {
		return 0
	}
	return p.moment(r, 3)
}

// size returns a size of a message: mostly small.
func (p *plan) size(r *rand.Rand) int {
	limit := one(r, 126, 300, 126, 5000, 70_000, 200_000)
	return minParcel + r.IntN(min(limit, 100*max(p.capacity, 100)))
}

// step returns what all steps have.
func (p *plan) step(r *rand.Rand, o op) step {
	return step{
		op: o, kind: one(r, Text, Binary, Text.Plain(), Binary), count: 1 + r.IntN(5),
		size: p.size(r), pause: p.pause(r), after: p.pause(r),
	}
}

func (p *plan) sender(r *rand.Rand) routine {
	s := routine{sends: true}
	for range 2 + r.IntN(12) {
		st := p.step(r, one(r, opWrite, opPost, opWriter, opPrepared, opWrite, opPost,
			opEmpty, opEnded, opQueued, opGiveUp, opPing, opOther))
		if p.cuts && r.IntN(8) == 0 {
			st.life, st.race = p.moment(r, 20)+1, r.IntN(4) == 0
		}
		if p.keepAlive == time.Second && r.IntN(16) == 0 {
			st.after = 3 * time.Second
		}
		s.steps = append(s.steps, st)
	}
	return s
}

// reader returns the routine of a reader. With always it goes on until the end, so
// that nothing waits for it; else it reads now and then.
func (p *plan) reader(r *rand.Rand, side int, always bool) routine {
	s := routine{always: always}
	for range 2 + r.IntN(10) {
		st := p.step(r, one(r, opRead, opAppend, opReader, opMessages, opServe, opReply, opSkip, opRead, opDiscard))
		if st.op == opReply && p.replies != side || st.op == opDiscard && !p.lossy[side] {
			st.op = opServe
		}
		if !always || st.op == opDiscard || r.IntN(2) == 0 {
			st.life, st.race = p.moment(r, 20)+1, r.IntN(4) == 0
		}
		if st.op == opReply && !p.cuts {
			st.life, st.race = 0, false // it would cut a reply
		}
		s.steps = append(s.steps, st)
	}
	if always { // it must wait now and then, or no time would pass
		s.steps = append(s.steps, p.step(r, opRead))
	}
	return s
}
