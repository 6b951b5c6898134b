// Package frame implements the wire format of RFC 6455: frame headers
// (section 5.2), opcodes (5.2, 5.5, 5.6), close bodies (5.5.1), status codes
// (7.4), and the rules that can be judged from one frame alone.
//
// [Parse] reads a header from a byte slice and [Header.Append] writes one, so
// that Append(Parse(b)) gives back the same bytes. [Header.Check] applies the
// rules that need no memory of earlier frames: reserved bits and opcodes, masking
// direction, size and fragmentation of control frames. What needs memory, the
// order of fragments and the text that runs across them, is the business of a
// message layer above; package conn has one.
//
// Every rule that a peer can break is a [Violation]: an error value that knows the
// close code to answer with and the section that states the rule. Violations are
// constants and are told apart with errors.Is, or with ==.
//
// The package does no I/O, starts no goroutine and never allocates, but for the
// strings that [ParseClose] returns and the slices that the Append functions grow.
// No function keeps a slice it is given; all of them may be called concurrently.
// Payload bytes are not touched here: package mask unmasks them.
package frame
