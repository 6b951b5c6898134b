//go:build linux && (amd64 || arm64) && race

package conn

import (
	"syscall"
	"unsafe"
)

// The race detector must see what the calls of socket_norace_linux.go read and write, so
// here they go through package syscall, which tells it. A descriptor that somebody has
// made blocking makes them wait.

func receiveNow(fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, err := syscall.Read(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

func receiveMessage(fd uintptr, msg *syscall.Msghdr) (int, syscall.Errno) {
	oob := unsafe.Slice(msg.Control, msg.Controllen)
	for {
		n, _, _, _, err := syscall.Recvmsg(int(fd), unsafe.Slice(msg.Iov.Base, msg.Iov.Len), oob, syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

func sendNow(fd uintptr, b []byte) (int, syscall.Errno) {
	for {
		n, err := syscall.SendmsgN(int(fd), b, nil, nil, syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
		if err != syscall.EINTR {
			return max(n, 0), errnoOf(err)
		}
	}
}

func errnoOf(err error) syscall.Errno {
	errno, _ := err.(syscall.Errno)
	return errno
}
