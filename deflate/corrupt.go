package deflate

import "fmt"

// Corrupt names what is wrong with a compressed message. It is an error. Corrupts
// are constants: compare them with errors.Is or ==.
//
// The zero Corrupt names nothing.
type Corrupt uint8

// What a [Decoder] finds.
const (
	// BlockType: a block of the reserved type 3.
	BlockType Corrupt = iota + 1
	// StoredLength: the length of a stored block does not match its complement.
	StoredLength
	// CodeCount: a block declares more than 286 literal/length or 30 distance codes.
	CodeCount
	// CodeLengthCode: the code for the code lengths is over-subscribed or incomplete.
	CodeLengthCode
	// CodeLengthRepeat: a code length is repeated with none before it, or past the
	// declared number of codes.
	CodeLengthRepeat
	// NoEndOfBlock: a block has no code for its end.
	NoEndOfBlock
	// LiteralCode: the literal/length code is over-subscribed or incomplete.
	LiteralCode
	// DistanceCode: the distance code is over-subscribed or incomplete.
	DistanceCode
	// LiteralSymbol: a code that stands for no literal or length.
	LiteralSymbol
	// DistanceSymbol: a code that stands for no distance.
	DistanceSymbol
	// DistanceTooFar: a match reaches further back than the window, or to before the
	// first byte.
	DistanceTooFar
	// EarlyEnd: the message ends elsewhere than after the header of an empty stored
	// block, whose last four bytes are not sent.
	EarlyEnd
)

// findings is indexed by Corrupt.
var findings = [...]struct{ section, text string }{
	0:                {"", ""},
	BlockType:        {"RFC 1951, section 3.2.3", "the block type is reserved"},
	StoredLength:     {"RFC 1951, section 3.2.4", "the length of a stored block does not match its complement"},
	CodeCount:        {"RFC 1951, section 3.2.7", "there are too many literal/length or distance codes"},
	CodeLengthCode:   {"RFC 1951, section 3.2.7", "the code for the code lengths is not complete and prefix-free"},
	CodeLengthRepeat: {"RFC 1951, section 3.2.7", "a repeated code length has none before it or goes past the last code"},
	NoEndOfBlock:     {"RFC 1951, section 3.2.5", "there is no code for the end of the block"},
	LiteralCode:      {"RFC 1951, section 3.2.2", "the literal/length code is not complete and prefix-free"},
	DistanceCode:     {"RFC 1951, section 3.2.2", "the distance code is not complete and prefix-free"},
	LiteralSymbol:    {"RFC 1951, section 3.2.5", "a code stands for no literal or length"},
	DistanceSymbol:   {"RFC 1951, section 3.2.5", "a code stands for no distance"},
	DistanceTooFar:   {"RFC 7692, section 7.2.2", "a match reaches further back than the window"},
	EarlyEnd:         {"RFC 7692, section 7.2.2", "the message ends inside a block"},
}

// Error returns one line: what is wrong and the section that says so.
func (c Corrupt) Error() string {
	if c == 0 || int(c) >= len(findings) {
		return fmt.Sprintf("deflate: corrupt %d names nothing", uint8(c))
	}
	return fmt.Sprintf("deflate: %s (%s)", findings[c].text, findings[c].section)
}
