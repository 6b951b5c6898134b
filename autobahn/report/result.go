package report

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Result is the suite's verdict on one case.
type Result struct {
	Behavior        string `json:"behavior"`
	BehaviorClose   string `json:"behaviorClose"`
	RemoteCloseCode Code   `json:"remoteCloseCode"`
}

// The verdicts of the suite. A behavior is OK, NonStrict, Informational, Unimplemented
// or Failed, a close behavior OK, Informational, WrongCode, Unclean, FailedByClient or
// Failed.
const (
	OK             = "OK"
	NonStrict      = "NON-STRICT"
	Informational  = "INFORMATIONAL"
	Unimplemented  = "UNIMPLEMENTED"
	Failed         = "FAILED"
	WrongCode      = "WRONG CODE"
	Unclean        = "UNCLEAN"
	FailedByClient = "FAILED BY CLIENT"
)

// Code is a close code that the suite received, or [NoCode].
type Code int

// NoCode stands for a close frame without a code as well as for no close frame: the
// suite does not tell them apart, the close behavior does. It is null in JSON.
const NoCode Code = -1

// String returns the number, or "none" for [NoCode].
func (c Code) String() string {
	if c == NoCode {
		return "none"
	}
	return strconv.Itoa(int(c))
}

// MarshalJSON encodes c as a number or null.
func (c Code) MarshalJSON() ([]byte, error) {
	if c == NoCode {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(c), 10), nil
}

// UnmarshalJSON decodes a number that fits into a close frame, or null.
func (c *Code) UnmarshalJSON(b []byte) error {
	var n *uint16
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("close code: %w", err)
	}
	*c = NoCode
	if n != nil {
		*c = Code(*n)
	}
	return nil
}
