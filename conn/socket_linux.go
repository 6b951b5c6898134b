//go:build linux && (amd64 || arm64)

package conn

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// socket reads a TCP socket without going through net.Conn, for what that cannot do:
// wait without holding a buffer, and answer a message without asking in between whether
// there is more. A connection without a usable socket does all the same by way of its
// net.Conn; nothing else depends on this file. It is used under the read turn.
type socket struct {
	rc  syscall.RawConn // nil: not usable
	c   *Conn           // nil: there is none, not even below TLS
	one *receiving      // one read that waits; made when needed
}

// usable reports whether the stream below is a socket of this kind.
func (k *socket) usable() bool { return k.rc != nil }

// tells reports whether the system knows when bytes have come and left last. It does so for
// a socket below TLS as well.
func (k *socket) tells() bool { return k.c != nil }

// init looks at the stream.
func (k *socket) init(c *Conn) {
	if rc := rawConn(c.nc); rc != nil {
		k.rc, k.c = rc, c
		return
	}
	if isTLS(c.nc) && isPlainTCP(rawConn(below(c.nc))) {
		k.c = c
	}
}

// rawConn returns a way to the socket that nc is; nil: it is none.
func rawConn(nc net.Conn) syscall.RawConn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	rc, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return rc
}

// isPlainTCP reports whether rc leads to a socket of TCP. One of Multipath TCP can tell what
// happens to one of several streams that are joined behind it.
func isPlainTCP(rc syscall.RawConn) (plain bool) {
	if rc == nil {
		return false
	}
	_ = rc.Control(func(fd uintptr) {
		proto, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_PROTOCOL)
		plain = err == nil && proto == syscall.IPPROTO_TCP
	})
	return plain
}

// look waits until there is something to be read, and leaves it: then came is true. Else the
// stream has ended, for the reason lost, or nobody can tell, and err says why.
func (k *socket) look() (came bool, lost, err error) {
	var n int // or an error, below zero
	err = k.rc.Read(func(fd uintptr) bool {
		var errno syscall.Errno
		if n, errno = peekNow(fd); errno != 0 {
			n = -int(errno)
		}
		return errno != syscall.EAGAIN
	})
	if err != nil || n > 0 {
		return true, nil, err
	}
	_, lost = k.result(0, syscall.Errno(-n))
	return false, lost, nil
}

// read reads once, to p or to the input buffer, and waits without holding one.
func (k *socket) read(p []byte) (int, error) {
	r := k.one
	if r == nil {
		r = &receiving{in: &k.c.in}
		r.run = r.once
		k.one = r
	}
	r.p, r.n, r.errno = p, 0, 0
	err := k.rc.Read(r.run)
	r.p = nil
	if err != nil {
		return 0, err
	}
	return k.result(r.n, r.errno)
}

// receiving is one call of socket.read.
type receiving struct {
	in    *input
	p     []byte // where to; nil: to the input buffer
	n     int
	errno syscall.Errno
	run   func(fd uintptr) bool
}

// once is called by RawConn.Read, which waits when it returns false. It must try the
// descriptor whenever it is called first: the notice for what came before is gone.
func (r *receiving) once(fd uintptr) bool {
	p := r.p
	if p == nil {
		p = r.in.room()
	}
	r.n, r.errno = receiveNow(fd, p)
	if r.errno == syscall.EAGAIN {
		if r.p == nil {
			r.in.park()
		}
		return false
	}
	if r.p == nil && r.errno == 0 {
		r.in.filled(r.n)
	}
	return true
}

// result turns what a system call has returned into what net.Conn would.
func (k *socket) result(n int, errno syscall.Errno) (int, error) {
	switch {
	case errno != 0:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: k.c.nc.LocalAddr(), Addr: k.c.nc.RemoteAddr(), Err: os.NewSyscallError("read", errno)}
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// tcpInq is the socket option TCP_INQ, and the type of the control message that tells
// how much is left to be read. It is not 0 if the end of the stream is; of a reset it says
// nothing.
const tcpInq = 36

// ask has the socket tell how much is left with every read, if it can. Without that,
// one more read has to find out.
func (k *socket) ask() {
	if k.c.tellsInq || k.c.untold {
		return
	}
	if !isPlainTCP(k.rc) {
		return
	}
	_ = k.rc.Control(func(fd uintptr) {
		k.c.tellsInq = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpInq, 1) == nil
	})
}

