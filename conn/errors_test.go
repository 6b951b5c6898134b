package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

func TestErrorTexts(t *testing.T) {
	reason := errors.New("the lights went out")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(reason)
	plain, stop := context.WithCancel(context.Background())
	stop()
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&CloseError{Code: 1000}, "duplex: closed by the peer: 1000 (normal closure)"},
		{&CloseError{Code: 4000, Reason: "a\nb"}, `duplex: closed by the peer: 4000: "a\nb"`},
		{&CloseError{Code: 1000, Answer: true}, "duplex: closed by us, and the peer answered: 1000 (normal closure)"},
		{&CloseError{Code: 1000, Reason: "bye", Answer: true}, `duplex: closed by us, and the peer answered: 1000 (normal closure): "bye"`},
		{&CloseError{Code: 1006, Err: io.ErrUnexpectedEOF}, "duplex: the connection was lost: unexpected EOF (1006)"},
		{
			&FailError{Violation: frame.TextNotUTF8},
			"duplex: failed the connection: the text is not valid UTF-8 (RFC 6455, section 8.1; close code 1007)",
		},
		{cancelled(ctx), "duplex: context canceled: the lights went out"},
		{cancelled(plain), "duplex: context canceled"},
		{&codeError{1006}, "duplex: close: 1006 may not be sent in a Close frame; 1011 was sent in its place"},
	} {
		if diff := cmp.Diff(tc.want, tc.err.Error()); diff != "" {
			t.Error(diff)
		}
	}
}

// No caller needs to look at a text: every error matches what has caused it.
func TestErrorsMatch(t *testing.T) {
	reason := errors.New("the lights went out")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(reason)
	late, stop := context.WithDeadlineCause(context.Background(), time.Unix(1, 0), reason)
	defer stop()
	for _, tc := range []struct {
		name    string
		err     error
		is      []error
		isNot   []error
		timeout bool
	}{
		{"lost", &endedError{&CloseError{Code: 1006, Err: io.ErrUnexpectedEOF}}, []error{io.ErrUnexpectedEOF, net.ErrClosed}, []error{io.EOF}, false},
		{"failed", &endedError{&FailError{Violation: frame.MessageTooBig}}, []error{frame.MessageTooBig, net.ErrClosed}, []error{frame.TextNotUTF8}, false},
		{"cancelled", cancelled(ctx), []error{context.Canceled, reason}, []error{net.ErrClosed}, false},
		{"late", cancelled(late), []error{context.DeadlineExceeded, reason}, []error{net.ErrClosed}, true},
		{"cancelled for good", &endedError{cancelled(late)}, []error{context.DeadlineExceeded, reason, net.ErrClosed}, nil, true},
		{"keepalive", &endedError{ErrKeepAlive}, []error{ErrKeepAlive, net.ErrClosed}, nil, true},
		{"idle", &endedError{ErrIdleTimeout}, []error{ErrIdleTimeout, net.ErrClosed}, []error{ErrKeepAlive}, true},
		{"closing", errClosing, []error{net.ErrClosed}, nil, false},
		{"close time", errCloseTime, nil, []error{net.ErrClosed}, true},
		{"text", errNotText, []error{frame.TextNotUTF8}, []error{net.ErrClosed}, false},
		{"code", &codeError{1005}, []error{frame.CloseCodeInvalid}, nil, false},
		{"stream timeout", &endedError{&CloseError{Code: 1006, Err: os.ErrDeadlineExceeded}}, []error{os.ErrDeadlineExceeded}, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, target := range tc.is {
				if !errors.Is(tc.err, target) {
					t.Errorf("%v does not match %v", tc.err, target)
				}
			}
			for _, target := range tc.isNot {
				if errors.Is(tc.err, target) {
					t.Errorf("%v matches %v", tc.err, target)
				}
			}
			if isTimeout(tc.err) != tc.timeout {
				t.Errorf("timeout %v", !tc.timeout)
			}
		})
	}
}
