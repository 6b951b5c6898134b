package redial

import (
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/duplexws/duplex/handshake"
)

// Defaults of [Options].
const (
	defaultFirst  = 5 * time.Second
	defaultMax    = time.Minute
	defaultStable = time.Minute
)

// maxRetryAfter is the longest time for which a server may keep a client away.
const maxRetryAfter = time.Hour

// Options are the settings of [Conns]. Nil and the zero value mean the defaults. Of the
// numbers, zero means the stated default and a negative value what is said there.
//
// A pause is a random time from zero to a limit, which is First at first and twice as much
// each time, up to Max. If the attempt was refused with a Retry-After, the pause begins when
// that time is over; it counts up to an hour.
type Options struct {
	// First is the limit of the first pause; default 5 s, as RFC 6455 suggests. Negative:
	// there are no pauses but those that servers ask for.
	First time.Duration

	// Max is the limit of the longest pause; default 1 min. Negative: there is none.
	Max time.Duration

	// Stable is how long a connection has to last for the next pause to be a first one
	// again; default 1 min. It is measured from the beginning of the loop's body to its
	// end. Negative: every connection lasts long enough.
	Stable time.Duration
}

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	if c.First == 0 {
		c.First = defaultFirst
	}
	if c.Max == 0 {
		c.Max = defaultMax
	}
	if c.Max < 0 {
		c.Max = math.MaxInt64 / 2 // leaves room for a Retry-After
	}
	if c.Stable == 0 {
		c.Stable = defaultStable
	}
	return c
}

// A backoff says how long pauses are: truncated exponential backoff with full jitter.
//
// RFC 6455, section 7.2.3 (7.2.3-02, 7.2.3-03).
type backoff struct {
	first, limit, max time.Duration
}

func newBackoff(o *Options) backoff {
	b := backoff{first: min(o.First, o.Max), max: o.Max}
	b.reset()
	return b
}

// reset makes the next pause a first one.
func (b *backoff) reset() { b.limit = b.first }

// next returns the next pause.
func (b *backoff) next() time.Duration {
	if b.limit <= 0 {
		return 0
	}
	pause := rand.N(b.limit)
	if b.limit > b.max/2 {
		b.limit = b.max
	} else {
		b.limit *= 2
	}
	return pause
}

// retryAfter returns how long a server that has refused wants to be left alone.
//
// RFC 9110, section 10.2.3: a number of seconds or a date.
func retryAfter(err error) time.Duration {
	e, ok := errors.AsType[*handshake.Error](err)
	if !ok {
		return 0
	}
	value := e.Header.Get("Retry-After")
	if isNumber(value) {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || n > uint64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	// Both dates are of the server's clock, if it has one.
	now := time.Now()
	if date, err := http.ParseTime(e.Header.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// isNumber reports whether s is made of digits.
func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
