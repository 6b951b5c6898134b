package deflate

import "errors"

// ErrHistory is returned by a [Decoder] whose caller broke the contract: the buffer
// no longer ends with everything that was output since the last Keep.
var ErrHistory = errors.New("deflate: the buffer does not hold the output of the message so far")

// Decoder inflates the messages of one direction of a connection.
//
// The compressed bytes of a message are given to Append, in pieces of any size as
// they arrive; End is called after the last of them.
//
// Between messages a Decoder holds its window and nothing else, and no window before
// the first message or without takeover. The zero Decoder is ready to use, with the
// zero [Window]. A Decoder must not be copied or used concurrently.
type Decoder struct {
	past   history
	f      *inflater // nil between messages
	window Window
	fresh  int // bytes of the message output since the last Keep
	err    error
}

// NewDecoder returns a Decoder for the window that the peer's compressor has agreed
// to keep.
func NewDecoder(w Window) *Decoder { return &Decoder{window: w} }

// Append inflates src into the spare capacity of buf, which it never grows, and
// returns the extended slice and the number of bytes of src that were taken. All of
// src is taken unless the capacity is used up; the call is then to be repeated with
// more room and the rest of src.
//
// The last bytes of buf must be what was output of the message so far, or since the
// last call of [Decoder.Keep]: matches refer to it. What lies before is not looked
// at. The capacity beyond the returned slice may be overwritten. Neither slice is
// kept.
//
// Errors are of type [Corrupt], but for [ErrHistory]; they are final, and come with
// the output up to the error.
func (d *Decoder) Append(buf, src []byte) (out []byte, n int, err error) {
	if d.err != nil {
		return buf, 0, d.err
	}
	if d.fresh > len(buf) {
		d.stop(ErrHistory)
		return buf, 0, ErrHistory
	}
	if d.f == nil {
		d.begin()
	}
	f, base := d.f, len(buf)-d.fresh
	f.used = f.used || len(src) > 0
	f.in, f.out, f.pos = src, buf[base:cap(buf)], d.fresh
	err = f.run()
	out, n, d.fresh = buf[:base+f.pos], len(src)-len(f.in), f.pos
	f.in, f.out = nil, nil
	if err != nil {
		d.stop(err)
	}
	return out, n, err
}

// End says that all bytes of the message have been given to Append. It acts as if 00
// 00 FF FF came next, appends to buf what is still to be output and returns done. If
// there is not enough room it returns false without an error and is to be called
// again with more.
//
// A message that does not end where a sender is to end it is an error, [EarlyEnd].
// One that has no bytes at all is taken for an empty one.
//
// RFC 7692, section 7.2.2 (D7.2.2-01).
func (d *Decoder) End(buf []byte) (out []byte, done bool, err error) {
	out, _, err = d.Append(buf, nil)
	switch {
	case err != nil:
		return out, false, err
	case !d.f.atMarker() && d.f.used:
		if d.f.full {
			return out, false, nil
		}
		d.stop(EarlyEnd)
		return out, false, EarlyEnd
	}
	if !d.window.NoTakeover {
		d.Keep(out)
	}
	d.stop(nil)
	return out, true, nil
}

// Keep copies into the Decoder what later matches may refer to, so that the next
// Append or End can be given another buffer. buf is what Append returned. A message
// that stays in one buffer from its beginning to its end needs no Keep.
func (d *Decoder) Keep(buf []byte) {
	if d.f == nil || d.fresh > len(buf) {
		return
	}
	d.f.past.add(buf[len(buf)-d.fresh:], d.f.size)
	d.fresh = 0
}

// Reset gives up a message that was begun, forgets the window and any error, and
// makes d ready for first messages in window w. A connection that ends resets its
// Decoder, so that the working state of an unfinished message is used again.
func (d *Decoder) Reset(w Window) {
	d.stop(nil)
	d.window, d.past = w, history{}
}

// begin takes the working state for a message.
func (d *Decoder) begin() {
	d.f = inflaters.Get().(*inflater)
	past := &d.past
	if d.window.NoTakeover {
		past = nil
	}
	d.f.begin(d.window.size(), past)
}

// stop gives the working state back; an error is final.
func (d *Decoder) stop(err error) {
	if d.f != nil {
		d.f.release()
		d.f = nil
	}
	d.err, d.fresh = err, 0
}
