package deflate

import "errors"

// ErrUnfinished is returned for what can only be done between messages.
var ErrUnfinished = errors.New("deflate: a message is unfinished")

// Encoder compresses the messages of one direction of a connection.
//
// A message is given to Append in pieces of any size; End is called after the last.
// Compressed bytes are appended to the caller's slice as they come into being.
//
// Between messages an Encoder holds its window and nothing else, and no window before
// the first message or without takeover. The zero Encoder is ready to use, with the
// zero [Window] and [Level]. An Encoder must not be copied or used concurrently.
type Encoder struct {
	past   history
	c      *compressor // nil between messages
	window Window
	level  Level
}

// NewEncoder returns an Encoder that keeps to the window agreed.
func NewEncoder(w Window, l Level) *Encoder { return &Encoder{window: w, level: l} }

// Append takes src as the next part of the message and appends to dst what can be
// sent of it, which may be nothing. It holds back less than 64 KiB of text.
// Neither slice is kept.
//
// RFC 7692, section 7.2.1.
func (e *Encoder) Append(dst, src []byte) []byte {
	e.begin()
	return e.c.append(dst, src)
}

// Flush appends to dst all that is held back of the message, so that the receiver can
// inflate everything given to Append so far. It costs up to five bytes.
//
// RFC 7692, section 7.2.1 (D7.2.1-04).
func (e *Encoder) Flush(dst []byte) []byte {
	e.begin()
	dst = e.c.w.beginStored(e.c.flush(dst))
	return append(dst, 0, 0, 0xff, 0xff)
}

// End appends the rest of the message to dst. What the calls for a message have
// appended is the payload to send: the last four bytes 00 00 FF FF are not part of
// it. An empty message is the byte 00.
//
// RFC 7692, section 7.2.1 (D7.2.1-01).
func (e *Encoder) End(dst []byte) []byte {
	e.begin()
	dst = e.c.w.beginStored(e.c.flush(dst))
	if !e.window.NoTakeover {
		e.past.add(e.c.message(), e.window.size())
	}
	e.c.release()
	e.c = nil
	return dst
}

// Add tells e of the text of a message that was compressed elsewhere, without
// history, and sent compressed: the receiver has it in its window.
func (e *Encoder) Add(text []byte) error {
	if e.c != nil {
		return ErrUnfinished
	}
	if !e.window.NoTakeover {
		e.past.add(text, e.window.size())
	}
	return nil
}

// Forget makes the next message begin with an empty window, and frees the memory.
// Instead of [Encoder.Add] it may be called after a message that was compressed
// elsewhere: the matches of later messages then reach back to this moment only.
func (e *Encoder) Forget() error {
	if e.c != nil {
		return ErrUnfinished
	}
	e.past = history{}
	return nil
}

// Reset gives up a message that was begun, forgets the window and makes e ready for
// first messages. A connection that ends resets its Encoder, so that the working
// state of an unfinished message is used again.
func (e *Encoder) Reset(w Window, l Level) {
	if e.c != nil {
		e.c.release()
	}
	*e = Encoder{window: w, level: l}
}

// begin takes the working state for a message.
func (e *Encoder) begin() {
	if e.c != nil {
		return
	}
	e.c = compressors.Get().(*compressor)
	past := &e.past
	if e.window.NoTakeover {
		past = nil
	}
	e.c.begin(e.level.get(e.window), e.window.size(), past)
}
