package hostile

import (
	"bytes"
	"compress/flate"

	"github.com/duplexws/duplex/conn"
)

// deflated is s compressed by the standard library, as RFC 7692, section 7.2.1, has it.
func deflated(s string) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = w.Write([]byte(s))
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\x00\x00\xff\xff")))
}

// stored is s in a stored block, which is not the last of its message.
func stored(s string) string {
	n := len(s)
	return string([]byte{0, byte(n), byte(n >> 8), ^byte(n), ^byte(n >> 8)}) + s
}

// The messages of RFC 7692, section 7.2.3.
var (
	hello      = unhex("f2 48 cd c9 c9 07 00")
	helloAgain = unhex("f2 00 11 00 00")
	helloFinal = unhex("f3 48 cd c9 c9 07 00 00")
	twoBlocks  = unhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")
)

// Reasons of package deflate.
const (
	blockType    = "deflate: the block type is reserved (RFC 1951, section 3.2.3)"
	storedLength = "deflate: the length of a stored block does not match its complement (RFC 1951, section 3.2.4)"
	codeCount    = "deflate: there are too many literal/length or distance codes (RFC 1951, section 3.2.7)"
	codeLengths  = "deflate: the code for the code lengths is not complete and prefix-free (RFC 1951, section 3.2.7)"
	noLength     = "deflate: a code stands for no literal or length (RFC 1951, section 3.2.5)"
	noDistance   = "deflate: a code stands for no distance (RFC 1951, section 3.2.5)"
	tooFar       = "deflate: a match reaches further back than the window (RFC 7692, section 7.2.2)"
	earlyEnd     = "deflate: the message ends inside a block (RFC 7692, section 7.2.2)"
)

// agreed is permessage-deflate with windows of 32 KiB for what the peer sends.
var agreed = extension{
	offer: "permessage-deflate", answer: "permessage-deflate; server_max_window_bits=12", response: "permessage-deflate",
}

