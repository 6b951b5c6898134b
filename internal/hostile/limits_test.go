package hostile

import "github.com/duplexws/duplex/conn"

// limits are messages around a read limit of 1000 bytes.
var limits = table{name: "limits", options: conn.Options{ReadLimit: 1000}, rows: []row{
	{"the limit in a frame", "10.4", send(f(0x82, x(1000))), got(0x82, x(1000)), open},
	{"the limit in two fragments", "10.4", send(f(0x02, x(999)), f(0x80, "x")), got(0x82, x(1000)), open},
	{"the limit and an empty fragment", "10.4", send(f(0x02, x(1000)), f(0x80, "")), got(0x82, x(1000)), open},
	{"the limit again and again", "10.4", send(f(0x82, x(1000)), f(0x81, x(1000))), got(0x82, x(1000)) + got(0x81, x(1000)), open},
	{"the limit and a Ping inside", "10.4", send(f(0x02, x(600)), f(0x89, x(125)), f(0x80, x(400))), got(0x8A, x(125)) + got(0x82, x(1000)), open},
	{"one byte more in a frame", "10.4", send(claim(0x82, 0, 1001, "")), "", tooBig},
	{"one byte more of text", "10.4", send(claim(0x81, 0, 1001, "")), "", tooBig},
	{"one byte more in a last fragment", "10.4", send(f(0x02, x(1000)), head(0x80, 1)), "", tooBig},
	{"one byte more in a fragment", "10.4", send(f(0x02, x(1000)), head(0x00, 1)), "", tooBig},
	{"one byte more after a Ping", "10.4", send(f(0x02, x(1000)), f(0x89, "p"), head(0x80, 1)), got(0x8A, "p"), tooBig},
	{"a fragment that is too large", "10.4", send(f(0x02, "a"), claim(0x80, 0, 1000, "")), "", tooBig},
	{"a sum that would wrap", "10.4", send(f(0x02, "a"), claim(0x80, 8, 1<<63-1, "")), "", tooBig},
	{"behind a good message", "10.4", send(f(0x82, x(1000)), claim(0x82, 0, 1001, "")), got(0x82, x(1000)), tooBig},
	{"text that is not UTF-8 before the limit", "8.1", send(f(0x01, x(999)+"\xff"), head(0x80, 1)), "", notUTF8},
}}

// exactLimit has the default limit.
var exactLimit = table{name: "default limit", rows: []row{
	{"1 MiB", "10.4", send(f(0x82, x(1<<20))), got(0x82, x(1<<20)), open},
	{"1 MiB in two fragments", "10.4", send(f(0x02, x(1<<20-1)), f(0x80, "x")), got(0x82, x(1<<20)), open},
	{"one byte more", "10.4", send(claim(0x82, 0, 1<<20+1, "")), "", tooBig},
	{"one byte more in a fragment", "10.4", send(f(0x02, x(1<<20)), head(0x80, 1)), "", tooBig},
}}

// hangups are peers that end the stream in the middle of something.
var hangups = table{name: "hang up", rows: []row{
	{"at once", "7.1.5", nil, "", lost},
	{"behind a message", "7.1.5", send(f(0x81, "a")), got(0x81, "a"), lost},
	{"behind a Ping", "7.1.5", send(f(0x89, "a")), got(0x8A, "a"), lost},
	{"behind one byte of a header", "7.1.5", send(raw("81")), "", lost},
	{"inside a 16-bit length", "7.1.5", send(head(0x82, 125), raw("00*50")), "", lost},
	{"behind a first fragment", "7.1.5", send(f(0x01, "a")), "", lost},
	{"behind an empty fragment", "7.1.5", send(f(0x01, ""), f(0x00, "")), "", lost},
	{"inside a character", "7.1.5", send(f(0x01, "\xf0\x9f")), "", lost},
	{"inside a payload", "7.1.5", send(claim(0x82, 0, 100, "half")), "", lost},
	{"inside a large payload", "7.1.5", send(claim(0x82, 0, 1<<20, x(9000))), "", lost},
	{"inside a text that is one frame", "7.1.5", send(claim(0x81, 0, 100, "half")), "", lost},
	{"inside a Ping", "7.1.5", send(claim(0x89, 0, 100, "half")), "", lost},
	{"inside a Ping inside a message", "7.1.5", send(f(0x02, "a"), claim(0x89, 0, 100, "half")), "", lost},
	{"behind a Ping inside a message", "7.1.5", send(f(0x02, "a"), f(0x89, "p")), got(0x8A, "p"), lost},
}}
