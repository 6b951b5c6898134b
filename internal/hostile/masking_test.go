package hostile

// serverRows are for servers: what a client must mask.
var serverRows = table{name: "masking", rows: []row{
	{"text, not masked", "5.1", send(raw("81 05 48656c6c6f")), "", notMasked},
	{"text, not masked, its first two bytes", "5.1", send(raw("81 05")), "", notMasked},
	{"binary, not masked", "5.1", send(raw("82 00")), "", notMasked},
	{"a first fragment, not masked", "5.1", send(raw("01 01")), "", notMasked},
	{"a continuation, not masked", "5.1", send(f(0x01, "a"), raw("80 01")), "", notMasked},
	{"a Ping, not masked", "5.1", send(raw("89 00")), "", notMasked},
	{"a Pong, not masked", "5.1", send(raw("8a 00")), "", notMasked},
	{"a Close, not masked", "5.1", send(raw("88 00")), "", notMasked},
	{"a Close with a code, not masked", "5.1", send(raw("88 02 03e8")), "", notMasked},
	{"an extended length, not masked", "5.1", send(raw("82 7e")), "", notMasked},
	{"a 64-bit length, not masked", "5.1", send(raw("82 7f")), "", notMasked},
	{"not masked and reserved", "5.2", send(raw("83 00")), "", reservedOpcode},
	{"not masked and a reserved bit", "5.2", send(raw("c1 00")), "", reservedBit},
	{"not masked, behind a message", "5.1", send(f(0x81, "a"), raw("81 01")), got(0x81, "a"), notMasked},
	{"the example of a masked text", "5.7", send(raw("81 85 37fa213d 7f9f4d5158")), got(0x81, "Hello"), open},
	{"a key of zeros", "5.3", send(raw("81 85 00000000 48656c6c6f")), got(0x81, "Hello"), open},
	{"a key that is the text", "5.3", send(raw("82 84 48656c6c 48656c6c")), got(0x82, "\x00\x00\x00\x00"), open},
	{"keys that change", "5.3", send(raw("01 82 00000000 4865"), raw("80 83 ffffffff 939390")), got(0x81, "Hello"), open},
	{"a payload cut inside the key", "7.1.5", send(raw("82 85 37fa")), "", lost},
	{"an empty frame with half a key", "7.1.5", send(raw("81 80 37fa")), "", lost},
}}

// clientRows are for clients: what a server must not mask.
var clientRows = table{name: "masking", rows: []row{
	{"text, masked", "5.1", send(raw("81 85 37fa213d 7f9f4d5158")), "", maskedByServer},
	{"text, masked, its first two bytes", "5.1", send(raw("81 85")), "", maskedByServer},
	{"text, masked with zeros", "5.1", send(raw("81 85 00000000 48656c6c6f")), "", maskedByServer},
	{"an empty message, masked", "5.1", send(raw("82 80")), "", maskedByServer},
	{"a continuation, masked", "5.1", send(f(0x01, "a"), raw("80 81")), "", maskedByServer},
	{"a Ping, masked", "5.1", send(raw("89 80")), "", maskedByServer},
	{"a Pong, masked", "5.1", send(raw("8a 80")), "", maskedByServer},
	{"a Close, masked", "5.1", send(raw("88 80")), "", maskedByServer},
	{"an extended length, masked", "5.1", send(raw("82 fe")), "", maskedByServer},
	{"masked and reserved", "5.2", send(raw("83 80")), "", reservedOpcode},
	{"masked, behind a message", "5.1", send(f(0x81, "a"), raw("81 81")), got(0x81, "a"), maskedByServer},
}}
