package conn

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/duplexws/duplex/internal/protocol"
	"github.com/duplexws/duplex/internal/wstest"
)

// A moment is a place in the closing table where one side of a connection stands, and the
// other. The wire is cut at the time cutAt, when both sides are there.
type moment struct {
	one, other protocol.State
	faults     [2]wstest.Faults // of one and other
	size       int              // of the pipe
	begin      func(one, other *Conn) []<-chan error
}

// cutAt is when the wire is cut. What is to come later than that is delayed.
const (
	cutAt = 100 * time.Millisecond
	later = 2 * cutAt
)

// violate sends what breaks a rule.
func violate(c *Conn) { _, _ = c.NetConn().Write([]byte{0xFF, 0xFF}) }

// breakOwn begins a message that cannot be completed.
func breakOwn(c *Conn) error {
	w, err := c.Writer(background, Text.Plain())
	if err != nil {
		return err
	}
	if _, err = io.WriteString(w, strings.Repeat("x", 2*smallOutput)); err == nil {
		_, err = io.WriteString(w, "\xff")
	}
	return err
}

// Calls that go on when the wire is cut.

func goRead(c *Conn) <-chan error { return async(readError(c, background)) }

func goDiscard(c *Conn, ctx context.Context) <-chan error {
	return async(func() error { return c.Discard(ctx) })
}

func goRoundTrip(c *Conn) <-chan error {
	return async(func() error { _, err := c.Ping(background); return err })
}

// goStuck writes more than fits on the wire.
func goStuck(c *Conn) <-chan error {
	return async(func() error { return c.Write(background, Binary.Plain(), make([]byte, 1<<16)) })
}

func goServe(c *Conn) <-chan error {
	return async(func() error { return c.Serve(background, ignoring) })
}

var (
	slowRead  = wstest.Faults{ReadDelay: later}
	slowWrite = wstest.Faults{WriteDelay: later}
)

