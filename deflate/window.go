package deflate

// The window sizes that can be agreed, as exponents of two.
//
// RFC 7692, section 7.1.2.
const (
	MinWindowBits = 8
	MaxWindowBits = 15
)

// Window says what one direction of a connection has agreed to. The zero Window is
// what holds when nothing was said: 32,768 bytes, kept from message to message.
//
// RFC 7692, section 7.1.
type Window struct {
	// Bits is the size of the window as an exponent of two, [MinWindowBits] to
	// [MaxWindowBits]; 0 means MaxWindowBits. A value outside of them counts as the
	// nearer one.
	Bits int
	// NoTakeover: every message begins with an empty window.
	NoTakeover bool
}

// bits returns Bits as a value in range.
func (w Window) bits() int {
	if w.Bits == 0 {
		return MaxWindowBits
	}
	return min(max(w.Bits, MinWindowBits), MaxWindowBits)
}

// size returns the number of bytes in the window.
func (w Window) size() int { return 1 << w.bits() }

// rings are the sizes of which a history takes the first that is enough, or that of its
// window. They are far apart: what many connections outgrow at different times leaves
// holes between what they keep.
var rings = [...]int{1 << 9, 1 << 12, 1 << 15}

// history is the end of what went through a codec: a ring that grows up to the size
// of the window and has no memory before the first byte. Its length is 0 or a power
// of two.
type history struct {
	ring []byte
	n    int // bytes held
	next int // where the next byte goes
}

// add appends p, dropping what is then more than size bytes old.
func (h *history) add(p []byte, size int) {
	if len(p) == 0 {
		return
	}
	if len(p) > size {
		p = p[len(p)-size:]
	}
	h.grow(min(h.n+len(p), size), size)
	m := copy(h.ring[h.next:], p)
	copy(h.ring, p[m:])
	h.next = (h.next + len(p)) & (len(h.ring) - 1)
	h.n = min(h.n+len(p), len(h.ring))
}

// grow makes room for n bytes, at most size. A ring that is to grow has not wrapped around
// yet: nothing has been dropped from it.
func (h *history) grow(n, size int) {
	if n <= len(h.ring) {
		return
	}
	for _, r := range rings {
		if n <= r {
			size = min(r, size)
			break
		}
	}
	ring := make([]byte, size)
	copy(ring, h.ring[:h.n])
	h.ring, h.next = ring, h.n
}

// read fills dst with the bytes that begin back bytes before the end.
func (h *history) read(dst []byte, back int) {
	from := (h.next - back) & (len(h.ring) - 1)
	m := copy(dst, h.ring[from:])
	copy(dst[m:], h.ring)
}

// forget drops all bytes and keeps the memory.
func (h *history) forget() { h.n, h.next = 0, 0 }
