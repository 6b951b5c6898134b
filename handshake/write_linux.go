//go:build linux && (amd64 || arm64)

package handshake

import (
	"net"
	"sync"
	"syscall"
)

// A sender writes what a TCP socket takes at once. That is all of a small response, as a
// rule, and then no deadline is needed. It may be left out.
type sender struct {
	b   []byte
	n   int
	run func(fd uintptr)
}

var senders = sync.Pool{New: func() any {
	s := new(sender)
	s.run = func(fd uintptr) {
		n, err := syscall.SendmsgN(int(fd), s.b, nil, nil, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
		if err == nil {
			s.n = n
		}
	}
	return s
}}

// sendNow writes what the stream takes without waiting, and returns how much that was.
func sendNow(nc net.Conn, b []byte) int {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return 0
	}
	rc, err := tcp.SyscallConn()
	if err != nil {
		return 0
	}
	s := senders.Get().(*sender)
	s.b, s.n = b, 0
	_ = rc.Control(s.run) // an error: net.Conn will say what is wrong
	n := s.n
	s.b = nil
	senders.Put(s)
	return n
}
