package load

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"time"

	"github.com/duplexws/duplex/frame"
	"golang.org/x/sys/unix"
)

// Client is many connections to one server, driven by one thread.
type Client struct {
	epoll int
	conns []*connection
	buf   []byte
	ready [512]unix.EpollEvent

	sending  bool
	left     int // messages that may still be sent
	inflight int
	result   Result
}

// connection is one of them.
type connection struct {
	fd       int
	index    int32 // in conns
	stream   *Stream
	next     int    // the message to send next
	unsent   []byte // what the socket did not take
	more     int    // messages to send once unsent is gone
	watching bool   // for room to write
	replies  replies
}

// Open connects n times. Connection i sends streams[i % len(streams)]. With raw there
// is no WebSocket: what comes back are the bytes that were sent.
func Open(addr string, n int, offer, raw bool, streams []*Stream) (*Client, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	c := &Client{epoll: epoll, buf: make([]byte, 256<<10)}
	for i := range n {
		var nc net.Conn
		if raw {
			nc, err = net.DialTimeout("tcp", addr, timeout)
		} else {
			nc, _, _, err = Dial(addr, offer)
		}
		if err == nil {
			err = c.add(nc.(*net.TCPConn), streams[i%len(streams)], raw)
		}
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return c, nil
}

// add takes nc over: the descriptor leaves the runtime's poller for ours.
func (c *Client) add(nc *net.TCPConn, s *Stream, raw bool) error {
	defer nc.Close()
	fd, err := duplicate(nc)
	if err != nil {
		return err
	}
	k := &connection{fd: fd, stream: s, index: int32(len(c.conns)), replies: replies{from: frame.Server}}
	if raw {
		k.replies.sizes = s
	}
	c.conns = append(c.conns, k)
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: k.index}
	return unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, k.fd, &event)
}

// duplicate returns a descriptor of the connection that outlives it. It does not block.
func duplicate(nc *net.TCPConn) (fd int, err error) {
	raw, err := nc.SyscallConn()
	if err != nil {
		return 0, err
	}
	var dup error
	err = raw.Control(func(old uintptr) { fd, dup = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, dup)
}

// Close closes all connections, without a closing handshake.
func (c *Client) Close() {
	for _, k := range c.conns {
		unix.Close(k.fd)
	}
	unix.Close(c.epoll)
}

// Run keeps deep messages in flight on every connection until the time is over or the
// messages are sent, whichever comes first, and then waits for the answers that are
// still out.
func (c *Client) Run(deep, messages int, d time.Duration) (Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := time.Now()
	c.sending, c.left, c.inflight = true, messages, 0
	for _, k := range c.conns {
		if err := c.send(k, deep); err != nil {
			return Result{}, err
		}
	}
	return c.wait(begin, d)
}

// Receive waits for messages that the server sends unasked.
func (c *Client) Receive(messages int) (Result, error) {
	c.sending, c.inflight = false, messages
	return c.wait(time.Now(), 0)
}

// wait waits for all that is in flight, and for what is sent until the time is over.
func (c *Client) wait(begin time.Time, d time.Duration) (Result, error) {
	c.result = Result{}
	var before uint64
	for _, k := range c.conns {
		before += k.replies.bytes
	}
	for c.inflight > 0 {
		n, err := unix.EpollWait(c.epoll, c.ready[:], int(timeout/time.Millisecond))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return c.result, err
		}
		if n == 0 {
			return c.result, fmt.Errorf("%d answers are missing", c.inflight)
		}
		for _, event := range c.ready[:n] {
			if err := c.handle(c.conns[event.Fd], event.Events); err != nil {
				return c.result, err
			}
		}
		if c.sending && time.Since(begin) >= d {
			c.sending = false
		}
	}
	c.result.Time = time.Since(begin)
	for _, k := range c.conns {
		c.result.Bytes += k.replies.bytes
	}
	c.result.Bytes -= before
	return c.result, nil
}

// handle does what a connection is ready for: one read, since there is a next round
// for what is left, and an answer to each message that has come.
func (c *Client) handle(k *connection, events uint32) error {
	if events&^(unix.EPOLLIN|unix.EPOLLOUT) != 0 && events&unix.EPOLLIN == 0 {
		return errors.New("the server has closed a connection")
	}
	if events&unix.EPOLLOUT != 0 {
		if err := c.flush(k); err != nil {
			return err
		}
	}
	if events&unix.EPOLLIN == 0 {
		return nil
	}
	n, err := read(k.fd, c.buf)
	if err != nil {
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		return err
	}
	if n == 0 {
		return errors.New("the server has closed a connection")
	}
	done, err := k.replies.take(c.buf[:n])
	if err != nil {
		return err
	}
	c.inflight -= done
	c.result.Messages += done
	return c.send(k, done)
}

// send sends the next messages of the connection's stream, if messages are sent at all.
func (c *Client) send(k *connection, messages int) error {
	if !c.sending {
		messages = 0
	}
	messages = min(messages, c.left)
	c.left -= messages
	c.inflight += messages
	k.more += messages
	return c.flush(k)
}

// flush writes as much as the socket takes.
func (c *Client) flush(k *connection) error {
	for len(k.unsent) > 0 || k.more > 0 {
		if len(k.unsent) == 0 {
			// Messages that follow each other in the stream leave in one write.
			first := k.next
			last := min(first+k.more, k.stream.Len())
			k.unsent = k.stream.wire[k.stream.start(first):k.stream.ends[last-1]]
			k.more -= last - first
			k.next = last % k.stream.Len()
		}
		n, err := write(k.fd, k.unsent)
		if errors.Is(err, unix.EAGAIN) {
			return c.watch(k, true)
		}
		if err != nil {
			return err
		}
		k.unsent = k.unsent[n:]
	}
	return c.watch(k, false)
}

// watch says whether to be woken up when there is room to write.
func (c *Client) watch(k *connection, room bool) error {
	if k.watching == room {
		return nil
	}
	k.watching = room
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: k.index}
	if room {
		event.Events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(c.epoll, unix.EPOLL_CTL_MOD, k.fd, &event)
}

// read and write do not tell the scheduler, which has nothing else to run here: the
// descriptors do not block.
func read(fd int, b []byte) (int, error) { return transfer(syscall.SYS_READ, fd, b) }

func write(fd int, b []byte) (int, error) { return transfer(syscall.SYS_WRITE, fd, b) }
