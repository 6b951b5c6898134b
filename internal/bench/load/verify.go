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
// and compares what comes back, inflated, with the texts.
func Verify(addr string, offer bool, s *Stream) error {
	nc, br, a, err := Dial(addr, offer)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	in := newInflater(a.Terms.Server)
	for i := range 2 * s.Len() {
		i %= s.Len()
		// Written by another goroutine: a server may echo before it has all.
		go nc.Write(s.message(i))
		payload, compressed, err := readMessage(br)
		if err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		if compressed != a.Compressed {
			return fmt.Errorf("message %d: compressed is %t, agreed was %t", i, compressed, a.Compressed)
		}
		if compressed {
			if payload, err = in.inflate(payload, len(s.Texts[i])); err != nil {
				return fmt.Errorf("message %d: %w", i, err)
			}
		}
		if !bytes.Equal(payload, s.Texts[i]) {
			return fmt.Errorf("message %d came back as %d other bytes", i, len(payload))
		}
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
