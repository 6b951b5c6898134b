package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/duplexws/duplex/conn"
)

// visits are ways for a client to come and go. What a Close or a last read returns is of no
// interest: the server's log says how it ended.
var visits = []struct {
	name string
	come func(ctx context.Context, c *conn.Conn) error
}{
	{"talks and closes", func(ctx context.Context, c *conn.Conn) error {
		for _, text := range []string{"hello", strings.Repeat("the same again and again, ", 1000)} {
			if err := talk(ctx, c, text); err != nil {
				return err
			}
		}
		_ = c.Close(ctx, conn.StatusNormalClosure, "")
		return nil
	}},
	{"is closed by the server", func(ctx context.Context, c *conn.Conn) error {
		if err := c.Write(ctx, conn.Text, []byte("bye")); err != nil {
			return err
		}
		_ = c.Discard(ctx)
		return nil
	}},
	{"closes with a code of its own", func(ctx context.Context, c *conn.Conn) error {
		_ = c.Close(ctx, 4000, "I do not like it here")
		return nil
	}},
	{"vanishes", func(_ context.Context, c *conn.Conn) error { return c.CloseNow() }},
	{"breaks a rule", func(ctx context.Context, c *conn.Conn) error {
		// RFC 6455, section 5.1: the frames of a client are masked. This one is not.
		if _, err := c.NetConn().Write([]byte{0x81, 1, 'x'}); err != nil {
			return err
		}
		_ = c.Discard(ctx)
		return nil
	}},
}

// talk sends a message and waits for its echo.
func talk(ctx context.Context, c *conn.Conn, text string) error {
	if err := c.Write(ctx, conn.Text, []byte(text)); err != nil {
		return err
	}
	_, got, err := c.Read(ctx)
	if err == nil && string(got) != text {
		err = errors.New("the echo is another text")
	}
	return err
}

// visit has all clients come by, one after the other, and one that stays.
func visit(ctx context.Context, url string) error {
	o := &conn.DialOptions{Options: conn.Options{Compression: &conn.Compression{}}}
	for _, v := range visits {
		if err := dialAnd(ctx, url, o, v.come); err != nil && ctx.Err() == nil {
			return fmt.Errorf("the client that %s: %w", v.name, err)
		}
	}
	err := dialAnd(ctx, url, o, func(_ context.Context, c *conn.Conn) error {
		_ = c.Discard(c.Context()) // until the server stops
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// dialAnd connects, for a limited time, and calls f.
func dialAnd(ctx context.Context, url string, o *conn.DialOptions, f func(context.Context, *conn.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := conn.Dial(ctx, url, o)
	if err != nil {
		return err
	}
	defer c.CloseNow()
	return f(ctx, c)
}