// compressed are messages with RSV1, where it was agreed on.
var compressed = table{name: "compressed", options: conn.Options{Compression: &conn.Compression{}}, extension: agreed, rows: []row{
	{"in a frame", "D7.2.3.1", send(f(0xC1, hello)), got(0x81, "Hello"), open},
	{"in two fragments", "D7.2.3.1", send(f(0x41, hello[:3]), f(0x80, hello[3:])), got(0x81, "Hello"), open},
	{"in fragments of a byte", "D7.2.3.1", send(f(0x41, "\xf2"), f(0x00, "\x48"), f(0x00, "\xcd"), f(0x00, "\xc9"), f(0x00, "\xc9"), f(0x00, "\x07"), f(0x80, "\x00")), got(0x81, "Hello"), open},
	{"with the window of the one before", "D7.2.3.2", send(f(0xC1, hello), f(0xC1, helloAgain)), got(0x81, "Hello") + got(0x81, "Hello"), open},
	{"in a stored block", "D7.2.3.3", send(f(0xC1, stored("Hello")+"\x00")), got(0x81, "Hello"), open},
	{"with BFINAL", "D7.2.3.4", send(f(0xC1, helloFinal)), got(0x81, "Hello"), open},
	{"behind one with BFINAL", "D7.2.3.4", send(f(0xC1, helloFinal), f(0xC1, hello)), got(0x81, "Hello") + got(0x81, "Hello"), open},
	{"in two blocks", "D7.2.3.5", send(f(0xC1, twoBlocks)), got(0x81, "Hello"), open},
	{"an empty one", "D7.2.3.6", send(f(0xC2, "\x00")), got(0x82, ""), open},
	{"with an empty payload", "D7.2.3.6", send(f(0xC2, "")), got(0x82, ""), open},
	{"with empty fragments", "D6.2", send(f(0x41, ""), f(0x00, hello), f(0x00, ""), f(0x80, "")), got(0x81, "Hello"), open},
	{"with a Ping inside", "D6.2", send(f(0x41, hello[:3]), f(0x89, "p"), f(0x80, hello[3:])), got(0x8A, "p") + got(0x81, "Hello"), open},
	{"one that is not, in between", "D6", send(f(0xC1, hello), f(0x81, "plain"), f(0xC1, helloAgain)), got(0x81, "Hello") + got(0x81, "plain") + got(0x81, "Hello"), open},
	{"a Close inside", "5.5.1", send(f(0x41, hello[:3]), f(0x88, "")), "", byPeer("", "1005 (no status received)")},
	{"large", "D7.2.3", send(f(0xC2, deflated(x(30_000)))), got(0x82, x(30_000)), open},
	{"from one byte of window", "D7.2.3.2", send(f(0xC2, deflated("x")), f(0xC2, deflated(x(9)))), got(0x82, "x") + got(0x82, x(9)), open},

	{"RSV1 on a continuation", "D6", send(f(0x41, hello[:3]), head(0xC0)), "", reservedBit},
	{"RSV1 on a continuation of a plain message", "D6", send(f(0x01, "a"), head(0xC0)), "", reservedBit},
	{"RSV1 on a Ping", "D6", send(head(0xC9)), "", reservedBit},
	{"RSV1 on a Pong", "D6", send(head(0xCA)), "", reservedBit},
	{"RSV1 on a Close", "D6", send(head(0xC8)), "", reservedBit},
	{"RSV2 besides", "5.2", send(head(0xE1)), "", reservedBit},
	{"RSV3 besides", "5.2", send(head(0xD1)), "", reservedBit},
	{"RSV2 alone", "5.2", send(head(0xA2)), "", reservedBit},
	{"RSV1 on a reserved opcode", "5.2", send(head(0xC3)), "", reservedOpcode},

	{"not UTF-8", "8.1", send(f(0xC1, deflated("a\xff"))), "", notUTF8},
	{"a surrogate", "8.1", send(f(0xC1, stored("\xed\xa0\x80")+"\x00")), "", notUTF8},
	{"not UTF-8, before its end", "8.1", send(f(0x41, stored("a\xff"))), "", notUTF8},
	{"a character cut by the end", "8.1", send(f(0xC1, deflated("a\xce"))), "", notUTF8},
	{"a character in two blocks", "8.1", send(f(0xC1, stored("\xce")+stored("\xba")+"\x00")), got(0x81, "κ"), open},

	{"a reserved block type", "D7.2.2", send(f(0xC1, "\x06")), "", corrupt(blockType)},
	{"a reserved block type behind text", "D7.2.2", send(f(0xC1, stored("a")+"\x06")), "", corrupt(blockType)},
	{"plain text", "D7.2.2", send(f(0xC1, "Hello")), "", corrupt(storedLength)},
	{"a stored block without its complement", "D7.2.2", send(f(0xC2, unhex("00 05 00 00 00 48"))), "", corrupt(storedLength)},
	{"too many codes", "D7.2.2", send(f(0xC2, unhex("fc ff 00"))), "", corrupt(codeCount)},
	{"no code for code lengths", "D7.2.2", send(f(0xC2, unhex("04 00*9"))), "", corrupt(codeLengths)},
	{"a length that does not exist", "D7.2.2", send(f(0xC2, unhex("1b 03"))), "", corrupt(noLength)},
	{"a distance that does not exist", "D7.2.2", send(f(0xC2, unhex("02 3f 00"))), "", corrupt(noDistance)},
	{"before the first byte", "D7.2.2", send(f(0xC1, helloAgain)), "", corrupt(tooFar)},
	{"with its tail", "D7.2.1", send(f(0xC1, hello+"\x00\x00\xff\xff")), "", corrupt(earlyEnd)},
	{"cut", "D7.2.2", send(f(0xC1, hello[:5])), "", corrupt(earlyEnd)},
	{"cut in a stored block", "D7.2.2", send(f(0xC2, stored("Hello")[:8])), "", corrupt(earlyEnd)},
	{"with something left over", "D7.2.2", send(f(0xC1, hello+unhex("00 00 ff ff ff"))), "", corrupt(blockType)},
	{"left over behind BFINAL", "D7.2.2", send(f(0xC1, helloFinal+"\x01")), "", corrupt(earlyEnd)},
	{"corrupt behind good ones", "D7.2.2", send(f(0xC1, hello), f(0x82, "b"), f(0xC1, "\x06")), got(0x81, "Hello") + got(0x82, "b"), corrupt(blockType)},
	{"cut in fragments", "D7.2.2", send(f(0x41, hello[:3]), f(0x80, "")), "", corrupt(earlyEnd)},
}}

