package hostile

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The encoder and decoder in this file are of the suite alone: a mistake that the library
// makes both ways must not hide.

// A part is some bytes to be sent, which depend on the role of the sender.
type part func(masked bool) string

// send lists parts.
func send(parts ...part) []part { return parts }

// encode returns the bytes of parts.
func encode(parts []part, masked bool) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p(masked))
	}
	return b.String()
}

// The key that parts are masked with: that of the examples in RFC 6455, section 5.7.
const key = "\x37\xfa\x21\x3d"

// f is a frame with the given first byte, its length in the shortest form.
func f(first byte, payload string) part {
	return claim(first, 0, uint64(len(payload)), payload)
}

// claim is a frame that announces n bytes, whatever its payload has. form is how many
// bytes its extended length has: 2 or 8, or 0 for the shortest that holds n.
func claim(first byte, form int, n uint64, payload string) part {
	return func(masked bool) string {
		b := header(first, form, n, masked)
		if !masked {
			return b + payload
		}
		return b + key + xor(payload, key)
	}
}

// head is the first two bytes of a frame, which announces n bytes, at most 125.
func head(first byte, n ...byte) part {
	length := uint64(0)
	if len(n) > 0 {
		length = uint64(n[0])
	}
	return func(masked bool) string { return header(first, 0, length, masked) }
}

// raw is bytes in hexadecimal, as they are in either role; see unhex.
func raw(s string) part {
	b := unhex(s)
	return func(bool) string { return b }
}

// header is the beginning of a frame, up to a masking key.
func header(first byte, form int, n uint64, masked bool) string {
	bit := byte(0)
	if masked {
		bit = 0x80
	}
	switch {
	case form == 8 || form == 0 && n > 0xFFFF:
		return string(binary.BigEndian.AppendUint64([]byte{first, bit | 127}, n))
	case form == 2 || form == 0 && n > 125:
		return string(binary.BigEndian.AppendUint16([]byte{first, bit | 126}, uint16(n)))
	}
	return string([]byte{first, bit | byte(n)})
}

func xor(s, key string) string {
	b := []byte(s)
	for i := range b {
		b[i] ^= key[i%4]
	}
	return string(b)
}

// got is a frame that is expected, as a server sends it.
func got(first byte, payload string) string { return f(first, payload)(false) }

// closing is the body of a Close frame.
func closing(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// unhex decodes hexadecimal with blanks at will; 61*200 is 200 times 61.
func unhex(s string) string {
	var out strings.Builder
	for _, word := range strings.Fields(s) {
		digits, count, repeated := strings.Cut(word, "*")
		b, err := hex.DecodeString(digits)
		n := 1
		if err == nil && repeated {
			n, err = strconv.Atoi(count)
		}
		if err != nil {
			panic(fmt.Sprintf("%q: %v", s, err))
		}
		out.WriteString(strings.Repeat(string(b), n))
	}
	return out.String()
}

// x is n times the letter x.
func x(n int) string { return strings.Repeat("x", n) }

// unmask rewrites the frames of a client as a server would have sent them. It is an error
// if one is not masked, not whole, or masked with the key of the one before.
func unmask(s string) (string, error) {
	var out strings.Builder
	last := ""
	for s != "" {
		if len(s) < 2 {
			return out.String() + s, errors.New("a header is cut")
		}
		if s[1]&0x80 == 0 {
			return out.String() + s, errors.New("a frame of the client is not masked")
		}
		n, size := uint64(s[1]&0x7F), 2
		switch {
		case n == 126 && len(s) >= 4:
			n, size = uint64(binary.BigEndian.Uint16([]byte(s[2:]))), 4
		case n == 127 && len(s) >= 10:
			n, size = binary.BigEndian.Uint64([]byte(s[2:])), 10
		case n > 125:
			return out.String() + s, errors.New("a header is cut")
		}
		if uint64(len(s)) < uint64(size)+4+n {
			return out.String() + s, errors.New("a frame is cut")
		}
		k := s[size : size+4]
		if k == last {
			return out.String() + s, errors.New("a masking key came twice")
		}
		last = k
		out.WriteString(s[:1] + string(s[1]&0x7F) + s[2:size] + xor(s[size+4:size+4+int(n)], k))
		s = s[size+4+int(n):]
	}
	return out.String(), nil
}

// mostMasked is the payload of the largest frame that a client sends: it fragments what is
// larger.
const mostMasked = 32 << 10

// asClient cuts data frames as a client does.
func asClient(frames string) string {
	var out strings.Builder
	for frames != "" {
		n, size := payloadLen(frames), headerLen(frames)
		first, payload := frames[0], frames[size:size+n]
		for len(payload) > mostMasked {
			out.WriteString(got(first&^0x80, payload[:mostMasked]))
			first, payload = first&0x80, payload[mostMasked:]
		}
		out.WriteString(got(first, payload))
		frames = frames[size+n:]
	}
	return out.String()
}

// maskedLen is how many bytes frames have with their masking keys.
func maskedLen(frames string) int {
	n := 0
	for frames != "" {
		size := headerLen(frames) + payloadLen(frames)
		n += size + 4
		frames = frames[size:]
	}
	return n
}

// headerLen and payloadLen measure the first frame of a server, which is whole.
func headerLen(frames string) int {
	switch frames[1] {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

func payloadLen(frames string) int {
	switch frames[1] {
	case 126:
		return int(binary.BigEndian.Uint16([]byte(frames[2:])))
	case 127:
		return int(binary.BigEndian.Uint64([]byte(frames[2:])))
	}
	return int(frames[1])
}
