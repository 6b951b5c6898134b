package conn_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

type listenKey struct{}

// listenTCP runs Listen on a loopback address until the test is over and returns its
// URL. The error of Listen must be that of its context.
func listenTCP(t *testing.T, wrap func(net.Listener) net.Listener, f func(context.Context, *conn.Conn) error, o *conn.ListenOptions) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	if wrap != nil {
		ln = wrap(ln)
	}
	over := errors.New("the test is over")
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), listenKey{}, "value"))
	done := make(chan error, 1)
	go func() { done <- conn.Listen(ctx, ln, f, o) }()
	t.Cleanup(func() {
		cancel(over)
		if err := <-done; err != over {
			t.Errorf("Listen: %v", err)
		}
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the listener is open: %v", err)
		}
	})
	return "ws://" + addr
}

// reply sends back what it reads.
func reply(ctx context.Context, c *conn.Conn) error {
	for {
		kind, p, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if err := c.Write(ctx, kind, p); err != nil {
			return err
		}
	}
}

// tryReply has a server send a message back and closes.
func tryReply(t *testing.T, c *conn.Conn) {
	t.Helper()
	if err := c.Write(testContext(t), conn.Text, []byte("there and back")); err != nil {
		t.Error(err)
	}
	if _, p, err := c.Read(testContext(t)); err != nil || string(p) != "there and back" {
		t.Errorf("%q, %v", p, err)
	}
	if err := c.Close(testContext(t), conn.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

// Connections over TCP and TLS, with all that the options choose.
func TestListen(t *testing.T) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	defer pair.Close()
	config := pair.Client().Transport.(*http.Transport).TLSClientConfig
	for name, wrap := range map[string]func(net.Listener) net.Listener{
		"tcp": nil,
		"tls": func(ln net.Listener) net.Listener { return tls.NewListener(ln, pair.TLS) },
	} {
		t.Run(name, func(t *testing.T) {
			o := &conn.ListenOptions{Options: conn.Options{
				Subprotocols: []string{"chat"}, Origins: []string{"other.example"}, Compression: &conn.Compression{},
			}}
			u := listenTCP(t, wrap, func(ctx context.Context, c *conn.Conn) error {
				if ctx.Value(listenKey{}) != "value" || c.Subprotocol() != "chat" {
					t.Errorf("value %v, subprotocol %q", ctx.Value(listenKey{}), c.Subprotocol())
				}
				return reply(ctx, c)
			}, o)
			d := &conn.DialOptions{
				Options: conn.Options{Subprotocols: []string{"chat"}, Compression: &conn.Compression{}},
				Header:  http.Header{"Origin": {"http://other.example"}},
			}
			if wrap != nil {
				u, d.TLS = strings.Replace(u, "ws:", "wss:", 1), config
			}
			c, err := conn.Dial(testContext(t), u, d)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.ResponseHeader().Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
				t.Errorf("extensions %q", got)
			}
			tryReply(t, c)
		})
	}
}

