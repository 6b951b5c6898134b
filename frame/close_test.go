package frame_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
)

// TestParseCloseEveryCode compares what is received with what may be sent.
func TestParseCloseEveryCode(t *testing.T) {
	for n := range 1 << 16 {
		code := frame.StatusCode(n)
		body := append(binary.BigEndian.AppendUint16(nil, uint16(n)), "why"...)
		got, reason, err := frame.ParseClose(body)
		if code.Sendable() {
			if got != code || reason != "why" || err != nil {
				t.Fatalf("code %d: %d %q, %v", n, got, reason, err)
			}
		} else if got != code || reason != "" || err != frame.CloseCodeInvalid {
			t.Fatalf("code %d: %d %q, %v; want the code and CloseCodeInvalid", n, got, reason, err)
		}
		sent, err := frame.AppendClose(nil, code, "why")
		if code.Sendable() {
			if !bytes.Equal(sent, body) || err != nil {
				t.Fatalf("code %d: sent %x, %v", n, sent, err)
			}
		} else if len(sent) != 0 || err != frame.CloseCodeInvalid {
			t.Fatalf("code %d: sent %x, %v; want CloseCodeInvalid", n, sent, err)
		}
	}
}

func TestAppendClose(t *testing.T) {
	tests := []struct {
		name   string
		code   frame.StatusCode
		reason string
		want   string
		err    error
	}{
		{"no status", frame.StatusNoStatusReceived, "", "", nil},
		{"no status, but a reason", frame.StatusNoStatusReceived, "x", "", frame.CloseCodeInvalid},
		{"code", 1000, "", "\x03\xe8", nil},
		{"code and reason", 4999, "é", "\x13\x87\xc3\xa9", nil},
		{"CloseCodeInvalid: zero", 0, "", "", frame.CloseCodeInvalid},
		{"CloseCodeInvalid: local only", frame.StatusAbnormalClosure, "", "", frame.CloseCodeInvalid},
		{"CloseReasonNotUTF8", 1000, "\xff", "", frame.CloseReasonNotUTF8},
		{"CloseReasonNotUTF8: cut", 1000, "\xe2\x82", "", frame.CloseReasonNotUTF8},
		{"ControlTooLong: 123 bytes", 1000, strings.Repeat("x", 123), "\x03\xe8" + strings.Repeat("x", 123), nil},
		{"ControlTooLong: 124 bytes", 1000, strings.Repeat("x", 124), "", frame.ControlTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := frame.AppendClose([]byte("before"), tt.code, tt.reason)
			if string(got) != "before"+tt.want || err != tt.err {
				t.Errorf("AppendClose: %q, %v; want %q behind the rest, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// TestParseCloseCopies shows that the reason outlives the body.
func TestParseCloseCopies(t *testing.T) {
	body := []byte("\x03\xe8bye")
	_, reason, err := frame.ParseClose(body)
	clear(body)
	if reason != "bye" || err != nil {
		t.Errorf("reason %q, %v after the body was overwritten", reason, err)
	}
}

// FuzzParseClose reads any body and writes back what it read.
func FuzzParseClose(f *testing.F) {
	for _, v := range wstest.Vectors(f, "testdata/close.txt") {
		f.Add(v.Payload)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, reason, err := frame.ParseClose(body)
		switch err {
		case nil:
			if !utf8.ValidString(reason) || len(body) > 0 && !code.Sendable() {
				t.Fatalf("accepted %d %q", code, reason)
			}
			if len(reason) > frame.MaxReasonLen {
				if _, err := frame.AppendClose(nil, code, reason); err != frame.ControlTooLong {
					t.Fatalf("AppendClose of %d bytes: %v", len(reason), err)
				}
				return
			}
		case frame.CloseBodyTooShort:
			if len(body) != 1 {
				t.Fatalf("CloseBodyTooShort for %d bytes", len(body))
			}
		case frame.CloseCodeInvalid:
			if code.Sendable() || reason != "" {
				t.Fatalf("CloseCodeInvalid for %d %q", code, reason)
			}
		case frame.CloseReasonNotUTF8:
			if utf8.Valid(body[2:]) {
				t.Fatalf("CloseReasonNotUTF8 for %q", body[2:])
			}
		default:
			t.Fatalf("error %v", err)
		}
		checkAppendClose(t, body, code, reason, err)
	})
}

func BenchmarkParseClose(b *testing.B) {
	body := []byte("\x03\xe8" + strings.Repeat("x", frame.MaxReasonLen))
	b.ReportAllocs()
	for b.Loop() {
		_, _, sinkErr = frame.ParseClose(body)
	}
}
