package deflate_test

import (
	"errors"
	"fmt"

	"github.com/duplexws/duplex/deflate"
)

// Two messages on a connection with takeover: the second refers to the first.
func Example() {
	w := deflate.Window{Bits: 12}
	e, d := deflate.NewEncoder(w, 3), deflate.NewDecoder(w)
	for _, text := range []string{`{"user":"ada","online":true}`, `{"user":"bob","online":true}`} {
		payload := e.End(e.Append(nil, []byte(text)))

		out, _, err := d.Append(make([]byte, 0, 64), payload)
		if err != nil {
			fmt.Println(err)
			return
		}
		out, done, err := d.End(out)
		fmt.Printf("%d bytes for %d: %s %v %v\n", len(payload), len(text), out, done, err)
	}
	// Output:
	// 30 bytes for 28: {"user":"ada","online":true} true <nil>
	// 9 bytes for 28: {"user":"bob","online":true} true <nil>
}

// A message arrives in fragments and grows in one buffer, up to a limit that counts
// inflated bytes.
func ExampleDecoder_Append() {
	const limit = 16
	fragments := [][]byte{{0xf2, 0x48, 0xcd}, {0xc9, 0xc9, 0x07}, {0x00}}

	var d deflate.Decoder
	defer d.Reset(deflate.Window{})
	message := make([]byte, 0, 4)
	for _, src := range fragments {
		for len(src) > 0 {
			if len(message) == cap(message) {
				if len(message) == limit {
					fmt.Println("too big")
					return
				}
				message = append(make([]byte, 0, min(2*cap(message), limit)), message...)
			}
			out, n, err := d.Append(message, src)
			if err != nil {
				fmt.Println(err)
				return
			}
			message, src = out, src[n:]
		}
	}
	for done := false; !done; {
		var err error
		if message, done, err = d.End(message); err != nil {
			fmt.Println(err)
			return
		}
		if !done {
			message = append(make([]byte, 0, 2*cap(message)), message...)
		}
	}
	fmt.Printf("%s\n", message)
	// Output: Hello
}

// A message is handed on in parts that are then forgotten. Keep saves what later
// matches refer to.
func ExampleDecoder_Keep() {
	var e deflate.Encoder
	payload := e.End(e.Append(nil, []byte("tick tock tick tock tick tock")))

	var d deflate.Decoder
	part := make([]byte, 0, 8)
	for done := false; !done; {
		out, n, err := d.Append(part, payload)
		if payload = payload[n:]; err == nil && len(payload) == 0 {
			out, done, err = d.End(out)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		d.Keep(out)
		fmt.Printf("%q ", out)
	}
	// Output: "tick toc" "k tick t" "ock tick" " tock"
}

// A message cut short is an error, never a shorter message.
func ExampleCorrupt() {
	var d deflate.Decoder
	out, _, _ := d.Append(make([]byte, 0, 64), []byte{0xf2, 0x48, 0xcd})
	_, done, err := d.End(out)
	fmt.Println(done, errors.Is(err, deflate.EarlyEnd))
	fmt.Println(err)
	// Output:
	// false true
	// deflate: the message ends inside a block (RFC 7692, section 7.2.2)
}

// A message that went to many connections was compressed once, without history. The
// encoder of a connection with takeover is told, since the window of the receiver
// has moved.
func ExampleEncoder_Add() {
	news := []byte(`{"news":"the shop opens at nine"}`)
	once := deflate.NewEncoder(deflate.Window{Bits: 12, NoTakeover: true}, deflate.Best)
	prepared := once.End(once.Append(nil, news))

	e := deflate.NewEncoder(deflate.Window{Bits: 12}, 3)
	if err := e.Add(news); err != nil {
		fmt.Println(err)
	}
	again := e.End(e.Append(nil, news))
	fmt.Println(len(prepared), "bytes, then", len(again))
	// Output: 35 bytes, then 4
}

// The second of two offers is taken, since the first has a window that there is not.
func ExampleNegotiate() {
	offers := [][]deflate.Param{
		{{Name: "server_max_window_bits", Value: "16"}},
		{{Name: "server_max_window_bits", Value: "10"}, {Name: "client_max_window_bits"}},
	}
	agreed, response, ok := deflate.Negotiate(offers, deflate.Terms{Client: deflate.Window{Bits: 12}})
	fmt.Println(ok, agreed.Server.Bits, agreed.Client.Bits)
	for _, p := range response {
		fmt.Println(p.Name, p.Value)
	}
	// Output:
	// true 10 12
	// server_max_window_bits 10
	// client_max_window_bits 12
}

// A client that wants to keep a small window insists on it.
func ExampleVerify() {
	wish := deflate.Terms{Server: deflate.Window{Bits: 10}}
	fmt.Println(deflate.Offer(wish))
	_, err := deflate.Verify(nil, wish)
	fmt.Println(err)
	// Output:
	// [{server_max_window_bits 10} {client_max_window_bits }]
	// deflate: permessage-deflate lacks a parameter that was asked for: "server_max_window_bits"
}
