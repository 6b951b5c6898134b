package protocol

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var stateNames = [...]string{"Open", "SentClose", "ReceivedClose", "BothClosed", "Failing", "Failed", "Closed"}

var stepNames = [...]string{"SendClose", "ReceiveClose", "Fail", "Vanish"}

// TestStateSteps has a rule for every state and every step that can be taken in it.
func TestStateSteps(t *testing.T) {
	rules := []struct {
		rule string
		from State
		step Step
		want State
	}{
		{"we begin the closing handshake and wait for the answer (7.1.2-01)", Open, SendClose, SentClose},
		{"the peer begins it and we owe an answer (5.5.1-06)", Open, ReceiveClose, ReceivedClose},
		{"the peer breaks a rule and is owed a Close that says so (7.1.7-05)", Open, Fail, Failing},
		{"the stream ends without a Close (7.2.1-01)", Open, Vanish, Closed},

		{"a second Close of ours is none (5.5.1-06)", SentClose, SendClose, SentClose},
		{"the peer answers, or its own Close crossed ours (5.5.1-11, 5.5.1-15)", SentClose, ReceiveClose, BothClosed},
		{"the peer breaks a rule after our Close, so none is owed (5.5.1-06)", SentClose, Fail, Failed},
		{"the peer never answers (7.1.5-03)", SentClose, Vanish, Closed},

		{"we answer (5.5.1-06)", ReceivedClose, SendClose, BothClosed},
		{"a second Close of the peer changes nothing (7.1.5-01)", ReceivedClose, ReceiveClose, ReceivedClose},
		{"what follows the peer's Close cannot break a rule any more", ReceivedClose, Fail, ReceivedClose},
		{"the peer does not wait for our answer", ReceivedClose, Vanish, Closed},

		{"a Close after both is none (5.5.1-11)", BothClosed, SendClose, BothClosed},
		{"a second Close of the peer after both changes nothing (7.1.5-01)", BothClosed, ReceiveClose, BothClosed},
		{"a handshake that is complete cannot fail (7.1.4-01)", BothClosed, Fail, BothClosed},
		{"TCP ends after the handshake (7.1.4-01)", BothClosed, Vanish, Closed},

		{"the Close that says why is out (7.1.7-05)", Failing, SendClose, Failed},
		{"a late Close of the peer is not processed (7.1.7-07)", Failing, ReceiveClose, Failing},
		{"the first failure is the one that counts", Failing, Fail, Failing},
		{"the peer is gone before we could say why (7.1.7-06)", Failing, Vanish, Closed},

		{"a Close after our last one is none", Failed, SendClose, Failed},
		{"the answer to it is not processed (7.1.7-07)", Failed, ReceiveClose, Failed},
		{"failing twice changes nothing", Failed, Fail, Failed},
		{"TCP ends after the failure (7.1.7-01)", Failed, Vanish, Closed},

		{"nothing is sent when the connection is gone", Closed, SendClose, Closed},
		{"nothing is received when the connection is gone", Closed, ReceiveClose, Closed},
		{"a connection that is gone cannot fail", Closed, Fail, Closed},
		{"a connection is gone once", Closed, Vanish, Closed},
	}
	var seen [numStates][numSteps]int
	for _, r := range rules {
		seen[r.from][r.step]++
		if got := r.from.After(r.step); got != r.want {
			t.Errorf("%s: %s after %s is %s, want %s", r.rule, stateNames[r.from], stepNames[r.step], stateNames[got], stateNames[r.want])
		}
	}
	for s := range seen {
		for step, n := range seen[s] {
			if n != 1 {
				t.Errorf("%s, %s has %d rules", stateNames[s], stepNames[step], n)
			}
		}
	}
}

// may is what a state allows.
type may struct{ Send, Deliver, Pong, Close bool }

func (s State) may() may {
	return may{s.MaySend(), s.MayDeliver(), s.AnswersPing(), s.MaySendClose()}
}

