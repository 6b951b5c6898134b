//go:build linux && (amd64 || arm64) && !race

package conn

import (
	"syscall"
	"unsafe"
)

// The calls below never wait, whatever mode the descriptor is in, and are short, so that
// the scheduler need not be told of them.

func receiveNow(fd uintptr, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))),
			uintptr(len(p)), syscall.MSG_DONTWAIT, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// peekNow returns whether there is something to be read, and leaves it. An error is told
// once: it does not come again.
func peekNow(fd uintptr) (int, syscall.Errno) {
	var p [1]byte
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&p)), 1,
			syscall.MSG_DONTWAIT|syscall.MSG_PEEK, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

func receiveMessage(fd uintptr, msg *syscall.Msghdr) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(msg)), syscall.MSG_DONTWAIT)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

func sendNow(fd uintptr, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))),
			uintptr(len(b)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

func sendPieces(fd uintptr, b, p []byte) (int, syscall.Errno) {
	iov := [2]syscall.Iovec{
		{Base: unsafe.SliceData(b), Len: uint64(len(b))},
		{Base: unsafe.SliceData(p), Len: uint64(len(p))},
	}
	msg := syscall.Msghdr{Iov: &iov[0], Iovlen: 2}
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&msg)), syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