var moments = map[string]moment{
	"open": {
		one: protocol.Open, other: protocol.Open,
		begin: func(_, _ *Conn) []<-chan error { return nil },
	},
	"open, all wait": {
		one: protocol.Open, other: protocol.Open, size: 500,
		begin: func(one, other *Conn) []<-chan error {
			return []<-chan error{goRead(one), goRoundTrip(one), goServe(one), goStuck(other), goRoundTrip(other), goWrite(other, nil)}
		},
	},
	"open, both are stuck": {
		one: protocol.Open, other: protocol.Open, size: 500,
		begin: func(one, other *Conn) []<-chan error {
			return []<-chan error{goStuck(one), goStuck(other)}
		},
	},
	"our Close is on its way": {
		one: protocol.SentClose, other: protocol.Open, faults: [2]wstest.Faults{1: slowRead},
		begin: func(one, other *Conn) []<-chan error {
			return []<-chan error{goClose(one, background), goRead(one), goRead(other)}
		},
	},
	"our Close is in the way of nobody": {
		one: protocol.SentClose, other: protocol.Open,
		begin: func(one, _ *Conn) []<-chan error { return []<-chan error{goClose(one, background)} },
	},
	"our Close is stuck": {
		one: protocol.SentClose, other: protocol.Open, size: 3,
		begin: func(one, _ *Conn) []<-chan error { return []<-chan error{goClose(one, background)} },
	},
	"the answer is held back": {
		one: protocol.SentClose, other: protocol.BothClosed, faults: [2]wstest.Faults{1: slowWrite},
		begin: func(one, other *Conn) []<-chan error {
			return []<-chan error{goClose(one, background), goRead(other)}
		},
	},
	"the answer is stuck behind a message": {
		one: protocol.SentClose, other: protocol.ReceivedClose, size: 100,
		begin: func(one, other *Conn) []<-chan error {
			stuck := goStuck(other)
			synctest.Wait()
			return []<-chan error{stuck, goClose(one, background), goRead(other)}
		},
	},
	"the answer is on its way": {
		one: protocol.SentClose, other: protocol.BothClosed, faults: [2]wstest.Faults{0: slowRead},
		begin: func(one, other *Conn) []<-chan error {
			return []<-chan error{goClose(one, background), goRead(other)}
		},
	},
	"Close frames cross": {
		one: protocol.SentClose, other: protocol.SentClose, faults: [2]wstest.Faults{slowRead, slowRead},
		begin: func(one, other *Conn) []<-chan error {
			return []<-chan error{goClose(one, background), goClose(other, background), goRead(one)}
		},
	},
	"complete": {
		one: protocol.BothClosed, other: protocol.BothClosed,
		faults: [2]wstest.Faults{{ReadDelay: 6 * cutAt / 10}, {ReadDelay: 6 * cutAt / 10}},
		begin: func(one, other *Conn) []<-chan error {
			return []<-chan error{goClose(one, background), goClose(other, background)}
		},
	},
	"the Close of a failure is held back": {
		one: protocol.Failed, other: protocol.Open, faults: [2]wstest.Faults{0: slowWrite},
		begin: func(one, other *Conn) []<-chan error {
			violate(other)
			return []<-chan error{goRead(one), goRead(other)}
		},
	},
	"failing behind a message": {
		one: protocol.Failing, other: protocol.Open, size: 100,
		begin: func(one, other *Conn) []<-chan error {
			stuck := goStuck(one)
			synctest.Wait()
			violate(other)
			return []<-chan error{stuck, goRead(one)}
		},
	},
	"failed": {
		one: protocol.Failed, other: protocol.Open, faults: [2]wstest.Faults{1: slowRead},
		begin: func(one, other *Conn) []<-chan error {
			violate(other)
			return []<-chan error{goRead(one), goRead(other)}
		},
	},
	"failed after our Close": {
		one: protocol.Failed, other: protocol.Open, faults: [2]wstest.Faults{1: slowRead},
		begin: func(one, other *Conn) []<-chan error {
			closed := goClose(one, background)
			synctest.Wait()
			violate(other)
			return []<-chan error{closed, goRead(one), goRead(other)}
		},
	},
	"failed by our own message": {
		one: protocol.Failed, other: protocol.Open, faults: [2]wstest.Faults{1: slowRead},
		begin: func(one, other *Conn) []<-chan error {
			return []<-chan error{async(func() error { return breakOwn(one) }), goRead(one), goRead(other)}
		},
	},
	"closed": {
		one: protocol.Closed, other: protocol.Open, faults: [2]wstest.Faults{1: slowRead},
		begin: func(one, other *Conn) []<-chan error {
			read := goRead(one)
			synctest.Wait()
			_ = one.CloseNow()
			return []<-chan error{read, goRead(other)}
		},
	},
}

// stateOutcomes are for connections that had not ended, nor were about to, when the wire was
// cut. A Close frame may have been on its way.
var stateOutcomes = outcomes{
	"reset":        {"broken, " + someClose, "broken, " + someClose},
	"end":          {"ended, " + someClose, "ended, " + someClose},
	"end, half":    {"ended, " + someClose, "ended, " + someClose},
	"vanish":       {"keepalive, close timeout, " + someClose, "keepalive, close timeout, " + someClose},
	"vanish, half": {"ended, close timeout, " + someClose, "hung up, keepalive, close timeout, " + someClose},
	"block":        {"keepalive, write timeout?, close timeout, " + someClose, "keepalive, write timeout?, close timeout, " + someClose},
	"block, half":  {"ended, write timeout?, close timeout, " + someClose, "hung up, keepalive, close timeout, " + someClose},
}

const someClose = "closed 1000, closed 1002, closed 1011"

// longest is how long a connection lasts at most when the wire is cut in it.
var longest = map[protocol.State]time.Duration{
	protocol.Open:          2*defaultKeepAlive + 2*failTime,
	protocol.SentClose:     closeTime,
	protocol.ReceivedClose: 2 * closeTime,
	protocol.BothClosed:    closeTime,
	protocol.Failing:       2 * failTime,
	protocol.Failed:        3 * failTime,
	protocol.Closed:        0,
}

