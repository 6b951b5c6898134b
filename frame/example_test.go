package frame_test

import (
	"errors"
	"fmt"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// A masked frame of RFC 6455, section 5.7.
func ExampleParse() {
	b := []byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}
	h, n, err := frame.Parse(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	payload := b[n:]
	mask.XOR(payload, h.Key)
	fmt.Printf("%v, last: %v, %d bytes: %s\n", h.Opcode, h.Fin, h.Length, payload)
	// Output: text, last: true, 5 bytes: Hello
}

// A reader judges a header as soon as it has two bytes of it, the violations of
// Check first, so that it finds the same one however the bytes arrive.
func ExampleParse_short() {
	wire := []byte{0x89, 0xfe, 0x01, 0x00} // the beginning of a ping of 256 bytes
	for i := range wire {
		h, n, err := frame.Parse(wire[:i+1])
		if i+1 >= 2 {
			if v := h.Check(frame.Client, 0); v != nil {
				fmt.Printf("byte %d: %v\n", i+1, v)
				return
			}
		}
		if errors.Is(err, frame.ErrShort) {
			fmt.Printf("byte %d: %d bytes needed\n", i+1, n)
		}
	}
	// Output:
	// byte 1: 2 bytes needed
	// byte 2: a control frame has more than 125 bytes (RFC 6455, section 5.5; close code 1002)
}

// A client's ping: header, then the masked payload.
func ExampleHeader_Append() {
	payload := []byte("Hello")
	h := frame.Header{
		Opcode: frame.Ping,
		Fin:    true,
		Masked: true,
		Key:    mask.Key{0x37, 0xfa, 0x21, 0x3d}, // in earnest: mask.NewKey()
		Length: uint64(len(payload)),
	}
	b := make([]byte, 0, frame.MaxHeaderLen+len(payload))
	b = h.Append(b)
	b = b[:h.Len()+len(payload)]
	mask.Copy(b[h.Len():], payload, h.Key)
	fmt.Printf("% x\n", b)
	// Output: 89 85 37 fa 21 3d 7f 9f 4d 51 58
}

// A server rejects a frame that is not masked.
func ExampleHeader_Check() {
	h, _, err := frame.Parse([]byte{0x81, 0x05})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Check(frame.Client, 0))
	fmt.Println(h.Check(frame.Server, 0))
	// Output:
	// a frame from the client is not masked (RFC 6455, section 5.1; close code 1002)
	// <nil>
}

// RSV1 marks a compressed message, if that was negotiated.
func ExampleHeader_Check_extension() {
	h := frame.Header{Opcode: frame.Binary, Fin: true, RSV: frame.RSV1}
	fmt.Println(h.Check(frame.Server, frame.RSV1))
	h.RSV |= frame.RSV2
	fmt.Println(errors.Is(h.Check(frame.Server, frame.RSV1), frame.ReservedBit))
	// Output:
	// <nil>
	// true
}

func ExampleParseClose() {
	code, reason, err := frame.ParseClose([]byte("\x03\xe9going home"))
	fmt.Println(code, reason, err)

	code, _, err = frame.ParseClose(nil)
	fmt.Println(code, err)

	_, _, err = frame.ParseClose([]byte{0x03, 0xed})
	fmt.Println(err)
	// Output:
	// 1001 (going away) going home <nil>
	// 1005 (no status received) <nil>
	// the close code may not be sent (RFC 6455, section 7.4; close code 1002)
}

func ExampleAppendClose() {
	body, err := frame.AppendClose(nil, frame.StatusNormalClosure, "bye")
	fmt.Printf("% x, %v\n", body, err)

	_, err = frame.AppendClose(nil, frame.StatusAbnormalClosure, "")
	fmt.Println(err == frame.CloseCodeInvalid)
	// Output:
	// 03 e8 62 79 65, <nil>
	// true
}

// A violation knows how to answer it.
func ExampleViolation() {
	_, _, err := frame.Parse([]byte{0x82, 0x7e, 0x00, 0x05})
	var v frame.Violation
	if errors.As(err, &v) {
		body, _ := frame.AppendClose(nil, v.Code(), "")
		fmt.Printf("section %s, close with % x\n", v.Section(), body)
	}
	// Output: section 5.2, close with 03 ea
}

func ExampleStatusCode_Sendable() {
	for _, code := range []frame.StatusCode{1000, 1005, 1012, 2000, 4000} {
		fmt.Println(code, code.Sendable())
	}
	// Output:
	// 1000 (normal closure) true
	// 1005 (no status received) false
	// 1012 (service restart) true
	// 2000 false
	// 4000 true
}
