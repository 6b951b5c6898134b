package drain

import (
	"math/rand/v2"
	"time"
)

// slack is how far a pace may catch up with what it has missed while there was nothing to
// do, or a timer was late.
const slack = 10 * time.Millisecond

// A pace spreads what is done over time: rate times a second, in intervals that are random.
type pace struct {
	mean time.Duration // from one to the next; zero: none
	due  time.Time     // of the last
}

func newPace(rate int) pace {
	if rate < 0 {
		return pace{}
	}
	return pace{mean: time.Second / time.Duration(rate), due: time.Now()}
}

// next returns how long it is to the next.
func (p *pace) next() time.Duration {
	if p.mean == 0 {
		return 0
	}
	now := time.Now()
	if earliest := now.Add(-slack); p.due.Before(earliest) {
		p.due = earliest
	}
	p.due = p.due.Add(rand.N(2 * p.mean))
	return p.due.Sub(now)
}