// poll reads what is there, to p or to the input buffer, inside the loop. It returns
// errNothingYet if there is nothing, and whether nothing is left, but perhaps an error.
func (k *socket) poll(fd uintptr, p []byte) (_ int, drained bool, _ error) {
	input := p == nil
	if input {
		p = k.c.in.room()
	}
	n, left, errno := k.receiveTelling(fd, p)
	switch {
	case errno == syscall.EAGAIN:
		return 0, false, errNothingYet
	case errno == 0 && input:
		k.c.in.filled(n)
	}
	drained = errno == 0 && n > 0 && k.c.tellsInq && left == 0
	n, err := k.result(n, errno)
	return n, drained, err
}

// receiveTelling reads and returns how much is left to be read.
func (k *socket) receiveTelling(fd uintptr, p []byte) (n, left int, errno syscall.Errno) {
	if !k.c.tellsInq {
		n, errno = receiveNow(fd, p)
		return n, -1, errno
	}
	var told struct {
		syscall.Cmsghdr
		left int32
		_    int32
	}
	iov := syscall.Iovec{Base: &p[0], Len: uint64(len(p))}
	msg := syscall.Msghdr{Iov: &iov, Iovlen: 1, Control: (*byte)(unsafe.Pointer(&told)), Controllen: uint64(unsafe.Sizeof(told))}
	n, errno = receiveMessage(fd, &msg)
	if errno != 0 || told.Level != syscall.IPPROTO_TCP || told.Type != tcpInq {
		return n, -1, errno
	}
	return n, int(told.left), errno
}

// lastHeard returns when the last bytes have come, as far as the system can tell; else now,
// so that nobody is taken for dead too early.
func (k *socket) lastHeard() time.Time {
	info, _ := k.info()
	return ago(info.Last_data_recv)
}

// lastSent returns when the last bytes have left, as far as the system can tell; else the
// zero time: what we send shows for a while that there is a peer, and that may be wrong.
// What the peer does not acknowledge the system sends again and again, which shows nothing.
func (k *socket) lastSent() time.Time {
	info, ok := k.info()
	if !ok {
		return time.Time{}
	}
	return ago(max(info.Last_data_sent, info.Last_ack_recv))
}

func ago(ms uint32) time.Time { return time.Now().Add(-time.Duration(ms) * time.Millisecond) }

// info asks the system, and reports whether that has answered.
func (k *socket) info() (info syscall.TCPInfo, ok bool) {
	rc := k.rc
	if rc == nil {
		rc = rawConn(below(k.c.nc))
	}
	if rc == nil {
		return info, false
	}
	_ = rc.Control(func(fd uintptr) {
		size := uint32(syscall.SizeofTCPInfo)
		_, _, errno := syscall.RawSyscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, syscall.TCP_INFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
		ok = errno == 0
	})
	return info, ok
}

// sendInside writes what the socket takes at once, inside the loop, and returns how much
// that was.
func sendInside(fd uintptr, b []byte) int {
	n, errno := sendNow(fd, b)
	if errno != 0 {
		return 0 // net.Conn will say what is wrong
	}
	return n
}

// sendOutside is send outside the loop, with the write turn held, for two pieces of which
// the second may be empty.
func (k *socket) sendOutside(b, p []byte) int {
	s := senders.Get().(*sender)
	s.b, s.p, s.n = b, p, 0
	_ = k.rc.Control(s.run) // an error: it is closed, and nothing was sent
	n := s.n
	s.b, s.p = nil, nil
	senders.Put(s)
	return n
}

// sender is one call of sendOutside. RawConn.Control keeps the descriptor open for it, and
// asks for no deadline, of which a call that never waits has no need.
type sender struct {
	b, p []byte
	n    int
	run  func(fd uintptr)
}

var senders = sync.Pool{New: func() any {
	s := new(sender)
	s.run = func(fd uintptr) {
		var n int
		var errno syscall.Errno
		if len(s.p) == 0 {
			n, errno = sendNow(fd, s.b)
		} else {
			n, errno = sendPieces(fd, s.b, s.p)
		}
		if errno == 0 {
			s.n = n
		}
	}
	return s
}}

// shutdown ends both directions, and wakes whoever waits. The descriptor cannot be
// closed while the loop uses it.
func (k *socket) shutdown() {
	tcp := k.c.nc.(*net.TCPConn)
	_ = tcp.CloseRead()
	_ = tcp.CloseWrite()
}
