package conn_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/internal/pipe"
)

// A memoryListener accepts what is dialled in memory.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemoryListener() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{} }

// dial makes a client dial to the listener.
func (l *memoryListener) dial() *conn.DialOptions {
	return &conn.DialOptions{
		Proxy: func(*url.URL) (*url.URL, error) { return nil, nil },
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			client, server := pipe.New(0)
			select {
			case l.conns <- server:
				return client, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
	}
}

// A failingListener fails the first times, and notes when it was asked.
type failingListener struct {
	*memoryListener
	err      error
	failures int
	at       []time.Time
}

func (l *failingListener) Accept() (net.Conn, error) {
	l.at = append(l.at, time.Now())
	if len(l.at) <= l.failures {
		return nil, l.err
	}
	return l.memoryListener.Accept()
}
