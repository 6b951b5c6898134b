package frame_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/wstest"
	"github.com/duplexws/duplex/mask"
)

func TestMain(m *testing.M) { wstest.Main(m) }

// verdict is what a reader makes of a header that Parse returned with an error.
func verdict(b []byte, h frame.Header, err error, from frame.Role, allowed frame.RSV) error {
	if len(b) < 2 {
		return err
	}
	if v := h.Check(from, allowed); v != nil {
		return v
	}
	return err
}

// TestVectors runs the golden vectors: whole, every beginning of them, and back.
func TestVectors(t *testing.T) {
	for _, v := range wstest.Vectors(t, "testdata/*.txt") {
		t.Run(v.Name, func(t *testing.T) {
			h, n, parseErr := frame.Parse(v.Wire)
			if diff := cmp.Diff(v.Header, h); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if n != v.Size {
				t.Errorf("size %d, want %d", n, v.Size)
			}
			checkPrefixes(t, v.Wire)
			err := verdict(v.Wire, h, parseErr, v.From, v.Allowed)
			var payload []byte
			if parseErr == nil {
				payload = bytes.Clone(v.Wire[n:])
				if h.Masked {
					mask.XOR(payload, h.Key)
				}
				if !bytes.Equal(payload, v.Payload) {
					t.Errorf("payload %x, want %x", payload, v.Payload)
				}
				checkAppend(t, h, v.Wire[:n])
			}
			if err == nil && h.Opcode == frame.Close {
				var code frame.StatusCode
				var reason string
				code, reason, err = frame.ParseClose(payload)
				checkAppendClose(t, payload, code, reason, err)
				if err == nil && (code != v.Code || reason != v.Reason) {
					t.Errorf("close %d %q, want %d %q", code, reason, v.Code, v.Reason)
				}
			}
			if err != v.Err {
				t.Errorf("verdict %v, want %v", err, v.Err)
			}
		})
	}
}

// checkAppend shows that h, which Parse made of wire, is written as wire.
func checkAppend(t *testing.T, h frame.Header, wire []byte) {
	t.Helper()
	before := []byte("before")
	if got := h.Append(bytes.Clone(before)); !bytes.Equal(got, append(before, wire...)) {
		t.Errorf("Append: %x, want %x behind %q", got, wire, before)
	}
	if got := h.Len(); got != len(wire) {
		t.Errorf("Len: %d, want %d", got, len(wire))
	}
}

// checkAppendClose shows that what ParseClose made of body is written as body. An
// error that a received body gives, the same values give when sent.
func checkAppendClose(t *testing.T, body []byte, code frame.StatusCode, reason string, err error) {
	t.Helper()
	switch err {
	case nil:
		got, err := frame.AppendClose(nil, code, reason)
		if !bytes.Equal(got, body) || err != nil {
			t.Errorf("AppendClose: %x, %v; want %x", got, err, body)
		}
	case frame.CloseCodeInvalid:
		if got, err := frame.AppendClose(nil, code, "x"); len(got) != 0 || err != frame.CloseCodeInvalid {
			t.Errorf("AppendClose of invalid code %d: %x, %v", code, got, err)
		}
	default:
		if code != 0 || reason != "" {
			t.Errorf("close %d %q beside the error %v", code, reason, err)
		}
	}
}

// checkPrefixes holds what Parse says of every beginning of b against what it says
// of all of b.
func checkPrefixes(t *testing.T, b []byte) {
	t.Helper()
	whole, size, wholeErr := frame.Parse(b)
	for k := range min(len(b), frame.MaxHeaderLen) + 1 {
		h, n, err := frame.Parse(b[:k])
		if k < 2 {
			if h != (frame.Header{}) || n != 2 || err != frame.ErrShort {
				t.Errorf("%d bytes: %+v, %d, %v", k, h, n, err)
			}
			continue
		}
		if n != size {
			t.Errorf("%d of %d bytes: size %d, want %d", k, len(b), n, size)
		}
		lengthEnd := size
		if h.Masked {
			lengthEnd -= 4
		}
		// An error comes with the byte that shows it and stays, and until the
		// header is whole there is one.
		wantErr := wholeErr
		if k < lengthEnd || wholeErr == nil && k < size {
			wantErr = frame.ErrShort
		}
		if err != wantErr {
			t.Errorf("%d of %d bytes: error %v, want %v", k, len(b), err, wantErr)
		}
		want := whole
		if k < size {
			want.Key = mask.Key{}
		}
		if k < lengthEnd {
			want.Length = leastLength(b[1])
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%d of %d bytes: header (-want +got):\n%s", k, len(b), diff)
		}
		if h.Length > whole.Length {
			t.Errorf("%d of %d bytes: length %d, of which %d is left", k, len(b), h.Length, whole.Length)
		}
		for _, from := range []frame.Role{frame.Client, frame.Server} {
			for _, allowed := range []frame.RSV{0, frame.RSV1, frame.RSV1 | frame.RSV2 | frame.RSV3} {
				if early, late := h.Check(from, allowed), whole.Check(from, allowed); early != late {
					t.Errorf("%d of %d bytes: Check says %v, of the whole header %v", k, len(b), early, late)
				}
			}
		}
	}
}

// leastLength is the least length that the second byte of a header can announce.
func leastLength(b1 byte) uint64 {
	switch b1 & 0x7f {
	case 126:
		return 126
	case 127:
		return 65536
	}
	return uint64(b1 & 0x7f)
}
