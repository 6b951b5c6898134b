package hostile

// fragments are messages in pieces, right and wrong.
var fragments = table{name: "fragments", rows: []row{
	{"a continuation of nothing", "5.4", send(head(0x80)), "", unexpectedContinue},
	{"a continuation without FIN of nothing", "5.4", send(head(0x00)), "", unexpectedContinue},
	{"a continuation behind a message", "5.4", send(f(0x81, "a"), head(0x80)), got(0x81, "a"), unexpectedContinue},
	{"a continuation behind a last fragment", "5.4", send(f(0x01, "a"), f(0x80, "b"), head(0x80)), got(0x81, "ab"), unexpectedContinue},
	{"a continuation behind a Ping", "5.4", send(f(0x89, "a"), head(0x80)), got(0x8A, "a"), unexpectedContinue},
	{"text inside text", "5.4", send(f(0x01, "a"), head(0x81)), "", interleaved},
	{"binary inside text", "5.4", send(f(0x01, "a"), head(0x82)), "", interleaved},
	{"text inside binary", "5.4", send(f(0x02, "a"), head(0x81)), "", interleaved},
	{"a first fragment inside a message", "5.4", send(f(0x02, "a"), head(0x02)), "", interleaved},
	{"text behind an empty first fragment", "5.4", send(f(0x01, ""), head(0x81)), "", interleaved},
	{"text inside a message, behind a Ping", "5.4", send(f(0x01, "a"), f(0x89, "p"), head(0x81)), got(0x8A, "p"), interleaved},

	{"two fragments", "5.4", send(f(0x01, "Hel"), f(0x80, "lo")), got(0x81, "Hello"), open},
	{"three fragments", "5.4", send(f(0x02, "a"), f(0x00, "b"), f(0x80, "c")), got(0x82, "abc"), open},
	{"an empty last fragment", "5.4", send(f(0x01, "a"), f(0x80, "")), got(0x81, "a"), open},
	{"an empty first fragment", "5.4", send(f(0x01, ""), f(0x80, "a")), got(0x81, "a"), open},
	{"empty fragments in between", "5.4", send(f(0x02, "a"), f(0x00, ""), f(0x00, ""), f(0x80, "b")), got(0x82, "ab"), open},
	{"nothing but empty fragments", "5.4", send(f(0x01, ""), f(0x00, ""), f(0x80, "")), got(0x81, ""), open},
	{"an empty message", "5.6", send(f(0x81, "")), got(0x81, ""), open},
	{"an empty binary message", "5.6", send(f(0x82, "")), got(0x82, ""), open},
	{"a Ping between fragments", "5.4", send(f(0x01, "a"), f(0x89, "p"), f(0x80, "b")), got(0x8A, "p") + got(0x81, "ab"), open},
	{"an empty Ping between fragments", "5.4", send(f(0x01, "a"), f(0x89, ""), f(0x80, "b")), got(0x8A, "") + got(0x81, "ab"), open},
	{"a Pong between fragments", "5.4", send(f(0x02, "a"), f(0x8A, "p"), f(0x80, "b")), got(0x82, "ab"), open},
	{"a Ping inside a character", "5.4", send(f(0x01, "\xce"), f(0x89, "p"), f(0x80, "\xba")), got(0x8A, "p") + got(0x81, "κ"), open},
	{"fragments in long form", "5.2", send(f(0x02, x(126)), f(0x80, x(200))), got(0x82, x(326)), open},
	{"a Close inside a message", "5.4", send(f(0x01, "a"), f(0x88, closing(1000, ""))), "", byPeer(closing(1000, ""), "1000 (normal closure)")},
	{"a Close inside a character", "5.4", send(f(0x01, "\xce"), f(0x88, closing(1001, ""))), "", byPeer(closing(1001, ""), "1001 (going away)")},
	{"messages one after the other", "5.4", send(f(0x81, "a"), f(0x82, "b"), f(0x01, "c"), f(0x80, "d")), got(0x81, "a") + got(0x82, "b") + got(0x81, "cd"), open},
}}

// controls are Pings and Pongs.
var controls = table{name: "controls", rows: []row{
	{"a Ping", "5.5.2", send(f(0x89, "Hello")), got(0x8A, "Hello"), open},
	{"an empty Ping", "5.5.2", send(f(0x89, "")), got(0x8A, ""), open},
	{"a Ping of 125 bytes", "5.5.2", send(f(0x89, x(125))), got(0x8A, x(125)), open},
	{"a Ping with any bytes", "5.5.2", send(f(0x89, "\x00\xff\xfe\xc0")), got(0x8A, "\x00\xff\xfe\xc0"), open},
	{"a Pong nobody asked for", "5.5.3", send(f(0x8A, "Hello")), "", open},
	{"an empty Pong", "5.5.3", send(f(0x8A, "")), "", open},
	{"a Pong of 125 bytes", "5.5.3", send(f(0x8A, x(125))), "", open},
	{"a Pong like one of ours", "5.5.3", send(f(0x8A, "\x00\x00\x00\x00\x00\x00\x00\x01")), "", open},
	{"a Ping behind a message", "5.5.2", send(f(0x81, "a"), f(0x89, "p")), got(0x81, "a") + got(0x8A, "p"), open},
	{"a Ping before a message", "5.5.2", send(f(0x89, "p"), f(0x81, "a")), got(0x8A, "p") + got(0x81, "a"), open},
	{"a Ping between messages", "5.5.2", send(f(0x81, "a"), f(0x89, "p"), f(0x81, "b")), got(0x81, "a") + got(0x8A, "p") + got(0x81, "b"), open},
	{"a Ping and a Close", "5.5.2", send(f(0x89, "p"), f(0x88, "")), got(0x8A, "p"), byPeer("", "1005 (no status received)")},
	{"a Ping cut by the end", "7.1.5", send(head(0x89, 125)), "", lost},
}}
