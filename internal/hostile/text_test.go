package hostile

// text is UTF-8, valid and not; what is invalid shows with its first wrong byte, before
// the frame is there.
var text = table{name: "text", rows: []row{
	{"all lengths of characters", "8.1", send(f(0x81, "aκ\u20ac\U0001F600")), got(0x81, "aκ\u20ac\U0001F600"), open},
	{"the last code point", "8.1", send(f(0x81, "\U0010FFFF")), got(0x81, "\U0010FFFF"), open},
	{"noncharacters and NUL", "8.1", send(f(0x81, "\x00\uFFFE\uFFFF")), got(0x81, "\x00\uFFFE\uFFFF"), open},
	{"a byte order mark", "8.1", send(f(0x81, "\uFEFFa")), got(0x81, "\uFEFFa"), open},
	{"characters cut between fragments", "8.1", send(f(0x01, "\xf0\x9f"), f(0x00, "\x98"), f(0x80, "\x80")), got(0x81, "\U0001F600"), open},
	{"any bytes in binary", "5.6", send(f(0x82, "\xff\xc0\x80\xed\xa0\x80")), got(0x82, "\xff\xc0\x80\xed\xa0\x80"), open},

	{"FF", "8.1", send(f(0x81, "\xff")), "", notUTF8},
	{"FE", "8.1", send(f(0x81, "\xfe")), "", notUTF8},
	{"a continuation byte alone", "8.1", send(f(0x81, "\x80")), "", notUTF8},
	{"the last continuation byte alone", "8.1", send(f(0x81, "a\xbf")), "", notUTF8},
	{"two bytes, overlong", "8.1", send(f(0x81, "\xc0\xaf")), "", notUTF8},
	{"C1, overlong", "8.1", send(f(0x81, "\xc1\xbf")), "", notUTF8},
	{"three bytes, overlong", "8.1", send(f(0x81, "\xe0\x80\xaf")), "", notUTF8},
	{"three bytes, overlong by one", "8.1", send(f(0x81, "\xe0\x9f\xbf")), "", notUTF8},
	{"four bytes, overlong", "8.1", send(f(0x81, "\xf0\x80\x80\xaf")), "", notUTF8},
	{"four bytes, overlong by one", "8.1", send(f(0x81, "\xf0\x8f\xbf\xbf")), "", notUTF8},
	{"the first surrogate", "8.1", send(f(0x81, "\xed\xa0\x80")), "", notUTF8},
	{"the last surrogate", "8.1", send(f(0x81, "\xed\xbf\xbf")), "", notUTF8},
	{"a pair of surrogates", "8.1", send(f(0x81, "\xed\xa0\x80\xed\xb0\x80")), "", notUTF8},
	{"beyond the last code point", "8.1", send(f(0x81, "\xf4\x90\x80\x80")), "", notUTF8},
	{"F5", "8.1", send(f(0x81, "\xf5\x80\x80\x80")), "", notUTF8},
	{"five bytes", "8.1", send(f(0x81, "\xf8\x88\x80\x80\x80")), "", notUTF8},
	{"six bytes", "8.1", send(f(0x81, "\xfc\x84\x80\x80\x80\x80")), "", notUTF8},
	{"a character that is not continued", "8.1", send(f(0x81, "\xce\x41")), "", notUTF8},
	{"a character cut by the end", "8.1", send(f(0x81, "a\xce")), "", notUTF8},
	{"three bytes cut by the end", "8.1", send(f(0x81, "\xe2\x82")), "", notUTF8},
	{"four bytes cut by the end", "8.1", send(f(0x81, "\xf0\x9f\x98")), "", notUTF8},
	{"a character cut by an empty last fragment", "8.1", send(f(0x01, "\xce"), f(0x80, "")), "", notUTF8},
	{"a character not continued in the next fragment", "8.1", send(f(0x01, "\xce"), f(0x80, "\x41")), "", notUTF8},
	{"a surrogate cut between fragments", "8.1", send(f(0x01, "\xed"), f(0x80, "\xa0")), "", notUTF8},
	{"behind a good message", "8.1", send(f(0x81, "a"), f(0x81, "\xff")), got(0x81, "a"), notUTF8},
	{"behind a Ping inside the message", "8.1", send(f(0x01, "a"), f(0x89, "p"), f(0x80, "\xff")), got(0x8A, "p"), notUTF8},

	// The rest of the frame, or of the message, is never sent.
	{"in a frame that is not whole", "8.1", send(claim(0x81, 0, 100, "a\xff")), "", notUTF8},
	{"in a large frame that is not whole", "8.1", send(claim(0x81, 0, 100_000, x(5000)+"\xff")), "", notUTF8},
	{"in a message that goes on", "8.1", send(f(0x01, "\xed\xa0")), "", notUTF8},
	{"in a later fragment that is not whole", "8.1", send(f(0x01, "a\xf4"), claim(0x00, 0, 100, "\x90")), "", notUTF8},
}}
