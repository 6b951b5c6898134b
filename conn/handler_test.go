package conn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/duplexws/duplex/conn"
)

// logBuffer is a log that says when something was written to it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// handle runs f behind a Handler, with a client that reads until the end, and returns
// the server's log and the client's error.
func handle(t *testing.T, f func(context.Context, *conn.Conn) error) (logged string, err error) {
	t.Helper()
	var buf logBuffer
	s := httptest.NewUnstartedServer(conn.Handler(f, nil))
	s.Config.ErrorLog = log.New(&buf, "", 0)
	s.Start()
	defer s.Close()
	c, err := conn.Dial(testContext(t), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Discard(testContext(t))
	return buf.String(), err
}

func TestHandlerCloses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		f      func(context.Context, *conn.Conn) error
		code   conn.StatusCode
		reason string
		logged string // "": nothing is
	}{
		{
			name: "nil is a normal closure",
			f:    func(context.Context, *conn.Conn) error { return nil },
			code: conn.StatusNormalClosure,
		},
		{
			name:   "an error is an internal error, and logged",
			f:      func(context.Context, *conn.Conn) error { return errors.New("the database is gone") },
			code:   conn.StatusInternalError,
			logged: "the database is gone",
		},
		{
			name: "a CloseError chooses the code",
			f: func(context.Context, *conn.Conn) error {
				return &conn.CloseError{Code: 4003, Reason: "no such room"}
			},
			code: 4003, reason: "no such room",
		},
		{
			name:   "a panic is an internal error, and logged with its stack",
			f:      func(context.Context, *conn.Conn) error { panic("oh no") },
			code:   conn.StatusInternalError,
			logged: "oh no",
		},
		{
			name: "ErrAbortHandler is not logged",
			f:    func(context.Context, *conn.Conn) error { panic(http.ErrAbortHandler) },
			code: conn.StatusInternalError,
		},
		{
			name: "Goexit is an internal error",
			f:    func(context.Context, *conn.Conn) error { runtime.Goexit(); return nil },
			code: conn.StatusInternalError,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			logged, err := handle(t, tc.f)
			ce, ok := errors.AsType[*conn.CloseError](err)
			if !ok || ce.Code != tc.code || ce.Reason != tc.reason {
				t.Errorf("the client saw %v, want %v %q", err, tc.code, tc.reason)
			}
			if tc.logged == "" && logged != "" || !strings.Contains(logged, tc.logged) {
				t.Errorf("logged %q, want %q", logged, tc.logged)
			}
			if strings.HasPrefix(tc.name, "a panic") && !strings.Contains(logged, "handler_test.go") {
				t.Errorf("no stack in %q", logged)
			}
		})
	}
}

// An error that only says that the connection has ended is nobody's fault.
func TestHandlerDoesNotLogTheEnd(t *testing.T) {
	var logged logBuffer
	done := make(chan error, 1)
	s := httptest.NewUnstartedServer(conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		_, _, err := c.Read(ctx)
		done <- err
		return err
	}, nil))
	s.Config.ErrorLog = log.New(&logged, "", 0)
	s.Start()
	defer s.Close()
	c, err := conn.Dial(testContext(t), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.CloseNow()
	if ce, ok := errors.AsType[*conn.CloseError](<-done); !ok || ce.Code != conn.StatusAbnormalClosure {
		t.Errorf("the handler saw %v", ce)
	}
	if s := logged.String(); s != "" {
		t.Errorf("logged %q", s)
	}
}

// Nor is one that only says that the connection is closing: when a server is drained, every
// function that is writing gets it.
func TestHandlerDoesNotLogTheClosing(t *testing.T) {
	var logged logBuffer
	done := make(chan error, 1)
	s := httptest.NewUnstartedServer(conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		go func() { _ = c.Close(ctx, conn.StatusGoingAway, "") }()
		for {
			if err := c.Write(ctx, conn.Text, []byte("a")); err != nil {
				defer func() { done <- c.Context().Err() }()
				return fmt.Errorf("writing: %w", err)
			}
		}
	}, nil))
	s.Config.ErrorLog = log.New(&logged, "", 0)
	s.Start()
	defer s.Close()
	c, err := conn.Dial(testContext(t), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the connection has ended before the client has answered: %v", err)
	}
	if ce, ok := errors.AsType[*conn.CloseError](c.Discard(testContext(t))); !ok || ce.Code != conn.StatusGoingAway {
		t.Errorf("the client saw %v", ce)
	}
	if s := logged.String(); s != "" {
		t.Errorf("logged %q", s)
	}
}

