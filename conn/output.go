package conn

import (
	"net"
	"sync"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
	"github.com/duplexws/duplex/mask"
)

// Sizes of the output buffers, a frame that fits in a small one leaves in one write,
// and of the largest write.
const (
	smallOutput = 4096
	largeOutput = maxMasked + frame.MaxHeaderLen
	maxPut      = 128 << 10
)

// output is memory for frames on their way out.
type output struct {
	mark
	b   []byte
	n   int       // how much of b is replies
	cut bool      // a part of them has left before, and may have ended inside a frame
	vec [2][]byte // header and payload of a frame that is sent without a copy
	bfs net.Buffers
}

var (
	smallOutputs = sync.Pool{New: func() any { return &output{b: make([]byte, smallOutput)} }}
	largeOutputs = sync.Pool{New: func() any { return &output{b: make([]byte, largeOutput)} }}
)

// getOutput returns memory from a pool, of smallOutput or largeOutput bytes.
func getOutput(size int) *output {
	pool := &smallOutputs
	if size == largeOutput {
		pool = &largeOutputs
	}
	o := pool.Get().(*output)
	o.take(o.b)
	return o
}

// putOutput gives it back.
func putOutput(o *output) {
	o.n, o.cut = 0, false
	o.give(o.b)
	if len(o.b) == largeOutput {
		largeOutputs.Put(o)
		return
	}
	smallOutputs.Put(o)
}

// sendFrame writes a frame: in one piece if it is small; without copying the payload
// if the stream can write several pieces at once; else through a buffer.
func (c *Conn) sendFrame(h frame.Header, p []byte) error {
	size := smallOutput
	if h.Len()+len(p) > smallOutput {
		if !h.Masked && writesVectors(c.nc) {
			return c.sendVector(h, p)
		}
		size = largeOutput
	}
	o := getOutput(size)
	err := c.sendCopied(o, h, p)
	putOutput(o)
	return err
}

// sendCopied writes a frame through a buffer. What has no room, of a server's frame, is
// written as it is.
func (c *Conn) sendCopied(o *output, h frame.Header, p []byte) error {
	n := min(len(p), len(o.b)-h.Len())
	_, err := c.put(encode(o.b, h, p[:n]))
	if err == nil && n < len(p) {
		_, err = c.put(p[n:])
	}
	return err
}

// encode puts header and payload into a buffer, which must have room for both. The payload
// is masked if the header says so; p itself is never changed.
//
// RFC 6455, section 5.3.
func encode(buf []byte, h frame.Header, p []byte) []byte {
	b := h.Append(buf[:0])
	body := buf[len(b) : len(b)+len(p)]
	if h.Masked {
		mask.Copy(body, p, h.Key)
	} else {
		copy(body, p)
	}
	return buf[:len(b)+len(p)]
}

// sendVector writes header and payload, or the beginning of a large one, with one
// system call and no copy.
func (c *Conn) sendVector(h frame.Header, p []byte) error {
	o := getOutput(smallOutput)
	n := min(len(p), maxPut)
	o.vec = [2][]byte{h.Append(o.b[:0]), p[:n]}
	o.bfs = o.vec[:]
	c.beginPut()
	_, err := o.bfs.WriteTo(c.nc)
	c.endPut()
	o.vec, o.bfs = [2][]byte{}, nil
	putOutput(o)
	if err != nil {
		return err
	}
	c.hasSent()
	if n < len(p) {
		_, err = c.put(p[n:])
	}
	return err
}

// writesVectors reports whether net.Buffers are written to nc in one system call.
func writesVectors(nc net.Conn) bool {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// control returns the header of a control frame.
func (c *Conn) control(op frame.Opcode, body []byte) frame.Header {
	return protocol.Header(c.role, op, true, len(body))
}
