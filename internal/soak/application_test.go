package soak

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/duplexws/duplex/conn"
)

// applications returns what a server has at each path: echoes in all ways to read and
// write that there are, a feed, and one that only waits.
func (w *world) applications() map[string]application {
	apps := map[string]application{
		"/feed": subscribe,
		"/slow": subscribeSlowly,
		"/idle": discard,
	}
	for path, echo := range map[string]func(context.Context, *conn.Conn, *session) error{
		"/serve": echoServe, "/stream": echoStream,
		"/read":     echoBy(eachRead, write),
		"/append":   echoBy(eachAppend, writePrepared),
		"/messages": echoBy(eachMessage, write),
		"/post":     echoBy(eachRead, post),
	} {
		apps[path] = w.echo(echo)
		w.paths = append(w.paths, path)
	}
	return apps
}

// discard is an application that waits.
func discard(ctx context.Context, c *conn.Conn) error {
	r := runningOf(ctx)
	r.move(c, unknown, known)
	err := c.Discard(ctx)
	r.s.w.mustNotFail("server", err)
	return err
}

// echo is an application that takes part in sessions. The client's first message says which
// one it goes on with, and gets back how many of its messages have been delivered so far.
// From then on, every message is delivered and comes back: that acknowledges it.
func (w *world) echo(run func(context.Context, *conn.Conn, *session) error) application {
	return func(ctx context.Context, c *conn.Conn) error {
		t, p, err := c.Read(ctx)
		if err != nil {
			return err
		}
		id, ok := greeted(p)
		if !ok || t != conn.Text {
			if string(p) != noGreeting {
				w.ledger.wrongf("server: the greeting is %v, %.60q", t, p)
			}
			return errors.New("no greeting")
		}
		s := w.ledger.find(id)
		if s == nil {
			return fmt.Errorf("there is no session %x", id)
		}
		r := runningOf(ctx)
		r.move(c, unknown, known)
		delivered := s.claim(c)
		defer func() {
			s.release(err, r.closedHere(c))
			w.mustNotFail("server", err)
		}()
		if err = c.Write(ctx, conn.Text, welcome(delivered)); err != nil {
			return err
		}
		err = run(ctx, c, s)
		return err
	}
}

// echoServe answers with a Replier.
func echoServe(ctx context.Context, c *conn.Conn, s *session) error {
	return c.Serve(ctx, func(r *conn.Replier, m conn.Message) error {
		s.deliver(c, m.Type, m.Data)
		return r.Write(m.Type, m.Data)
	})
}

// echoBy answers by another way to read and one to write.
func echoBy(each eachFunc, send writeFunc) func(context.Context, *conn.Conn, *session) error {
	return func(ctx context.Context, c *conn.Conn, s *session) error {
		return each(ctx, c, func(t conn.MessageType, p []byte) error {
			s.deliver(c, t, p)
			return send(ctx, c, t, p)
		})
	}
}

// echoStream sends every piece of a message back as it arrives; what completes the answer
// leaves when all of it was delivered.
func echoStream(ctx context.Context, c *conn.Conn, s *session) error {
	buf, whole := make([]byte, 3000), []byte(nil)
	for {
		t, r, err := c.Reader(ctx)
		if err != nil {
			return err
		}
		w, err := c.Writer(ctx, t)
		if err != nil {
			return err
		}
		whole = whole[:0]
		for err == nil {
			var n int
			n, err = r.Read(buf)
			whole = append(whole, buf[:n]...)
			if err == io.EOF {
				s.deliver(c, t, whole)
			}
			if _, werr := w.Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		cerr := w.Close()
		if err == io.EOF {
			err = cerr
		}
		if err != nil {
			return err
		}
	}
}
