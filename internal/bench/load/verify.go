package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/duplexws/duplex/frame"
)

// Verify sends the stream on a connection of its own, twice, one message at a time,
// and compares what comes back, inflated, with the texts. It returns the number of
// bytes of the payloads that came back the second time, when a window is full.
func Verify(addr string, offer bool, s *Stream) (size int, err error) {
	nc, br, a, err := Dial(addr, offer)
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(timeout)); err != nil {
		return 0, err
	}
	in := newInflater(a.Terms.Server)
	for range 2 {
		size = 0
		for i := range s.Len() {
			// Written by another goroutine: a server may echo before it has all.
			go nc.Write(s.message(i))
			payload, compressed, err := readMessage(br)
			if err == nil && compressed != a.Compressed {
				err = fmt.Errorf("compressed is %t, agreed was %t", compressed, a.Compressed)
			}
			if err == nil {
				err = in.compare(payload, compressed, s.Texts[i])
			}
			if err != nil {
				return 0, fmt.Errorf("message %d: %w", i, err)
			}
			size += len(payload)
		}
	}
	return size, nil
}

// compare inflates the payload, if it is compressed, and compares it with the text.
func (f *inflater) compare(payload []byte, compressed bool, text []byte) error {
	if compressed {
		var err error
		if payload, err = f.inflate(payload, len(text)); err != nil {
			return err
		}
	}
	if !bytes.Equal(payload, text) {
		return fmt.Errorf("came back as %d other bytes", len(payload))
	}
	return nil
}

// readMessage reads the frames of one message.
func readMessage(br *bufio.Reader) (payload []byte, compressed bool, err error) {
	for first := true; ; first = false {
		var h frame.Header
		n := 2
		for {
			b, err := br.Peek(n)
			if err != nil {
				return nil, false, err
			}
			if h, n, err = frame.Parse(b); err == nil {
				break
			}
			if !errors.Is(err, frame.ErrShort) {
				return nil, false, err
			}
		}
		br.Discard(n)
		if err := h.Check(frame.Server, frame.RSV1); err != nil {
			return nil, false, err
		}
		if h.Opcode.IsControl() || (h.Opcode == frame.Continuation) == first {
			return nil, false, fmt.Errorf("unexpected %s frame", h.Opcode)
		}
		compressed = compressed || h.RSV == frame.RSV1
		at := len(payload)
		payload = append(payload, make([]byte, h.Length)...)
		if _, err := io.ReadFull(br, payload[at:]); err != nil {
			return nil, false, err
		}
		if h.Fin {
			return payload, compressed, nil
		}
	}
}