// ServeHTTP returns while the connection lives, so net/http holds nothing for it.
func TestHandlerReturnsAtOnce(t *testing.T) {
	returned := make(chan struct{})
	h := conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		<-returned // else this would wait for ever
		return c.Write(ctx, conn.Text, []byte("after ServeHTTP"))
	}, nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		close(returned)
	}))
	defer s.Close()
	c, err := conn.Dial(testContext(t), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, p, err := c.Read(testContext(t))
	if err != nil || string(p) != "after ServeHTTP" {
		t.Errorf("%q, %v", p, err)
	}
	_ = c.Discard(testContext(t))
}

func TestHandlerContextEndsWithTheConnection(t *testing.T) {
	cause := make(chan error, 1)
	type key struct{}
	h := conn.Handler(func(ctx context.Context, c *conn.Conn) error {
		if ctx.Value(key{}) != "value" {
			t.Error("the context does not carry the request's values")
		}
		go c.Discard(context.Background())
		<-ctx.Done()
		cause <- context.Cause(ctx)
		return nil
	}, nil)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "value")))
	}))
	defer s.Close()
	c, err := conn.Dial(testContext(t), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(testContext(t), conn.StatusGoingAway, ""); err != nil {
		t.Error(err)
	}
	if ce, ok := errors.AsType[*conn.CloseError](<-cause); !ok || ce.Code != conn.StatusGoingAway {
		t.Errorf("cause %v", ce)
	}
}

// A ResponseWriter that cannot give its connection away is answered, and named.
func TestHandlerRefusesWhatCannotBeHijacked(t *testing.T) {
	called := false
	h := conn.Handler(func(context.Context, *conn.Conn) error { called = true; return nil }, nil)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)
	if w.Code != http.StatusInternalServerError || len(body) == 0 || called {
		t.Errorf("%d %q, called: %v", w.Code, body, called)
	}
}

// Without a logger of the server's own the standard one is used.
func TestHandlerLogsToTheStandardLogger(t *testing.T) {
	var logged logBuffer
	old := log.Writer()
	log.SetOutput(&logged)
	defer log.SetOutput(old)
	s := httptest.NewServer(conn.Handler(func(context.Context, *conn.Conn) error {
		return errors.New("to the standard logger")
	}, nil))
	defer s.Close()
	c, err := conn.Dial(testContext(t), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Discard(testContext(t))
	if !strings.Contains(logged.String(), "to the standard logger") {
		t.Errorf("logged %q", logged.String())
	}
}

// What is logged is what went wrong, and not that the client has left.
func TestHandlerLogsWhatWentWrong(t *testing.T) {
	for _, tc := range []struct {
		name   string
		f      func(context.Context, *conn.Conn) error
		leave  bool // the client closes
		logged string
	}{
		{"the context's error after the end", func(ctx context.Context, c *conn.Conn) error {
			go c.Discard(context.Background())
			<-ctx.Done()
			return ctx.Err()
		}, true, ""},
		{"a fault after the end", func(ctx context.Context, c *conn.Conn) error {
			_ = c.Discard(ctx)
			return errors.New("the disk is full")
		}, true, "the disk is full"},
		{"another stream that was closed", func(context.Context, *conn.Conn) error {
			return &net.OpError{Op: "read", Net: "tcp", Err: net.ErrClosed}
		}, false, "use of closed network connection"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var buf logBuffer
			done := make(chan struct{})
			s := httptest.NewUnstartedServer(conn.Handler(func(ctx context.Context, c *conn.Conn) error {
				context.AfterFunc(c.Context(), func() { close(done) })
				return tc.f(ctx, c)
			}, nil))
			s.Config.ErrorLog = log.New(&buf, "", 0)
			s.Start()
			defer s.Close()
			c, err := conn.Dial(testContext(t), s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tc.leave {
				err = c.Close(testContext(t), conn.StatusNormalClosure, "")
			} else {
				err = c.Discard(testContext(t))
			}
			<-done
			if tc.logged != "" {
				for !strings.Contains(buf.String(), tc.logged) && testContext(t).Err() == nil {
					runtime.Gosched()
				}
			} else if buf.String() != "" {
				t.Errorf("logged %q, the client saw %v", buf.String(), err)
			}
		})
	}
}
