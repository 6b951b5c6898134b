package pipe

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// stream is one direction of a pipe: a queue of bytes with a reader's side and a
// writer's side.
//
// Waiting is done on conditions and never with mu held, so that a synctest bubble
// sees a waiting goroutine as durably blocked.
type stream struct {
	mu       sync.Mutex
	readable sync.Cond // bytes or the end have come, or the reader must look up
	writable sync.Cond // room or the turn has come, or the writer must look up

	queue queue
	limit int // most bytes in queue; negative: none

	writing      bool // a write has its turn
	writerGone   bool // the writing end is closed
	writeEnded   bool // nothing more is written: the reader gets io.EOF after the rest
	readerGone   bool // the reading end is closed
	readTimeout  deadline
	writeTimeout deadline
}

func newStream(limit int) *stream {
	s := &stream{limit: limit}
	s.readable.L = &s.mu
	s.writable.L = &s.mu
	s.readTimeout.wake = &s.readable
	s.writeTimeout.wake = &s.writable
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readerGone:
			return 0, net.ErrClosed
		case s.readTimeout.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case s.queue.n > 0:
			s.writable.Broadcast()
			return s.queue.pop(p), nil
		case s.writeEnded:
			return 0, io.EOF
		}
		s.readable.Wait()
	}
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// One write after the other: their bytes must not mix.
	for s.writing {
		if err := s.writeError(); err != nil {
			return 0, err
		}
		s.writable.Wait()
	}
	s.writing = true
	defer func() {
		s.writing = false
		s.writable.Broadcast()
	}()
	for {
		if err := s.writeError(); err != nil {
			return n, err
		}
		room := len(p) - n
		if s.limit >= 0 {
			room = min(room, s.limit-s.queue.n)
		}
		if room > 0 {
			s.queue.push(p[n : n+room])
			n += room
			s.readable.Broadcast()
		}
		if n == len(p) {
			return n, nil
		}
		s.writable.Wait()
	}
}

// writeError says why nothing may be written now, if so.
func (s *stream) writeError() error {
	switch {
	case s.writerGone:
		return net.ErrClosed
	case s.writeTimeout.passed:
		return os.ErrDeadlineExceeded
	case s.writeEnded, s.readerGone:
		return io.ErrClosedPipe
	}
	return nil
}

// closeRead ends the reader's side; closing it again is an error.
func (s *stream) closeRead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readerGone {
		return net.ErrClosed
	}
	s.readerGone = true
	s.queue = queue{}
	s.readTimeout.stop()
	s.readable.Broadcast()
	s.writable.Broadcast()
	return nil
}

// closeWrite ends the stream; with gone, the writing end is closed altogether.
func (s *stream) closeWrite(gone bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writerGone {
		return net.ErrClosed
	}
	s.writeEnded = true
	if gone {
		s.writerGone = true
		s.writeTimeout.stop()
	}
	s.readable.Broadcast()
	s.writable.Broadcast()
	return nil
}

func (s *stream) setReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readerGone {
		return net.ErrClosed
	}
	s.readTimeout.set(t)
	return nil
}

func (s *stream) setWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writerGone {
		return net.ErrClosed
	}
	s.writeTimeout.set(t)
	return nil
}