// compressedLimit are compressed messages around a read limit of 1000 bytes. On the wire
// they may have 2*1000 + 65536 bytes.
var compressedLimit = table{
	name:    "compressed limit",
	options: conn.Options{ReadLimit: 1000, Compression: &conn.Compression{}}, extension: agreed,
	rows: []row{
		{"the limit", "10.4", send(f(0xC2, deflated(x(1000)))), got(0x82, x(1000)), open},
		{"the limit, stored", "10.4", send(f(0xC2, stored(x(1000))+"\x00")), got(0x82, x(1000)), open},
		{"the limit in fragments", "10.4", send(f(0x42, stored(x(999))), f(0x80, stored("x")+"\x00")), got(0x82, x(1000)), open},
		{"the limit twice", "10.4", send(f(0xC2, deflated(x(1000))), f(0xC2, deflated(x(1000)))), got(0x82, x(1000)) + got(0x82, x(1000)), open},
		{"one byte more", "10.4", send(f(0xC2, deflated(x(1001)))), "", tooBig},
		{"one byte more, stored", "10.4", send(f(0xC2, stored(x(1001))+"\x00")), "", tooBig},
		{"one byte more in a fragment", "10.4", send(f(0x42, stored(x(1000))), f(0x80, stored("x")+"\x00")), "", tooBig},
		{"a bomb of 10 MB", "10.4", send(f(0xC2, deflated(x(10_000_000)))), "", tooBig},
		{"a bomb of text", "10.4", send(f(0xC1, deflated(x(10_000_000)))), "", tooBig},
		{"a bomb behind a good message", "10.4", send(f(0xC2, deflated("a")), f(0xC2, deflated(x(1_000_000)))), got(0x82, "a"), tooBig},
		{"a bomb in fragments, before its end", "10.4", send(f(0x42, deflated(x(1_000_000))[:900])), "", tooBig},
		{"a bomb that is not UTF-8 at first", "8.1", send(f(0xC1, stored("\xff")+deflated(x(100_000)))), "", notUTF8},
		{"more on the wire than can be of use", "10.4", send(claim(0xC2, 0, 2*1000+65536+1, "")), "", tooBig},
		{"2^63-1 bytes", "10.4", send(claim(0xC2, 8, 1<<63-1, "")), "", tooBig},
		{"blocks without a byte", "10.4", send(f(0x42, unhex("000000ffff*13507")), head(0x00, 2)), "", tooBig},
		{"blocks without a byte, and an end", "10.4", send(f(0x42, unhex("000000ffff*13507")), f(0x80, "\x00")), got(0x82, ""), open},
		{"a plain message has no such room", "10.4", send(claim(0x82, 0, 1001, "")), "", tooBig},
	},
}

// far is a message that repeats its first bytes n bytes later, in the window of the whole.
func far(n int) string {
	noise := make([]byte, n)
	state := uint32(1)
	for i := range noise {
		state = state*1664525 + 1013904223
		noise[i] = byte(state >> 24)
	}
	return string(noise) + string(noise[:100])
}

// windows are compressed messages where a window of 512 bytes was agreed on.
var windows = table{
	name:    "windows",
	options: conn.Options{Compression: &conn.Compression{ServerMaxWindowBits: 9, ClientMaxWindowBits: 9}},
	extension: extension{
		offer:    "permessage-deflate; client_max_window_bits",
		answer:   "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
		response: "permessage-deflate; server_max_window_bits=9",
	},
	rows: []row{
		{"inside the window", "D7.1.2", send(f(0xC2, deflated(far(500)))), got(0x82, far(500)), open},
		{"at the edge of the window", "D7.1.2", send(f(0xC2, deflated(far(512)))), got(0x82, far(512)), open},
		{"one byte beyond", "D7.1.2", send(f(0xC2, deflated(far(513)))), "", corrupt(tooFar)},
		{"far beyond", "D7.1.2", send(f(0xC2, deflated(far(20_000)))), "", corrupt(tooFar)},
		{"in the message before", "D7.1.2", send(f(0xC2, deflated(x(600))), f(0xC1, unhex("f2 00 11 00 00"))), got(0x82, x(600)) + got(0x81, "Hxxxx"), open},
	},
}

// plain are frames where compression was offered by nobody, though it is on.
var plain = table{name: "plain", options: conn.Options{Compression: &conn.Compression{}}, rows: []row{
	{"RSV1 on text", "D6", send(head(0xC1)), "", reservedBit},
	{"RSV1 on binary", "D6", send(head(0xC2, 7)), "", reservedBit},
	{"RSV1 on an empty frame", "D6", send(f(0xC2, "")), "", reservedBit},
	{"RSV1 on a fragment", "D6", send(head(0x41)), "", reservedBit},
	{"a plain message", "D6", send(f(0x81, "a")), got(0x81, "a"), open},
}}

// hangupsCompressed are hangups in the middle of something compressed.
var hangupsCompressed = table{name: "hang up compressed", options: conn.Options{Compression: &conn.Compression{}}, extension: agreed, rows: []row{
	{"inside a message", "7.1.5", send(f(0x41, hello[:3])), "", lost},
	{"inside a frame", "7.1.5", send(claim(0xC1, 0, 100, hello[:3])), "", lost},
	{"inside a bomb", "7.1.5", send(f(0x42, deflated(x(500_000))[:200])), "", lost},
	{"behind a message", "7.1.5", send(f(0xC1, hello)), got(0x81, "Hello"), lost},
	{"inside the next", "7.1.5", send(f(0xC1, hello), f(0x41, helloAgain[:2])), got(0x81, "Hello"), lost},
}}
