package pipe

// minQueue is the smallest buffer of a queue, in bytes.
const minQueue = 512

// queue is a ring of bytes that grows as needed.
type queue struct {
	buf  []byte
	head int // index in buf of the first byte
	n    int // bytes held
}

// push appends a copy of p.
func (q *queue) push(p []byte) {
	if need := q.n + len(p); need > len(q.buf) {
		size := max(need, 2*len(q.buf), minQueue)
		buf := make([]byte, size)
		q.copyTo(buf)
		q.buf, q.head = buf, 0
	}
	tail := q.head + q.n
	if tail >= len(q.buf) {
		tail -= len(q.buf)
	}
	k := copy(q.buf[tail:], p)
	copy(q.buf, p[k:])
	q.n += len(p)
}

// pop moves up to len(p) bytes from the front of the queue to p.
func (q *queue) pop(p []byte) int {
	k := q.copyTo(p)
	q.n -= k
	q.head += k
	if q.head >= len(q.buf) {
		q.head -= len(q.buf)
	}
	if q.n == 0 {
		q.head = 0
	}
	return k
}

// copyTo copies bytes from the front of the queue to p and returns how many.
func (q *queue) copyTo(p []byte) int {
	k := min(len(p), q.n)
	first := copy(p[:k], q.buf[q.head:])
	copy(p[first:k], q.buf)
	return k
}
