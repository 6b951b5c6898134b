package load

import (
	"errors"
	"fmt"

	"github.com/duplexws/duplex/frame"
)

// replies counts the messages in what the other side sends, as it arrives.
type replies struct {
	from  frame.Role
	head  [frame.MaxHeaderLen]byte // a header that has begun
	have  int                      // bytes of it
	body  uint64                   // bytes of the payload still to come
	fin   bool                     // of the frame being read
	sizes *Stream                  // for a server without frames: what comes back is what was sent
	index int                      // in sizes
	bytes uint64                   // payload bytes of whole messages, as sent
}

// take reads b and returns the number of messages that have ended in it.
func (r *replies) take(b []byte) (messages int, err error) {
	for {
		if n := min(r.body, uint64(len(b))); n > 0 {
			r.body -= n
			b = b[n:]
			if r.body == 0 && r.fin {
				messages++
			}
		}
		if len(b) == 0 {
			return messages, nil
		}
		if r.sizes != nil {
			r.body = uint64(len(r.sizes.message(r.index)))
			r.index = (r.index + 1) % r.sizes.Len()
			r.fin = true
			r.bytes += r.body
			continue
		}
		n, err := r.header(b)
		if err != nil {
			return messages, err
		}
		b = b[n:]
		if r.have == 0 && r.body == 0 && r.fin {
			messages++ // an empty last frame
		}
	}
}

// header reads a header from b, or as much of it as there is, and returns the number
// of bytes that it took.
func (r *replies) header(b []byte) (n int, err error) {
	var h frame.Header
	if r.have == 0 {
		h, n, err = frame.Parse(b)
		if errors.Is(err, frame.ErrShort) {
			r.have = copy(r.head[:], b)
			return r.have, nil
		}
	} else {
		before := r.have
		r.have += copy(r.head[before:], b)
		h, n, err = frame.Parse(r.head[:r.have])
		if errors.Is(err, frame.ErrShort) {
			return r.have - before, nil
		}
		n -= before
		r.have = 0
	}
	if err == nil {
		err = h.Check(r.from, frame.RSV1)
	}
	if err == nil && h.Opcode.IsControl() {
		err = fmt.Errorf("the %s sent a %s frame", r.from, h.Opcode)
	}
	r.body, r.fin = h.Length, h.Fin
	r.bytes += h.Length
	return n, err
}