// TestStateAllows has a rule for what every state allows.
func TestStateAllows(t *testing.T) {
	rules := []struct {
		rule  string
		state State
		want  may
	}{
		{"an open connection allows everything", Open, may{true, true, true, true}},
		{"after our Close we send no data, go on receiving and answering pings (5.5.1-05, 5.5.1-10, 5.5.2-02)", SentClose, may{Deliver: true, Pong: true}},
		{"after the peer's Close we send nothing but ours (5.5.1-06, 5.5.2-02)", ReceivedClose, may{Close: true}},
		{"after both nothing is sent or processed (5.5.1-11)", BothClosed, may{}},
		{"a connection that fails processes nothing and owes a Close (7.1.7-05, 7.1.7-07)", Failing, may{Close: true}},
		{"a connection that has failed processes and sends nothing (7.1.7-07)", Failed, may{}},
		{"a connection that is gone allows nothing", Closed, may{}},
	}
	if len(rules) != int(numStates) {
		t.Errorf("%d rules for %d states", len(rules), numStates)
	}
	for i, r := range rules {
		if r.state != State(i) {
			t.Errorf("rule %d is about %s", i, stateNames[r.state])
		}
		if diff := cmp.Diff(r.want, r.state.may()); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", r.rule, stateNames[r.state], diff)
		}
	}
}

// TestStateStories follows whole closures from an open connection to its end.
func TestStateStories(t *testing.T) {
	for _, story := range []struct {
		name  string
		steps []Step
		want  []State
	}{
		{"begun by us", []Step{SendClose, ReceiveClose, Vanish}, []State{SentClose, BothClosed, Closed}},
		{"begun by the peer", []Step{ReceiveClose, SendClose, Vanish}, []State{ReceivedClose, BothClosed, Closed}},
		{"crossed, ours left first", []Step{SendClose, ReceiveClose, SendClose, Vanish}, []State{SentClose, BothClosed, BothClosed, Closed}},
		{"crossed, the peer's was seen first", []Step{ReceiveClose, SendClose, ReceiveClose}, []State{ReceivedClose, BothClosed, BothClosed}},
		{"the peer breaks a rule", []Step{Fail, SendClose, ReceiveClose, Vanish}, []State{Failing, Failed, Failed, Closed}},
		{"the peer breaks a rule instead of answering", []Step{SendClose, Fail, ReceiveClose, Vanish}, []State{SentClose, Failed, Failed, Closed}},
		{"the peer breaks a rule after its Close", []Step{ReceiveClose, Fail, SendClose, Vanish}, []State{ReceivedClose, ReceivedClose, BothClosed, Closed}},
		{"the peer breaks a rule after both", []Step{SendClose, ReceiveClose, Fail, Vanish}, []State{SentClose, BothClosed, BothClosed, Closed}},
		{"the peer vanishes", []Step{Vanish, SendClose}, []State{Closed, Closed}},
		{"the peer vanishes instead of answering", []Step{SendClose, Vanish}, []State{SentClose, Closed}},
		{"the peer vanishes before our answer", []Step{ReceiveClose, Vanish, SendClose}, []State{ReceivedClose, Closed, Closed}},
		{"the peer vanishes before we say why", []Step{Fail, Vanish, SendClose}, []State{Failing, Closed, Closed}},
	} {
		var s State // the zero value is Open
		var got []State
		for _, step := range story.steps {
			s = s.After(step)
			got = append(got, s)
		}
		if diff := cmp.Diff(story.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", story.name, diff)
		}
	}
}

// history is what has happened to a connection, as the RFC speaks of it.
type history struct {
	sent, received, failed, gone bool
}

