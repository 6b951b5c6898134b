package frame_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

func TestViolation(t *testing.T) {
	type rule struct {
		Code    frame.StatusCode
		Section string
		Text    string
	}
	want := map[frame.Violation]rule{
		frame.ReservedBit:            {1002, "5.2", "a reserved bit is set that no extension has defined"},
		frame.ReservedOpcode:         {1002, "5.2", "the opcode is reserved"},
		frame.NotMasked:              {1002, "5.1", "a frame from the client is not masked"},
		frame.MaskedByServer:         {1002, "5.1", "a frame from the server is masked"},
		frame.LengthNotMinimal:       {1002, "5.2", "the payload length is not in its shortest form"},
		frame.LengthTopBit:           {1002, "5.2", "the payload length has its most significant bit set"},
		frame.ControlFragmented:      {1002, "5.5", "a control frame is fragmented"},
		frame.ControlTooLong:         {1002, "5.5", "a control frame has more than 125 bytes"},
		frame.UnexpectedContinuation: {1002, "5.4", "a continuation frame has no message to continue"},
		frame.MessageInterleaved:     {1002, "5.4", "a new message begins inside an unfinished one"},
		frame.CloseBodyTooShort:      {1002, "5.5.1", "the close body has one byte"},
		frame.CloseCodeInvalid:       {1002, "7.4", "the close code may not be sent"},
		frame.CloseReasonNotUTF8:     {1007, "8.1", "the close reason is not valid UTF-8"},
		frame.TextNotUTF8:            {1007, "8.1", "the text is not valid UTF-8"},
		frame.MessageTooBig:          {1009, "10.4", "the message is larger than the read limit"},
		frame.MessageCorrupt:         {1007, "7.2.2", "the compressed message cannot be inflated"},
		frame.ControlFlood:           {1008, "10.4", "there are too many control frames or empty fragments"},
	}
	for i := range 256 {
		v := frame.Violation(i)
		r, known := want[v]
		rfc := 6455
		if v == frame.MessageCorrupt {
			rfc = 7692
		}
		text := fmt.Sprintf("%s (RFC %d, section %s; close code %d)", r.Text, rfc, r.Section, r.Code)
		if !known {
			r = rule{Code: 1002}
			text = fmt.Sprintf("frame: violation %d names no rule", i)
		}
		if diff := cmp.Diff(rule{r.Code, r.Section, text}, rule{v.Code(), v.Section(), v.Error()}); diff != "" {
			t.Errorf("violation %d (-want +got):\n%s", i, diff)
		}
		if !v.Code().Sendable() {
			t.Errorf("violation %d is answered with %d, which may not be sent", i, v.Code())
		}
	}
}

// TestViolationIs shows the two ways to tell violations apart.
func TestViolationIs(t *testing.T) {
	wrapped := fmt.Errorf("reading: %w", frame.NotMasked)
	if !errors.Is(wrapped, frame.NotMasked) || errors.Is(wrapped, frame.MaskedByServer) {
		t.Error("errors.Is does not tell violations apart")
	}
	var v frame.Violation
	if !errors.As(wrapped, &v) || v != frame.NotMasked {
		t.Errorf("errors.As gives %v", v)
	}
}
