package hostile

import "fmt"

// An end is how a row ends.
type end struct {
	bytes string // the last frame, as a server sends it
	err   string // what the application gets
	kind  kind
}

type kind uint8

const (
	isOpen    kind = iota // nothing has ended
	isFailure             // whoever sends the Close frame ends the stream, in both roles
	isClosed              // the peer has closed; the server ends the stream first
	isLost                // the peer hangs up after what it has sent
)

// open: the connection goes on.
var open = end{kind: isOpen}

// fails is the end for a rule that was broken.
func fails(code uint16, section, text string) end {
	rfc := 6455
	if section[0] == 'D' {
		rfc, section = 7692, section[1:]
	}
	reason := fmt.Sprintf("%s (RFC %d, section %s; close code %d)", text, rfc, section, code)
	return end{
		bytes: got(0x88, closing(code, reason)),
		err:   "duplex: failed the connection: " + reason,
		kind:  isFailure,
	}
}

// corrupt is the end for a compressed message that cannot be inflated.
func corrupt(why string) end {
	e := fails(1007, "D7.2.2", "the compressed message cannot be inflated")
	e.err += ": " + why
	return e
}

var (
	reservedBit        = fails(1002, "5.2", "a reserved bit is set that no extension has defined")
	reservedOpcode     = fails(1002, "5.2", "the opcode is reserved")
	notMasked          = fails(1002, "5.1", "a frame from the client is not masked")
	maskedByServer     = fails(1002, "5.1", "a frame from the server is masked")
	lengthNotMinimal   = fails(1002, "5.2", "the payload length is not in its shortest form")
	lengthTopBit       = fails(1002, "5.2", "the payload length has its most significant bit set")
	controlFragmented  = fails(1002, "5.5", "a control frame is fragmented")
	controlTooLong     = fails(1002, "5.5", "a control frame has more than 125 bytes")
	unexpectedContinue = fails(1002, "5.4", "a continuation frame has no message to continue")
	interleaved        = fails(1002, "5.4", "a new message begins inside an unfinished one")
	closeTooShort      = fails(1002, "5.5.1", "the close body has one byte")
	closeCode          = fails(1002, "7.4", "the close code may not be sent")
	closeReason        = fails(1007, "8.1", "the close reason is not valid UTF-8")
	notUTF8            = fails(1007, "8.1", "the text is not valid UTF-8")
	tooBig             = fails(1009, "10.4", "the message is larger than the read limit")
)

// byPeer: the peer sends a Close frame with this body, which is answered with the same.
func byPeer(body, err string) end {
	return end{got(0x88, body), "duplex: closed by the peer: " + err, isClosed}
}

// lost: the peer hangs up where it must not.
var lost = end{err: "duplex: the connection was lost: unexpected EOF (1006)", kind: isLost}
