package redial

import (
	"context"
	"errors"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

func TestOptionsDefaults(t *testing.T) {
	defaults := Options{First: 5 * time.Second, Max: time.Minute, Stable: time.Minute}
	for _, tc := range []struct {
		name string
		o    *Options
		want Options
	}{
		{"nil", nil, defaults},
		{"zero", &Options{}, defaults},
		{"others", &Options{First: 1, Max: 2, Stable: 3}, Options{First: 1, Max: 2, Stable: 3}},
		{"negative", &Options{First: -1, Max: -1, Stable: -1}, Options{First: -1, Max: math.MaxInt64 / 2, Stable: -1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.o.withDefaults()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An attempt is what happens when a client dials.
type attempt struct {
	err   error
	lasts time.Duration // how long its connection lasts, if there is no error
}

// A span is where a pause lies: from least up to least + limit.
type span struct{ least, limit time.Duration }

var errDown = errors.New("the server is down")

// answer is the error for an answer with header fields.
func answer(status int, fields ...string) error {
	e := &handshake.Error{Status: status, Header: http.Header{}}
	for i := 0; i < len(fields); i += 2 {
		e.Header.Set(fields[i], fields[i+1])
	}
	return e
}

// Pauses are random, and their limits double up to the largest one.
//
// RFC 6455, section 7.2.3.
func TestPauses(t *testing.T) {
	const s = time.Second
	down := attempt{err: errDown}
	after := func(fields ...string) []attempt { return []attempt{{err: answer(503, fields...)}} }
	date := func(d time.Duration) string {
		// The clock of a bubble begins at this time.
		return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d).Format(http.TimeFormat)
	}
	for _, tc := range []struct {
		name     string
		o        *Options
		attempts []attempt
		want     []span // after each attempt
	}{
		{
			"they grow", nil,
			[]attempt{down, down, down, down, down, down},
			[]span{{0, 5 * s}, {0, 10 * s}, {0, 20 * s}, {0, 40 * s}, {0, 60 * s}, {0, 60 * s}},
		},
		{
			"a stable connection resets them", nil,
			[]attempt{down, down, {lasts: 60 * s}, down},
			[]span{{0, 5 * s}, {0, 10 * s}, {0, 5 * s}, {0, 10 * s}},
		},
		{
			"another one does not", nil,
			[]attempt{down, down, {lasts: 60*s - 1}, down},
			[]span{{0, 5 * s}, {0, 10 * s}, {0, 20 * s}, {0, 40 * s}},
		},
		{
			"connections that do not last", nil,
			[]attempt{{}, {}, {}},
			[]span{{0, 5 * s}, {0, 10 * s}, {0, 20 * s}},
		},
		{
			"options", &Options{First: 3 * s, Max: 10 * s, Stable: 2 * s},
			[]attempt{down, down, down, {lasts: 2 * s}, down},
			[]span{{0, 3 * s}, {0, 6 * s}, {0, 10 * s}, {0, 3 * s}, {0, 6 * s}},
		},
		{
			"the first limit is not above the largest", &Options{First: 30 * s, Max: 10 * s},
			[]attempt{down, down},
			[]span{{0, 10 * s}, {0, 10 * s}},
		},
		{
			"every connection is stable", &Options{Stable: -1},
			[]attempt{down, {}, {}},
			[]span{{0, 5 * s}, {0, 5 * s}, {0, 5 * s}},
		},
		{
			"no largest one", &Options{Max: -1, First: math.MaxInt64 / 4},
			[]attempt{down, down, down},
			[]span{{0, math.MaxInt64 / 4}, {0, math.MaxInt64 / 2}, {0, math.MaxInt64 / 2}},
		},
		{
			"none", &Options{First: -1},
			[]attempt{down, down, {}, {err: answer(503, "Retry-After", "2")}, down},
			[]span{{}, {}, {}, {2 * s, 0}, {}},
		},
		{
			"Retry-After with 429", nil,
			[]attempt{{err: answer(429, "Retry-After", "7")}, down},
			[]span{{7 * s, 5 * s}, {0, 10 * s}},
		},
		{"seconds", nil, after("Retry-After", "120"), []span{{120 * s, 5 * s}}},
		{"zero seconds", nil, after("Retry-After", "0"), []span{{0, 5 * s}}},
		{"an hour", nil, after("Retry-After", "3600"), []span{{time.Hour, 5 * s}}},
		{"too many seconds", nil, after("Retry-After", "3601"), []span{{time.Hour, 5 * s}}},
		{"far too many seconds", nil, after("Retry-After", "99999999999999999999"), []span{{time.Hour, 5 * s}}},
		{"negative seconds", nil, after("Retry-After", "-1"), []span{{0, 5 * s}}},
		{"a fraction", nil, after("Retry-After", "1.5"), []span{{0, 5 * s}}},
		{"empty", nil, after("Retry-After", ""), []span{{0, 5 * s}}},
		{"a date", nil, after("Retry-After", date(90*s)), []span{{90 * s, 5 * s}}},
		{"a date that has passed", nil, after("Retry-After", date(-90*s)), []span{{0, 5 * s}}},
		{"a date that is far away", nil, after("Retry-After", date(5000*s)), []span{{time.Hour, 5 * s}}},
		{"a date by another clock", nil, after("Retry-After", date(90*s), "Date", date(60*s)), []span{{30 * s, 5 * s}}},
		{"a date by no clock", nil, after("Retry-After", date(90*s), "Date", "today"), []span{{90 * s, 5 * s}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const times = 300
			least, most := make([]time.Duration, len(tc.want)), make([]time.Duration, len(tc.want))
			for range times {
				synctest.Test(t, func(t *testing.T) {
					for i, p := range pauses(t, tc.o, tc.attempts) {
						p -= tc.want[i].least
						if limit := tc.want[i].limit; p < 0 || p >= max(limit, 1) {
							t.Fatalf("pause %d is off by %v", i, p)
						}
						if least[i] == 0 {
							least[i] = p
						}
						least[i], most[i] = min(least[i], p), max(most[i], p)
					}
				})
			}
			// All of the span is used: each end is missed once in 10^17 runs.
			for i, w := range tc.want {
				if eighth := w.limit / 8; least[i] > eighth || most[i] < w.limit-eighth {
					t.Errorf("pause %d is from %v to %v of %v", i, least[i], most[i], w.limit)
				}
			}
		})
	}
}

// pauses returns the pauses that a client makes after attempts.
func pauses(t *testing.T, o *Options, attempts []attempt) []time.Duration {
	var begin, end []time.Time
	ctx, cancel := context.WithCancel(t.Context())
	dial := func(context.Context) (*conn.Conn, error) {
		begin = append(begin, time.Now())
		i := len(begin) - 1
		if i == len(attempts) {
			cancel()
			return nil, ctx.Err()
		}
		if attempts[i].err != nil {
			end = append(end, time.Now())
			return nil, attempts[i].err
		}
		return connected(t), nil
	}
	for c, err := range Conns(ctx, dial, o) {
		i := len(begin) - 1
		if err != attempts[i].err {
			t.Fatalf("attempt %d: %v", i, err)
		}
		if c != nil {
			<-time.After(attempts[i].lasts)
			end = append(end, time.Now())
		}
	}
	if len(begin) != len(attempts)+1 {
		t.Fatalf("%d attempts", len(begin))
	}
	pauses := make([]time.Duration, len(attempts))
	for i := range pauses {
		pauses[i] = begin[i+1].Sub(end[i])
	}
	return pauses
}

// connected returns a connection to somebody who answers.
func connected(t *testing.T) *conn.Conn {
	c, peer := conn.Pipe(nil, nil)
	go peer.Discard(context.Background())
	t.Cleanup(func() { _ = peer.CloseNow() })
	return c
}
