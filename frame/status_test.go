package frame_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// TestSendable tries all 65,536 codes against the ranges of section 7.4 and of the
// registry of section 11.7.
func TestSendable(t *testing.T) {
	ranges := []struct {
		first, last int
		want        bool
		why         string
	}{
		{0, 999, false, "not used"},
		{1000, 1003, true, "defined"},
		{1004, 1004, false, "reserved"},
		{1005, 1006, false, "local only"},
		{1007, 1011, true, "defined"},
		{1012, 1014, true, "registered"},
		{1015, 1015, false, "local only"},
		{1016, 2999, false, "reserved for the protocol"},
		{3000, 3999, true, "libraries, frameworks, applications"},
		{4000, 4999, true, "private use"},
		{5000, 65535, false, "outside every range"},
	}
	next := 0
	for _, r := range ranges {
		if r.first != next {
			t.Fatalf("the table has a gap before %d", r.first)
		}
		next = r.last + 1
		for code := r.first; code <= r.last; code++ {
			if got := frame.StatusCode(code).Sendable(); got != r.want {
				t.Errorf("%d (%s): Sendable %v, want %v", code, r.why, got, r.want)
			}
		}
	}
	if next != 1<<16 {
		t.Fatalf("the table ends at %d", next)
	}
}

func TestStatusCodeString(t *testing.T) {
	want := map[frame.StatusCode]string{
		frame.StatusNormalClosure:      "1000 (normal closure)",
		frame.StatusGoingAway:          "1001 (going away)",
		frame.StatusProtocolError:      "1002 (protocol error)",
		frame.StatusUnsupportedData:    "1003 (unsupported data)",
		1004:                           "1004",
		frame.StatusNoStatusReceived:   "1005 (no status received)",
		frame.StatusAbnormalClosure:    "1006 (abnormal closure)",
		frame.StatusInvalidPayload:     "1007 (invalid payload data)",
		frame.StatusPolicyViolation:    "1008 (policy violation)",
		frame.StatusMessageTooBig:      "1009 (message too big)",
		frame.StatusMandatoryExtension: "1010 (mandatory extension missing)",
		frame.StatusInternalError:      "1011 (internal error)",
		frame.StatusServiceRestart:     "1012 (service restart)",
		frame.StatusTryAgainLater:      "1013 (try again later)",
		frame.StatusBadGateway:         "1014 (bad gateway)",
		frame.StatusTLSHandshake:       "1015 (TLS handshake failed)",
		0:                              "0",
		4000:                           "4000",
		65535:                          "65535",
	}
	got := map[frame.StatusCode]string{}
	for code := range want {
		got[code] = code.String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("strings (-want +got):\n%s", diff)
	}
}
