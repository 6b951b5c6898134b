package load

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/duplexws/duplex/frame"
)

// Secure is connections with TLS. There is a goroutine for each, since crypto/tls
// wants it so: the client costs more than that of other workloads.
type Secure struct {
	conns []*secure
}

type secure struct {
	nc      *tls.Conn
	stream  *Stream
	next    int
	replies replies
}

// OpenSecure connects as Open does, with TLS 1.3 and whatever certificate there is.
func OpenSecure(addr string, n int, raw bool, s *Stream) (*Secure, error) {
	c := new(Secure)
	for range n {
		nc, err := net.DialTimeout("tcp", addr, timeout)
		if err != nil {
			c.Close()
			return nil, err
		}
		k := &secure{nc: tls.Client(nc, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}), stream: s, replies: replies{from: frame.Server}}
		c.conns = append(c.conns, k)
		if raw {
			k.replies.sizes = s
			continue
		}
		if _, _, err := upgrade(k.nc, false); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Close closes all connections.
func (c *Secure) Close() {
	for _, k := range c.conns {
		k.nc.NetConn().Close()
	}
}

// Verify sends one message and compares what comes back with it.
func (c *Secure) Verify() error {
	k := c.conns[0]
	if k.replies.sizes != nil {
		return nil
	}
	sent := k.stream.message(k.next)
	if _, err := k.nc.Write(sent); err != nil {
		return err
	}
	text := k.stream.Texts[k.next]
	k.next = (k.next + 1) % k.stream.Len()
	buf := make([]byte, len(sent)-4) // no masking key
	if _, err := io.ReadFull(k.nc, buf); err != nil {
		return err
	}
	if !bytes.HasSuffix(buf, text) {
		return errors.New("other bytes came back")
	}
	return nil
}

// Run keeps one message in flight on every connection until the time is over.
func (c *Secure) Run(d time.Duration) (Result, error) {
	begin := time.Now()
	end := begin.Add(d)
	counts, errs := make([]int, len(c.conns)), make([]error, len(c.conns))
	var group sync.WaitGroup
	for i, k := range c.conns {
		group.Go(func() { counts[i], errs[i] = k.run(end) })
	}
	group.Wait()
	r := Result{Time: time.Since(begin)}
	for _, n := range counts {
		r.Messages += n
	}
	return r, errors.Join(errs...)
}

func (k *secure) run(end time.Time) (messages int, err error) {
	buf := make([]byte, 32<<10)
	for time.Now().Before(end) {
		if _, err := k.nc.Write(k.stream.message(k.next)); err != nil {
			return messages, err
		}
		k.next = (k.next + 1) % k.stream.Len()
		for done := 0; done == 0; {
			n, err := k.nc.Read(buf)
			if err != nil {
				return messages, err
			}
			if done, err = k.replies.take(buf[:n]); err != nil {
				return messages, err
			}
		}
		messages++
	}
	return messages, nil
}
