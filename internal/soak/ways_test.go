package soak

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/duplexws/duplex/conn"
)

// A writeFunc is a way to send a message.
type writeFunc func(ctx context.Context, c *conn.Conn, t conn.MessageType, p []byte) error

func write(ctx context.Context, c *conn.Conn, t conn.MessageType, p []byte) error {
	return c.Write(ctx, t, p)
}

func writePrepared(ctx context.Context, c *conn.Conn, t conn.MessageType, p []byte) error {
	m, err := conn.Prepare(t, p)
	if err != nil {
		return err
	}
	return c.WritePrepared(ctx, m)
}

// post waits its turn if the backlog is full.
func post(ctx context.Context, c *conn.Conn, t conn.MessageType, p []byte) error {
	m, err := conn.Prepare(t, p)
	if err != nil {
		return err
	}
	if err = c.Post(m); errors.Is(err, conn.ErrPostLimit) {
		return c.WritePrepared(ctx, m)
	}
	return err
}

// writePieces writes a message in pieces, most of them small.
func writePieces(ctx context.Context, c *conn.Conn, t conn.MessageType, p []byte) (err error) {
	w, err := c.Writer(ctx, t)
	if err != nil {
		return err
	}
	for n := 1; len(p) > 0 && err == nil; n = 1 + n*5%1009 + len(p)/100 {
		n = min(n, len(p))
		_, err = w.Write(p[:n])
		p = p[n:]
	}
	return errors.Join(err, w.Close())
}

// An eachFunc reads messages and calls f for each, until one of the two fails. p is
// valid until f returns.
type eachFunc func(ctx context.Context, c *conn.Conn, f func(t conn.MessageType, p []byte) error) error

func eachRead(ctx context.Context, c *conn.Conn, f func(conn.MessageType, []byte) error) error {
	for {
		t, p, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if err := f(t, p); err != nil {
			return err
		}
	}
}

func eachAppend(ctx context.Context, c *conn.Conn, f func(conn.MessageType, []byte) error) error {
	var buf []byte
	for {
		t, p, err := c.ReadAppend(ctx, buf[:0])
		if err != nil {
			return err
		}
		if err := f(t, p); err != nil {
			return err
		}
		buf = p
	}
}

// eachMessage ends with the cause of the connection's end where the iterator has none.
func eachMessage(ctx context.Context, c *conn.Conn, f func(conn.MessageType, []byte) error) error {
	for m, err := range c.Messages(ctx) {
		if err != nil {
			return err
		}
		if err := f(m.Type, m.Data); err != nil {
			return err
		}
	}
	<-c.Context().Done()
	return context.Cause(c.Context())
}

func eachServe(ctx context.Context, c *conn.Conn, f func(conn.MessageType, []byte) error) error {
	return c.Serve(ctx, func(_ *conn.Replier, m conn.Message) error { return f(m.Type, m.Data) })
}

// eachCancelled reads in one way or another, each for a short time only: nothing may be
// lost by that.
func eachCancelled(random *rand.Rand, count func()) eachFunc {
	return func(ctx context.Context, c *conn.Conn, f func(conn.MessageType, []byte) error) error {
		var failed error
		call := func(t conn.MessageType, p []byte) error {
			failed = f(t, p)
			return failed
		}
		part := part{buf: make([]byte, 2000)}
		for {
			some, cancel := context.WithTimeout(ctx, time.Duration(random.Int64N(int64(4*time.Millisecond))))
			var err error
			ways := []eachFunc{eachRead, eachAppend, eachMessage, eachServe, part.each}
			if part.open {
				ways = ways[4:]
			}
			err = ways[random.IntN(len(ways))](some, c, call)
			cancel()
			if failed != nil || errors.Is(err, net.ErrClosed) || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			count()
		}
	}
}

// part is what has been read of a message by a Reader whose context has ended.
type part struct {
	open  bool
	whole []byte
	buf   []byte
}

func (p *part) each(ctx context.Context, c *conn.Conn, f func(conn.MessageType, []byte) error) error {
	for {
		t, r, err := c.Reader(ctx)
		if err != nil {
			return err
		}
		for p.open = true; err == nil; {
			var n int
			n, err = r.Read(p.buf)
			p.whole = append(p.whole, p.buf[:n]...)
		}
		if err != io.EOF {
			return err
		}
		p.open = false
		err = f(t, p.whole)
		p.whole = p.whole[:0]
		if err != nil {
			return err
		}
	}
}

func eachReader(ctx context.Context, c *conn.Conn, f func(conn.MessageType, []byte) error) error {
	p := part{buf: make([]byte, 5000)}
	return p.each(ctx, c, f)
}
