package load

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	klauspost "github.com/klauspost/compress/flate"
)

// Deflated returns the stream of a client that compresses the messages as it has
// agreed to. The last message may be followed by the first: that one refers to
// nothing before it.
func Deflated(opcode frame.Opcode, messages [][]byte, w deflate.Window) (*Stream, error) {
	payloads, err := compress(messages, w)
	if err != nil {
		return nil, err
	}
	return frames(opcode, frame.RSV1, messages, payloads), nil
}

// compress makes the payloads with an encoder that is none of those compared: the
// standard library's at the level that browsers use, and where the window is smaller
// than that can do, klauspost's.
func compress(messages [][]byte, w deflate.Window) ([][]byte, error) {
	var out bytes.Buffer
	var z interface {
		io.Writer
		Flush() error
		Reset(io.Writer)
	}
	var err error
	if w.Bits == 0 || w.Bits == deflate.MaxWindowBits {
		z, err = flate.NewWriter(&out, 6)
	} else {
		z, err = klauspost.NewWriterWindow(&out, 1<<w.Bits)
	}
	if err != nil {
		return nil, err
	}
	payloads := make([][]byte, len(messages))
	for i, m := range messages {
		if w.NoTakeover {
			z.Reset(&out)
		}
		out.Reset()
		if _, err := z.Write(m); err != nil {
			return nil, err
		}
		if err := z.Flush(); err != nil {
			return nil, err
		}
		// RFC 7692, section 7.2.1: the empty stored block that a flush ends
		// with stays, but for its last four bytes.
		p, ok := bytes.CutSuffix(out.Bytes(), []byte(tail))
		if !ok {
			return nil, fmt.Errorf("message %d does not end with an empty stored block", i)
		}
		payloads[i] = bytes.Clone(p)
	}
	return payloads, nil
}

// tail is what a sender leaves out. RFC 7692, section 7.2.1.
const tail = "\x00\x00\xff\xff"

// inflater inflates what a server sends, by the standard library and by a decoder that
// lets no match reach beyond the agreed window.
type inflater struct {
	window  deflate.Window
	history []byte
	strict  *deflate.Decoder
}

func newInflater(w deflate.Window) *inflater {
	return &inflater{window: w, strict: deflate.NewDecoder(w)}
}

// inflate returns the text of the next message.
func (f *inflater) inflate(payload []byte, size int) ([]byte, error) {
	// The final block makes the reader stop. RFC 7692, section 7.2.2.
	source := io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte(tail+"\x01\x00\x00\xff\xff")))
	text, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(source, f.history), int64(size)+1))
	if err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	if !f.window.NoTakeover {
		f.history = append(f.history, text...)
		f.history = bytes.Clone(f.history[max(0, len(f.history)-1<<deflate.MaxWindowBits):])
	}
	strict := make([]byte, 0, size+1)
	strict, taken, err := f.strict.Append(strict, payload)
	if err != nil {
		return nil, fmt.Errorf("inflate with a window of %d bits: %w", f.window.Bits, err)
	}
	if taken == len(payload) {
		var done bool
		if strict, done, err = f.strict.End(strict); err == nil && !done {
			err = errors.New("too much text")
		}
	}
	if err != nil || !bytes.Equal(strict, text) {
		return nil, fmt.Errorf("inflate with a window of %d bits: other text, error %w", f.window.Bits, err)
	}
	return text, nil
}
