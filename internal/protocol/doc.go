// Package protocol is the message layer of RFC 6455 without any I/O: fragmentation
// (section 5.4), control frames between fragments (5.5), text (8.1), limits (10.4)
// and the states of the closing handshake (7).
//
// It consists of three values. A [Receiver] judges what comes in: it is shown the
// bytes that have arrived, says what comes next, and is told the payload bytes that
// its caller takes, wherever they land. A [Sender] keeps the order of what goes out.
// [State] is the closing handshake as one table. None of them does I/O, starts a
// goroutine, looks at a clock, allocates, or keeps a slice; none is safe for
// concurrent use. A connection uses the Receiver while it holds its read turn, the
// Sender while it holds its write turn, and guards the State with a lock of its own.
//
// Frame bytes and message bytes are checked by separate calls: [Receiver.Frame] is
// told what came off the wire and unmasks it, [Receiver.Message] is told what the
// application will see and checks text and size. Without an extension the two are
// the same bytes; with one, an inflater stands between the calls.
//
// Every violation of the protocol is reported as a frame.Violation, before anything
// is allocated for the frame that carries it and as soon as the bytes that show it
// have arrived: reserved bits, opcodes, masking, fragment order and control frames
// from the first two bytes of a header, a length that is malformed or beyond the limit
// from the byte that shows it, invalid text from the byte that makes it invalid.
package protocol
