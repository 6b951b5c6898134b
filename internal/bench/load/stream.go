package load

import (
	"math/rand/v2"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// Stream is what a connection sends, over and over: the frames of some messages, one
// after another, ready for the wire.
type Stream struct {
	Texts [][]byte // the messages, before compression
	wire  []byte
	ends  []int // where each message ends in wire
}

// Frames returns the stream of a client that sends the messages as they are, each in
// one frame.
func Frames(opcode frame.Opcode, messages [][]byte) *Stream {
	return frames(opcode, 0, messages, messages)
}

// Raw returns the stream without WebSocket around it, for a server that echoes bytes.
func Raw(messages [][]byte) *Stream {
	s := &Stream{Texts: messages}
	for _, m := range messages {
		s.wire = append(s.wire, m...)
		s.ends = append(s.ends, len(s.wire))
	}
	return s
}

// frames puts each payload into a frame of its own. The masking keys come from a fixed
// seed: nothing that listens here is to be protected, and every run sends the same.
func frames(opcode frame.Opcode, rsv frame.RSV, texts, payloads [][]byte) *Stream {
	keys := rand.New(rand.NewPCG(1, 2))
	s := &Stream{Texts: texts}
	for _, p := range payloads {
		key := keys.Uint32()
		h := frame.Header{
			Opcode: opcode, Fin: true, RSV: rsv, Length: uint64(len(p)),
			Masked: true, Key: mask.Key{byte(key), byte(key >> 8), byte(key >> 16), byte(key >> 24)},
		}
		s.wire = h.Append(s.wire)
		at := len(s.wire)
		s.wire = append(s.wire, p...)
		mask.XOR(s.wire[at:], h.Key)
		s.ends = append(s.ends, len(s.wire))
	}
	return s
}

// Len is the number of messages in the stream.
func (s *Stream) Len() int { return len(s.ends) }

// Bytes is the number of bytes that the messages take on the wire.
func (s *Stream) Bytes() int { return len(s.wire) }

// start is where message i begins.
func (s *Stream) start(i int) int {
	if i == 0 {
		return 0
	}
	return s.ends[i-1]
}

// message is the wire form of message i.
func (s *Stream) message(i int) []byte { return s.wire[s.start(i):s.ends[i]] }
