package load

import (
	"errors"
	"net"
	"runtime"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
	"golang.org/x/sys/unix"
)

// Peer is the server that clients are measured against: it answers every message with
// the same one, made before. One thread serves all connections.
type Peer struct {
	Addr string

	listener net.Listener
	reply    []byte // on the wire
	raw      *Stream
	epoll    int
	stop     int // an eventfd
	stopped  chan error
}

// Listen starts a Peer whose answers have payloads of size bytes. Without WebSocket,
// raw, messages have that size too.
func Listen(size int, raw bool) (*Peer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Peer{Addr: listener.Addr().String(), listener: listener, stopped: make(chan error, 1)}
	payload := make([]byte, size)
	if raw {
		p.reply, p.raw = payload, Raw([][]byte{payload})
	} else {
		p.reply = append(frame.Header{Opcode: frame.Binary, Fin: true, Length: uint64(size)}.Append(nil), payload...)
	}
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if p.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return nil, err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(p.stop)}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, p.stop, &event); err != nil {
		return nil, err
	}
	go p.accept()
	go func() { p.stopped <- p.loop() }()
	return p, nil
}

// Close ends the Peer and returns what went wrong, if anything.
func (p *Peer) Close() error {
	p.listener.Close()
	unix.Write(p.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	return <-p.stopped
}

// accept does the handshakes and hands the descriptors to the loop.
func (p *Peer) accept() {
	for {
		nc, err := p.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer nc.Close()
			if p.raw == nil {
				if _, err := handshake.Accept(nc, nil); err != nil {
					return
				}
			}
			fd, err := duplicate(nc.(*net.TCPConn))
			if err != nil {
				return
			}
			event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
			if unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &event) != nil {
				unix.Close(fd)
			}
		}()
	}
}

func (p *Peer) loop() error {
	runtime.LockOSThread()
	open := map[int32]*replies{}
	defer func() {
		for fd := range open {
			unix.Close(int(fd))
		}
		unix.Close(p.epoll)
		unix.Close(p.stop)
	}()
	buf := make([]byte, 256<<10)
	events := make([]unix.EpollEvent, 512)
	for {
		n, err := unix.EpollWait(p.epoll, events, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range events[:n] {
			if e.Fd == int32(p.stop) {
				return nil
			}
			r := open[e.Fd]
			if r == nil {
				r = &replies{from: frame.Client, sizes: p.raw}
				open[e.Fd] = r
			}
			if !p.answer(int(e.Fd), r, buf) {
				delete(open, e.Fd)
				unix.Close(int(e.Fd))
			}
		}
	}
}

// answer reads once and writes an answer for each message. It reports whether the
// connection goes on; a client that has more than one message out and does not read
// is not foreseen.
func (p *Peer) answer(fd int, r *replies, buf []byte) bool {
	n, err := read(fd, buf)
	if errors.Is(err, unix.EAGAIN) {
		return true
	}
	if err != nil || n == 0 {
		return false
	}
	messages, err := r.take(buf[:n])
	if err != nil {
		return false
	}
	for range messages {
		if n, err := write(fd, p.reply); err != nil || n < len(p.reply) {
			return false
		}
	}
	return true
}
