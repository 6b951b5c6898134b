package load

import "time"

// Result counts what one run of a Client has done.
type Result struct {
	Messages int    // sent and answered
	Bytes    uint64 // payload of the answers, as it came
	Time     time.Duration
}