// after is what a step adds: a Close counts when it is the first and the connection
// has not failed; a connection fails only before the peer's Close; nothing happens to
// one that is gone.
func (h history) after(step Step) history {
	switch {
	case h.gone:
	case step == SendClose:
		h.sent = true
	case step == ReceiveClose:
		h.received = h.received || !h.failed
	case step == Fail:
		h.failed = h.failed || !h.received
	case step == Vanish:
		h.gone = true
	}
	return h
}

// may is what the RFC allows after what has happened.
func (h history) may() may {
	return may{
		Send:    !h.sent && !h.received && !h.failed && !h.gone, // 5.5.1-05, 5.5.1-06
		Deliver: !h.received && !h.failed && !h.gone,            // 5.5.1-10, 7.1.7-07
		Pong:    !h.received && !h.failed && !h.gone,            // 5.5.2-02, 7.1.7-07
		Close:   !h.sent && !h.gone,                             // 5.5.1-06
	}
}

// TestStateHistory takes every sequence of up to seven steps and compares what the
// table allows at its end with what has happened.
func TestStateHistory(t *testing.T) {
	reached := map[State]bool{}
	var walk func(s State, h history, path []string)
	walk = func(s State, h history, path []string) {
		reached[s] = true
		if diff := cmp.Diff(h.may(), s.may()); diff != "" {
			t.Fatalf("%v: %s (-want +got):\n%s", path, stateNames[s], diff)
		}
		clean := h.sent && h.received && !h.failed && !h.gone
		if (s == BothClosed) != clean {
			t.Fatalf("%v: %s, handshake complete: %t", path, stateNames[s], clean)
		}
		if len(path) == 7 {
			return
		}
		for step := range numSteps {
			walk(s.After(step), h.after(step), append(slices.Clip(path), stepNames[step]))
		}
	}
	walk(Open, history{}, nil)
	if len(reached) != int(numStates) {
		t.Errorf("reached: %v", reached)
	}
}

// TestStateInvariants are statements about the whole table.
func TestStateInvariants(t *testing.T) {
	for s := range numStates {
		for step := range numSteps {
			to := s.After(step)
			name := fmt.Sprintf("%s, %s: %s", stateNames[s], stepNames[step], stateNames[to])
			before, after := s.may(), to.may()
			for _, rule := range []struct {
				text string
				ok   bool
			}{
				{"Closed is the end", s != Closed || to == Closed},
				{"all that vanishes is closed", step != Vanish || to == Closed},
				{"nothing else closes", step == Vanish || s == Closed || to != Closed},
				{"no state comes back once it was left", to == s || !reaches(to, s)},
				{"a Close is sent once", step != SendClose || !after.Close},
				{"a second Close changes nothing", step != SendClose || before.Close || to == s},
				{"a Close that was allowed changes the state", step != SendClose || !before.Close || to != s},
				{"nothing is allowed again once it was not", after.within(before)},
				{"only the Close frame uses the right to send it", step == SendClose || step == Vanish || before.Close == after.Close},
				{"after a Close, sent or received, or a failure, no data is sent", step > Fail || !after.Send},
				{"after a Close received or a failure nothing is delivered", step != ReceiveClose && step != Fail || !after.Deliver && !after.Pong},
				{"who may send data has not sent a Close", !before.Send || before.Close},
			} {
				if !rule.ok {
					t.Errorf("%s: %s", name, rule.text)
				}
			}
		}
	}
}

// within reports whether m allows nothing that other does not.
func (m may) within(other may) bool {
	return (!m.Send || other.Send) && (!m.Deliver || other.Deliver) && (!m.Pong || other.Pong) && (!m.Close || other.Close)
}

// reaches reports whether some steps lead from one state to another.
func reaches(from, to State) bool {
	seen := map[State]bool{from: true}
	for list := []State{from}; len(list) > 0; list = list[1:] {
		for step := range numSteps {
			next := list[0].After(step)
			if next == to {
				return true
			}
			if !seen[next] {
				seen[next] = true
				list = append(list, next)
			}
		}
	}
	return false
}
