//go:build linux && (amd64 || arm64) && race

package conn

import (
	"syscall"
	"unsafe"
)

// The race detector must see what the calls of socket_norace_linux.go read and write. Here
// they go through package syscall, and what they have touched is touched once more.

func receiveNow(fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, err := syscall.Recvfrom(int(fd), p, syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			n = max(n, 0)
			copy(p, append([]byte(nil), p[:n]...))
			return n, errnoOf(err)
		}
	}
}

func peekNow(fd uintptr) (int, syscall.Errno) {
	for {
		n, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_DONTWAIT|syscall.MSG_PEEK)
		if err != syscall.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

func receiveMessage(fd uintptr, msg *syscall.Msghdr) (int, syscall.Errno) {
	p := unsafe.Slice(msg.Iov.Base, msg.Iov.Len)
	oob := unsafe.Slice(msg.Control, msg.Controllen)
	for {
		n, _, _, _, err := syscall.Recvmsg(int(fd), p, oob, syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			n = max(n, 0)
			copy(p, append([]byte(nil), p[:n]...))
			return n, errnoOf(err)
		}
	}
}

func sendNow(fd uintptr, b []byte) (int, syscall.Errno) {
	b = append([]byte(nil), b...)
	for {
		n, err := syscall.SendmsgN(int(fd), b, nil, nil, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
		if err != syscall.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

func sendPieces(fd uintptr, b, p []byte) (int, syscall.Errno) {
	return sendNow(fd, append(append([]byte(nil), b...), p...))
}

func errnoOf(err error) syscall.Errno {
	errno, _ := err.(syscall.Errno)
	return errno
}
