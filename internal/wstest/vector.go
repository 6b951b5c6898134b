package wstest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// Vector is one frame, or the beginning of one, and what package frame must make of
// it. In a file it has the fields
//
//	name     what is shown
//	section  of RFC 6455
//	from     client or server, who sent it
//	allowed  the reserved bits that were negotiated: rsv1 rsv2 rsv3; none if left out
//	hex      the bytes on the wire
//	expect   ok, short (a header that is not whole) or the name of a frame.Violation
//	header   what is known of the header: fin, rsv1, rsv2, rsv3, masked or
//	         key=(8 digits), opcode=(number), length=(number)
//	size     of the whole header in bytes
//	payload  unmasked, hexadecimal or quoted, as far as it is on the wire
//	close    for a close frame that is ok: the code and the quoted reason
type Vector struct {
	Name    string
	Section string
	From    frame.Role
	Allowed frame.RSV
	Wire    []byte

	Err     error // nil, frame.ErrShort or a frame.Violation
	Header  frame.Header
	Size    int
	Payload []byte
	Code    frame.StatusCode // close frames that are ok
	Reason  string
}

// Vectors loads the vectors of all files that match glob, relative to the package
// under test. It fails the test if there is no such file, or on any error in one.
func Vectors(t testing.TB, glob string) []Vector {
	t.Helper()
	return load(t, glob, decodeVector)
}

func decodeVector(r record) (v Vector, err error) {
	f := r.fields
	if err := r.only("name", "section", "from", "allowed", "hex", "expect", "header", "size", "payload", "close"); err != nil {
		return v, err
	}
	v.Name, v.Section = f["name"], f["section"]
	if v.From, err = decodeRole(f["from"]); err != nil {
		return v, err
	}
	var allowed frame.Header
	if allowed, err = decodeHeader(f["allowed"]); err != nil {
		return v, err
	}
	v.Allowed = allowed.RSV
	if v.Wire, err = hexBytes(f["hex"]); err != nil {
		return v, err
	}
	switch expect := f["expect"]; expect {
	case "ok":
	case "short":
		v.Err = frame.ErrShort
	default:
		if v.Err, err = decodeViolation(expect); err != nil {
			return v, err
		}
	}
	if v.Header, err = decodeHeader(f["header"]); err != nil {
		return v, err
	}
	if v.Size, err = strconv.Atoi(f["size"]); err != nil {
		return v, fmt.Errorf("size: %w", err)
	}
	if v.Payload, err = data(f["payload"]); err != nil {
		return v, fmt.Errorf("payload: %w", err)
	}
	if f["close"] != "" {
		v.Code, v.Reason, err = decodeClose(f["close"])
	}
	return v, err
}

func decodeRole(s string) (frame.Role, error) {
	switch s {
	case "client":
		return frame.Client, nil
	case "server":
		return frame.Server, nil
	}
	return 0, fmt.Errorf("from: no role %q", s)
}

func decodeHeader(s string) (h frame.Header, err error) {
	for _, word := range strings.Fields(s) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "fin":
			h.Fin = true
		case "rsv1":
			h.RSV |= frame.RSV1
		case "rsv2":
			h.RSV |= frame.RSV2
		case "rsv3":
			h.RSV |= frame.RSV3
		case "masked":
			h.Masked = true
		case "key":
			var key []byte
			if key, err = hexBytes(value); err != nil || len(key) != len(h.Key) {
				return h, fmt.Errorf("header: bad key %q", value)
			}
			h.Masked, h.Key = true, mask.Key(key)
		case "opcode":
			var n uint64
			if n, err = strconv.ParseUint(value, 10, 4); err != nil {
				return h, fmt.Errorf("header: opcode: %w", err)
			}
			h.Opcode = frame.Opcode(n)
		case "length":
			if h.Length, err = strconv.ParseUint(value, 10, 64); err != nil {
				return h, fmt.Errorf("header: length: %w", err)
			}
		default:
			return h, fmt.Errorf("header: unknown word %q", word)
		}
	}
	return h, nil
}

// decodeClose reads a status code and a quoted reason.
func decodeClose(s string) (frame.StatusCode, string, error) {
	code, quoted, _ := strings.Cut(s, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil {
		return 0, "", fmt.Errorf("close: %w", err)
	}
	reason := ""
	if quoted != "" {
		if reason, err = strconv.Unquote(quoted); err != nil {
			return 0, "", fmt.Errorf("close reason: %w", err)
		}
	}
	return frame.StatusCode(n), reason, nil
}

// violations names every frame.Violation in the order of its value, from 1.
var violations = []string{
	"ReservedBit", "ReservedOpcode", "NotMasked", "MaskedByServer",
	"LengthNotMinimal", "LengthTopBit", "ControlFragmented", "ControlTooLong",
	"UnexpectedContinuation", "MessageInterleaved", "CloseBodyTooShort",
	"CloseCodeInvalid", "CloseReasonNotUTF8", "TextNotUTF8", "MessageTooBig",
	"MessageCorrupt", "ControlFlood",
}

func decodeViolation(s string) (frame.Violation, error) {
	for i, name := range violations {
		if name == s {
			return frame.Violation(i + 1), nil
		}
	}
	return 0, fmt.Errorf("no violation %q", s)
}
