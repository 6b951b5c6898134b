package server

import (
	"cmp"
	"io"
	"net"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// buffers are what echoLeast reads into, while it does not wait.
var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// echoLeast echoes bytes with one read and one write, if no more is there, and by calls
// that the scheduler is not told of: the least that Go's network poller allows without
// losing the end of a stream. What is above it is what a library costs.
func echoLeast(nc net.Conn) error {
	rc, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	if err := rc.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_INQ, 1) }); err != nil {
		return err
	}
	var end error
	err = rc.Read(func(fd uintptr) bool {
		buf := buffers.Get().(*[64 << 10]byte)
		defer buffers.Put(buf)
		for {
			n, left, errno := receiveTelling(fd, buf[:])
			switch {
			case errno == unix.EAGAIN:
				return false
			case errno != 0:
				end = errno
			case n == 0:
				end = io.EOF
			default:
				end = writeLeast(nc, fd, buf[:n])
			}
			if end != nil {
				return true
			}
			if left == 0 {
				return false
			}
		}
	})
	if end != nil {
		return end
	}
	return err
}

// echoLeastRead is echoLeast with a call for each read and each write, as an API has that
// returns messages: a read has to try before it waits, since the notice of what came before
// is gone, and each connection has memory of its own.
func echoLeastRead(nc net.Conn) error {
	rc, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	var n int
	var end error
	read := func(fd uintptr) bool {
		r, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), unix.MSG_DONTWAIT, 0, 0)
		switch n = int(r); {
		case errno == unix.EAGAIN:
			return false
		case errno != 0:
			end = errno
		case n == 0:
			end = io.EOF
		}
		return true
	}
	write := func(fd uintptr) { end = writeLeast(nc, fd, buf[:n]) }
	for {
		if err := rc.Read(read); err != nil || end != nil {
			return cmp.Or(err, end)
		}
		if err := rc.Control(write); err != nil || end != nil {
			return cmp.Or(err, end)
		}
	}
}

// receiveTelling reads what is there and returns how much is left; -1: it does not say.
func receiveTelling(fd uintptr, p []byte) (n, left int, errno unix.Errno) {
	var told struct {
		unix.Cmsghdr
		left int32
		_    int32
	}
	iov := unix.Iovec{Base: &p[0], Len: uint64(len(p))}
	msg := unix.Msghdr{Iov: &iov, Iovlen: 1, Control: (*byte)(unsafe.Pointer(&told)), Controllen: uint64(unsafe.Sizeof(told))}
	r, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&msg)), unix.MSG_DONTWAIT)
	if errno != 0 || told.Type != unix.TCP_INQ {
		return int(r), -1, errno
	}
	return int(r), int(told.left), 0
}

// writeLeast writes what the socket takes at once, and the rest as usual.
func writeLeast(nc net.Conn, fd uintptr, b []byte) error {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		n = 0
	}
	if int(n) == len(b) {
		return nil
	}
	return writeAll(nc, b[n:])
}