// The function that serves a connection is treated as Handler does it.
func TestListenCloses(t *testing.T) {
	var logged logBuffer
	u := listenTCP(t, nil, func(context.Context, *conn.Conn) error { panic("oh no") },
		&conn.ListenOptions{ErrorLog: log.New(&logged, "", 0)})
	c, err := conn.Dial(testContext(t), u, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Discard(testContext(t))
	if ce, ok := errors.AsType[*conn.CloseError](err); !ok || ce.Code != conn.StatusInternalError {
		t.Errorf("the client saw %v", err)
	}
	if s := logged.String(); !strings.Contains(s, "oh no") || !strings.Contains(s, "listen_test.go") {
		t.Errorf("logged %q", s)
	}
}

// say is a function for connections that sends s.
func say(s string) func(context.Context, *conn.Conn) error {
	return func(ctx context.Context, c *conn.Conn) error { return c.Write(ctx, conn.Text, []byte(s)) }
}

// Route chooses the function by the request, or refuses it.
func TestListenRoute(t *testing.T) {
	var logged logBuffer
	route := func(ctx context.Context, r *handshake.Request) (func(context.Context, *conn.Conn) error, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("Route may take for ever")
		}
		switch r.Target {
		case "/user":
			return say("hello " + r.Header().Get("Authorization")), nil
		case "/closed":
			return say("wrong"), &handshake.Error{Status: 401, Reason: "no", Header: http.Header{"Www-Authenticate": {"Basic"}}}
		case "/broken":
			return nil, errors.New("the database is gone")
		case "/panic":
			panic("oh no")
		case "/goexit":
			runtime.Goexit()
		}
		return nil, nil
	}
	for _, tt := range []struct {
		path   string
		f      func(context.Context, *conn.Conn) error
		want   string // message
		status int    // if the request is refused, -1 for no answer
		logged string
	}{
		{path: "/user", want: "hello me"},
		{path: "/user", f: say("wrong"), want: "hello me"},
		{path: "/other", f: say("hello all"), want: "hello all"},
		{path: "/other", status: 404},
		{path: "/closed", f: say("wrong"), status: 401},
		{path: "/broken", f: say("wrong"), status: 500, logged: "the database is gone"},
		{path: "/panic", f: say("wrong"), status: -1, logged: "oh no"},
		{path: "/goexit", f: say("wrong"), status: -1},
	} {
		t.Run(tt.path, func(t *testing.T) {
			before := len(logged.String())
			u := listenTCP(t, nil, tt.f, &conn.ListenOptions{Route: route, ErrorLog: log.New(&logged, "", 0)})
			c, err := conn.Dial(testContext(t), u+tt.path, &conn.DialOptions{Header: http.Header{"Authorization": {"me"}}})
			if tt.status != 0 {
				he, ok := errors.AsType[*handshake.Error](err)
				if !ok || he.Status != max(tt.status, 0) || tt.status == 401 && he.Header.Get("WWW-Authenticate") != "Basic" {
					t.Errorf("%+v", err)
				}
			} else if err != nil {
				t.Fatal(err)
			} else if _, p, err := c.Read(testContext(t)); err != nil || string(p) != tt.want {
				t.Errorf("%q, %v", p, err)
			} else {
				_ = c.Discard(testContext(t))
			}
			for tt.logged != "" && !strings.Contains(logged.String()[before:], tt.logged) && testContext(t).Err() == nil {
				runtime.Gosched()
			}
			if s := logged.String()[before:]; !strings.Contains(s, tt.logged) || tt.logged == "" && s != "" {
				t.Errorf("logged %q", s)
			}
		})
	}
}

// What is no WebSocket handshake gets a complete answer, and so does what comes from
// elsewhere.
func TestListenRefuses(t *testing.T) {
	u := "http" + strings.TrimPrefix(listenTCP(t, nil, reply, nil), "ws")
	resp, err := http.Get(u)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusUpgradeRequired || len(body) == 0 {
		t.Errorf("%v %q, %v", resp.Status, body, err)
	}
	_, err = conn.Dial(testContext(t), u, &conn.DialOptions{Header: http.Header{"Origin": {"http://other.example"}}})
	if he, ok := errors.AsType[*handshake.Error](err); !ok || he.Status != http.StatusForbidden {
		t.Errorf("another origin: %v", err)
	}
}

// Options that make no sense are the server's fault.
func TestListenLogsItsFaults(t *testing.T) {
	var logged logBuffer
	u := listenTCP(t, nil, reply, &conn.ListenOptions{
		Options: conn.Options{Subprotocols: []string{"a b"}}, ErrorLog: log.New(&logged, "", 0),
	})
	_, err := conn.Dial(testContext(t), u, nil)
	if he, ok := errors.AsType[*handshake.Error](err); !ok || he.Status != http.StatusInternalServerError {
		t.Errorf("%v", err)
	}
	for !strings.Contains(logged.String(), "a b") && testContext(t).Err() == nil {
		runtime.Gosched()
	}
	if s := logged.String(); !strings.Contains(s, "a b") {
		t.Errorf("logged %q", s)
	}
}

