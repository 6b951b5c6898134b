package mask_test

import (
	"fmt"

	"github.com/duplexws/duplex/mask"
)

// The masked text of RFC 6455, section 5.7.
func ExampleXOR() {
	payload := []byte{0x7f, 0x9f, 0x4d, 0x51, 0x58}
	mask.XOR(payload, mask.Key{0x37, 0xfa, 0x21, 0x3d})
	fmt.Printf("%s\n", payload)
	// Output: Hello
}

// A payload that arrives in pieces is unmasked as it arrives: each call returns the
// key for the bytes that follow.
func ExampleXOR_pieces() {
	k := mask.Key{0x37, 0xfa, 0x21, 0x3d}
	for _, piece := range [][]byte{{0x7f, 0x9f, 0x4d}, {0x51}, {0x58}} {
		k = mask.XOR(piece, k)
		fmt.Printf("%s", piece)
	}
	fmt.Println()
	// Output: Hello
}

// A sender leaves the data of its caller as it is and masks while it copies.
func ExampleCopy() {
	data := []byte("Hello")
	k := mask.Key{0x37, 0xfa, 0x21, 0x3d}
	frame := append([]byte{0x81, 0x85}, k[:]...) // FIN, text; masked, length 5
	header := len(frame)
	frame = append(frame, data...)
	mask.Copy(frame[header:], data, k)
	fmt.Printf("% x\n%s\n", frame, data)
	// Output:
	// 81 85 37 fa 21 3d 7f 9f 4d 51 58
	// Hello
}

// Every frame of a client has a key of its own.
func ExampleNewKey() {
	first, second := mask.NewKey(), mask.NewKey()
	fmt.Println(first == second)
	// Output: false
}
