package conn

import "time"

// instant is a moment of this process, in nanoseconds since epoch; zero stands for none.
// It is a third as large as a time.Time, of which a connection would have several.
type instant int64

var epoch = time.Now()

// instantOf returns the instant of a time, of which the zero value is none as well.
func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.Sub(epoch))
}

// time returns the time, to be compared with others and not to be given away: the clock on
// the wall may have been set since epoch.
func (i instant) time() time.Time { return epoch.Add(time.Duration(i)) }
