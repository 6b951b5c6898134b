// Package hostile is a test suite: peers that break the rules, lie about lengths, flood,
// stall and hang up, against connections of package conn over TCP. It has nothing but
// tests; run them with go test ./internal/hostile.
//
// # How to read a row
//
// The tables of frames hold for both roles: a row is run against servers, behind net/http
// and with conn.Listen, and against a client, each of which echoes messages by Read and
// Write and again by Serve. It is run with the bytes together with the opening handshake
// in one write, in one write of their own, and in a segment for each byte. A row is
//
//	{"reserved opcode 3", "5.2", send(head(0x83)), "", reservedOpcode}
//
// and says: with these frames sent, here the first two bytes of one, the peer gets exactly
// these bytes, here none; and then the end, here the Close frame of that failure. Sections
// are those of RFC 6455, or, with a D before them, of RFC 7692.
//
// What is sent is written in parts: f is a whole frame, head the first two bytes of one,
// claim a frame whose announced length is not that of its payload, raw any bytes. The first
// byte of a frame is written as it is on the wire: FIN, reserved bits and opcode. Parts
// are masked on their way to a server and not on their way to a client. What is
// expected is written with got, in frames of a server; those of a client must be
// masked, each with another key, and are compared unmasked.
//
// # How a row ends
//
// open: the connection is as good as before: it answers a Ping, and a Close with
// the same, and then TCP is closed, by the server first.
//
// A failure (reservedOpcode and the like): a Close frame with exactly this code and reason
// comes, and then the end of the stream, from whoever failed, in either role.
//
// byPeer: the Close frame that was sent is answered with these bytes, then TCP is closed,
// by the server first: a client leaves it open, and takes what still comes, until the
// server has closed it.
//
// lost: the peer hangs up; nothing comes but the end of the stream.
//
// Each end has the error that the application gets, to the letter. The rows of requests and
// responses have an HTTP status in its place; their types are described where they stand.
//
// # Memory and goroutines
//
// The tests of floods, claims, bombs and slow peers hold many connections at a time
// and compare heap and goroutines with what they were before, during the attack and after
// it. They do not run in parallel with others, so that the figures are their own.
package hostile