// In every state of the closing table, whoever has begun to close, the wire is cut: both
// sides end in bounded time, with the error that there was first, and leave nothing.
func TestCutInEveryState(t *testing.T) {
	covered := map[protocol.State]bool{}
	stateOutcomes.test(t, func(ended func(r *rig, way string, faulty int, kinds [2]string)) {
		for name, m := range moments {
			covered[m.one], covered[m.other] = true, true
			for _, one := range []Role{Client, Server} {
				t.Run(fmt.Sprintf("%s, at the %v", name, one), func(t *testing.T) {
					for way, cut := range waysToCut {
						for _, faulty := range []Role{Client, Server} {
							synctest.Test(t, func(t *testing.T) {
								r, kinds := m.cut(t, fmt.Sprintf("%s, %v", way, faulty), one, faulty, cut)
								ended(r, way, int(faulty), kinds)
							})
						}
					}
				})
			}
		}
	})
	for s := protocol.Open; s <= protocol.Closed; s++ {
		if !covered[s] {
			t.Errorf("no moment in state %d", s)
		}
	}
}

// cut brings connections to the moment, one in the given role, and cuts the wire, at least
// what the faulty side writes. It returns how they have ended, and nothing for those of which
// it was known before.
func (m moment) cut(t *testing.T, name string, role, faulty Role, way wayToCut) (r *rig, kinds [2]string) {
	var faults [2]wstest.Faults
	faults[role], faults[1-role] = m.faults[0], m.faults[1]
	r = newRig(t, name, m.size, faults)
	one, other := r.conns[role], r.conns[1-role]
	calls := m.begin(one, other)
	<-time.After(cutAt - time.Since(r.start))
	synctest.Wait()
	if got, want := [2]protocol.State{one.state, other.state}, [2]protocol.State{m.one, m.other}; got != want {
		r.errorf("the states are %v, want %v", got, want)
	}
	first := [2]error{r.conns[0].terminal(), r.conns[1].terminal()}
	before := [2]protocol.State{r.conns[0].state, r.conns[1].state}

	start := time.Now()
	var took [2]<-chan time.Duration
	for i, c := range r.conns {
		took[i] = async(func() time.Duration { <-c.ended(); return time.Since(start) })
	}
	if way.oneWay {
		r.wires[faulty].CutWrite(way.how)
	} else {
		r.wires[faulty].CutWire(way.how)
	}
	ctx, cancel := context.WithCancel(background) // lives on for a while
	defer cancel()
	reads := []<-chan error{goDiscard(one, ctx), goDiscard(other, ctx)}
	for i, c := range r.conns {
		if took := <-took[i]; took > longest[before[i]]+later {
			r.errorf("the %v has ended after %v", c.role, took)
		}
	}
	for i, call := range append(calls, reads...) {
		if err := <-call; err != nil && err != one.terminal() && err != other.terminal() {
			r.errorf("call %d returned %v", i, err)
		}
	}
	synctest.Wait()
	for i, c := range r.conns {
		r.hasEnded(c)
		if first[i] != nil && c.terminal() != first[i] {
			r.errorf("the %v has ended with %v, but the first error was %v", c.role, c.terminal(), first[i])
		}
		if kinds[i] = kindOf(c.terminal()); first[i] != nil {
			kinds[i] = lastKind
		}
	}
	if sample == 1 {
		r.mustBeForgotten()
	}
	return r, kinds
}

// mustBeForgotten fails the test if anything refers to the connections still: a timer, a
// context that lives on, a pool.
func (r *rig) mustBeForgotten() {
	r.t.Helper()
	var left [2]weak.Pointer[Conn]
	for i, c := range r.conns {
		left[i] = weak.Make(c)
	}
	r.conns = [2]*Conn{}
	runtime.GC()
	for i, p := range left {
		if p.Value() != nil {
			r.errorf("something refers to the %v still", Role(i))
		}
	}
}