// A listener that is closed ends Listen, and so does a context; connections live on,
// handshakes that are under way do not.
func TestListenEnds(t *testing.T) {
	for _, how := range []string{"listener", "context"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := newMemoryListener()
				over := errors.New("over")
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				done := make(chan error, 1)
				go func() { done <- conn.Listen(ctx, ln, reply, nil) }()
				c, err := conn.Dial(t.Context(), "ws://h", ln.dial())
				if err != nil {
					t.Fatal(err)
				}
				silent, err := ln.dial().DialContext(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				begin := time.Now()
				want := over
				if how == "listener" {
					want = net.ErrClosed
					_ = ln.Close()
				} else {
					cancel(over)
				}
				if err := <-done; !errors.Is(err, want) || time.Since(begin) > 0 {
					t.Errorf("Listen: %v after %v", err, time.Since(begin))
				}
				if _, err := silent.Read(make([]byte, 1)); err != io.EOF || time.Since(begin) > 0 {
					t.Errorf("a handshake under way: %v after %v", err, time.Since(begin))
				}
				_ = silent.Close()
				tryReply(t, c)
			})
		})
	}
}

// A connection that is accepted too late does not come into being.
func TestListenEndsDuringRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newMemoryListener()
		ctx, cancel := context.WithCancel(t.Context())
		o := &conn.ListenOptions{Route: func(context.Context, *handshake.Request) (func(context.Context, *conn.Conn) error, error) {
			cancel()
			time.Sleep(time.Second) // of the bubble's clock
			return nil, nil
		}}
		done := make(chan error, 1)
		go func() {
			done <- conn.Listen(ctx, ln, func(context.Context, *conn.Conn) error { t.Error("was called"); return nil }, o)
		}()
		if _, err := conn.Dial(t.Context(), "ws://h", ln.dial()); err == nil {
			t.Error("the client was accepted")
		}
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Listen: %v", err)
		}
	})
}

// Each handshake is bounded in time, and holds up nobody else.
func TestListenTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := newMemoryListener()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- conn.Listen(ctx, ln, reply, &conn.ListenOptions{Options: conn.Options{HandshakeTimeout: 3 * time.Second}})
		}()
		begin := time.Now()
		silent, err := ln.dial().DialContext(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		c, err := conn.Dial(t.Context(), "ws://h", ln.dial())
		if err != nil {
			t.Fatal(err)
		}
		tryReply(t, c)
		if took := time.Since(begin); took > 0 {
			t.Errorf("others waited %v", took)
		}
		if _, err := silent.Read(make([]byte, 1)); err != io.EOF || time.Since(begin) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		_ = silent.Close()
		cancel()
		<-done
	})
}

// For want of descriptors a listener fails for some time: Listen tries again, in longer
// and longer intervals.
func TestListenPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged logBuffer
		ln := &failingListener{memoryListener: newMemoryListener(), err: tooMany, failures: 10}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- conn.Listen(ctx, ln, reply, &conn.ListenOptions{ErrorLog: log.New(&logged, "", 0)}) }()
		c, err := conn.Dial(t.Context(), "ws://h", ln.dial())
		if err != nil {
			t.Fatal(err)
		}
		tryReply(t, c)
		cancel()
		<-done
		var pauses []time.Duration
		for i := range ln.failures {
			pauses = append(pauses, ln.at[i+1].Sub(ln.at[i]))
		}
		const ms = time.Millisecond
		want := []time.Duration{5 * ms, 10 * ms, 20 * ms, 40 * ms, 80 * ms, 160 * ms, 320 * ms, 640 * ms, 1000 * ms, 1000 * ms}
		if diff := cmp.Diff(want, pauses); diff != "" {
			t.Errorf("pauses (-want +got):\n%s", diff)
		}
		if n := strings.Count(logged.String(), "too many open files"); n != 10 {
			t.Errorf("logged %q", logged.String())
		}
	})
}

// A pause ends with the context, and an error that is to stay ends it all.
func TestListenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ln := &failingListener{memoryListener: newMemoryListener(), err: tooMany, failures: 1000}
		time.AfterFunc(2500*time.Millisecond, cancel)
		begin := time.Now()
		err := conn.Listen(ctx, ln, reply, &conn.ListenOptions{ErrorLog: log.New(io.Discard, "", 0)})
		if !errors.Is(err, context.Canceled) || time.Since(begin) != 2500*time.Millisecond {
			t.Errorf("Listen: %v after %v", err, time.Since(begin))
		}
		broken := errors.New("broken")
		ln = &failingListener{memoryListener: newMemoryListener(), err: broken, failures: 1}
		if err := conn.Listen(t.Context(), ln, reply, nil); err != broken {
			t.Errorf("Listen: %v", err)
		}
	})
}

var tooMany = &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
