package conn

import (
	"math/bits"
	"sync"
)

// Capacities of message buffers that are kept in pools, as exponents of two.
const (
	minMessageBits = 12
	maxMessageBits = 22
)

// messages are pools of buffers for messages that Serve cannot show where they have
// arrived, by capacity. boxes are the pointers for them that a pool wants.
var (
	messages [maxMessageBits - minMessageBits + 1]sync.Pool
	boxes    = sync.Pool{New: func() any { return new(buffer) }}
)

// getMessage returns an empty buffer, for as many bytes as a message had that came
// before.
func getMessage(size int) []byte {
	class := max(bits.Len(uint(max(size, 1)-1)), minMessageBits)
	if class > maxMessageBits {
		class = minMessageBits
	}
	box, _ := messages[class-minMessageBits].Get().(*buffer)
	if box == nil {
		return make([]byte, 0, 1<<class)
	}
	b := box.b
	box.take(b[:cap(b)])
	box.b = nil
	boxes.Put(box)
	return b
}

// putMessage gives a buffer back.
func putMessage(b []byte) {
	class := bits.Len(uint(cap(b))) - 1
	if class < minMessageBits || class > maxMessageBits {
		return
	}
	box := boxes.Get().(*buffer)
	box.b = b[:0]
	box.give(b[:cap(b)])
	messages[class-minMessageBits].Put(box)
}
