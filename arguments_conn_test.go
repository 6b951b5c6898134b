package duplex_test

import (
	"context"
	"math"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/conn/drain"
	"github.com/duplexws/duplex/conn/redial"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/handshake"
)

// What arguments may be.
var (
	oddTexts    = []string{"", "\x00", "\xff\xfe", "a\r\nb: c", "ws://%zz", "ws://[::1", strings.Repeat("\u20ac\"=;", 10_000)}
	oddData     = [][]byte{nil, {}, {0}, []byte("\xff"), make([]byte, 100), []byte(strings.Repeat("\u20ac", 100_000))}
	oddTypes    = []conn.MessageType{0, conn.Text, conn.Binary, conn.Text.Plain(), 3, 0x80, 255}
	oddNumbers  = []int64{0, -1, 1, math.MinInt64, math.MaxInt64}
	oddCodes    = []conn.StatusCode{0, 999, 1000, 1005, 1006, 1015, 5000, 65535}
	oddPrepared = func() []*conn.Prepared {
		list := []*conn.Prepared{nil, {}}
		for _, b := range oddData {
			if m, err := conn.Prepare(conn.Binary, b); err == nil {
				list = append(list, m)
			}
		}
		return list
	}
)

func oddOptions() []*conn.Options {
	list := []*conn.Options{nil, {}}
	for _, n := range oddNumbers {
		z := &conn.Compression{Level: int(n), MinSize: int(n), ServerMaxWindowBits: int(n), ClientMaxWindowBits: int(n)}
		list = append(list, &conn.Options{
			ReadLimit: n, KeepAlive: time.Duration(n), WriteTimeout: time.Duration(n), IdleTimeout: time.Duration(n),
			HandshakeTimeout: time.Duration(n), ControlRate: int(n), PostLimit: n, Compression: z,
			Origins: oddTexts, Subprotocols: oddTexts, Hooks: new(conn.Hooks),
		})
	}
	return list
}

// ended is a context that has.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// connected are the exported functions and methods of the packages with a connection,
// called with odd arguments. c is one end of a connection, whose other end drops everything.
var connected = map[string]func(c *conn.Conn){
	"conn.Accept": func(*conn.Conn) {
		for _, o := range oddOptions() {
			_, _ = conn.Accept(nil, nil, o)
			_, _ = conn.Accept(httptest.NewRecorder(), nil, o)
			_, _ = conn.Accept(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), o)
		}
	},
	"conn.AsNetConn": func(c *conn.Conn) {
		for _, t := range oddTypes {
			n := conn.AsNetConn(c, t)
			for _, b := range oddData {
				_, _ = n.Write(b)
			}
			_ = n.SetDeadline(time.Unix(math.MaxInt64, 0))
			_ = n.SetDeadline(time.Unix(1, 0))
			_, _ = n.Read(nil)
			_, _ = n.Read(make([]byte, 1))
		}
	},
	"conn.Dial": func(*conn.Conn) {
		for _, url := range oddTexts {
			_, _ = conn.Dial(ended(), url, nil)
			for _, o := range oddOptions() {
				_, _ = conn.Dial(ended(), url, &conn.DialOptions{Options: *deref(o)})
			}
		}
	},
	"conn.Handler": func(*conn.Conn) {
		for _, o := range oddOptions() {
			conn.Handler(nil, o).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}
	},
	"conn.Listen": func(*conn.Conn) { _ = conn.Listen(ended(), nil, nil, nil) },
	"conn.New": func(*conn.Conn) {
		for _, o := range oddOptions() {
			for _, role := range []conn.Role{0, conn.Client, conn.Server, 255} {
				c := conn.New(nil, conn.Start{Role: role, Extensions: []handshake.Extension{{}, {Name: "permessage-deflate"}}}, o)
				_ = c.Write(context.Background(), conn.Text, nil)
				_ = c.Serve(context.Background(), nil)
				_, _ = c.LocalAddr(), c.RemoteAddr()
				_, _, _ = c.Read(context.Background())
				_ = c.Close(context.Background(), conn.StatusNormalClosure, "")
			}
		}
	},
	"conn.Pipe": func(*conn.Conn) {
		for _, o := range oddOptions() {
			a, b := conn.Pipe(o, o)
			_ = a.CloseNow()
			_ = b.CloseNow()
		}
	},
	"conn.Prepare": func(*conn.Conn) {
		for _, t := range oddTypes {
			for _, b := range oddData {
				_, _ = conn.Prepare(t, b)
			}
		}
	},
	"conn.CloseError.Error": func(*conn.Conn) {
		for _, code := range oddCodes {
			_ = (&conn.CloseError{Code: code, Reason: oddTexts[2]}).Error()
		}
	},
	"conn.CloseError.Unwrap": func(*conn.Conn) { _ = (&conn.CloseError{}).Unwrap() },
	"conn.FailError.Error": func(*conn.Conn) {
		for v := range frame.Violation(255) {
			_ = (&conn.FailError{Violation: v}).Error()
		}
	},
	"conn.FailError.Unwrap":   func(*conn.Conn) { _ = (&conn.FailError{}).Unwrap() },
	"conn.MessageType.Plain":  func(*conn.Conn) { eachType(func(t conn.MessageType) { _ = t.Plain() }) },
	"conn.MessageType.String": func(*conn.Conn) { eachType(func(t conn.MessageType) { _ = t.String() }) },

	"conn.Conn.Backlog": func(c *conn.Conn) { c.Backlog() },
	"conn.Conn.Close": func(c *conn.Conn) {
		for _, code := range oddCodes {
			for _, reason := range oddTexts {
				_ = c.Close(ended(), code, reason)
			}
		}
	},
	"conn.Conn.CloseNow":  func(c *conn.Conn) { _ = c.CloseNow() },
	"conn.Conn.Context":   func(c *conn.Conn) { _ = c.Context().Value(nil) },
	"conn.Conn.Discard":   func(c *conn.Conn) { _ = c.Discard(ended()) },
	"conn.Conn.LocalAddr": func(c *conn.Conn) { c.LocalAddr() },
	"conn.Conn.Messages": func(c *conn.Conn) {
		for range c.Messages(ended()) {
		}
	},
	"conn.Conn.NetConn": func(c *conn.Conn) { c.NetConn() },
	"conn.Conn.Ping":    func(c *conn.Conn) { _, _ = c.Ping(ended()) },
	"conn.Conn.Post": func(c *conn.Conn) {
		for _, m := range oddPrepared() {
			_ = c.Post(m)
		}
	},
	"conn.Conn.Read": func(c *conn.Conn) { _, _, _ = c.Read(ended()) },
	"conn.Conn.ReadAppend": func(c *conn.Conn) {
		for _, b := range oddData {
			_, _, _ = c.ReadAppend(ended(), b)
		}
	},
	"conn.Conn.Reader":         func(c *conn.Conn) { _, _, _ = c.Reader(ended()) },
	"conn.Conn.RemoteAddr":     func(c *conn.Conn) { c.RemoteAddr() },
	"conn.Conn.ResponseHeader": func(c *conn.Conn) { c.ResponseHeader() },
	"conn.Conn.Serve":          func(c *conn.Conn) { _ = c.Serve(context.Background(), nil) },
	"conn.Conn.SetReadLimit": func(c *conn.Conn) {
		for _, n := range oddNumbers {
			c.SetReadLimit(n)
		}
	},
	"conn.Conn.Subprotocol": func(c *conn.Conn) { c.Subprotocol() },
	"conn.Conn.Write": func(c *conn.Conn) {
		for _, t := range oddTypes {
			for _, b := range oddData {
				_ = c.Write(c.Context(), t, b)
			}
		}
	},
	"conn.Conn.WritePrepared": func(c *conn.Conn) {
		for _, m := range oddPrepared() {
			_ = c.WritePrepared(c.Context(), m)
		}
	},
	"conn.Conn.Writer": func(c *conn.Conn) {
		for _, t := range oddTypes {
			if w, err := c.Writer(c.Context(), t); err == nil {
				for _, b := range oddData {
					_, _ = w.Write(b)
				}
				_ = w.Close()
			}
		}
	},
	"conn.Replier.Write": func(c *conn.Conn) {
		withReplier(c, func(r *conn.Replier) {
			for _, t := range oddTypes {
				for _, b := range oddData {
					_ = r.Write(t, b)
				}
			}
		})
	},
	"conn.Replier.Flush": func(c *conn.Conn) { withReplier(c, func(r *conn.Replier) { _ = r.Flush() }) },

	"drain.Group.Admit": func(c *conn.Conn) {
		g := new(drain.Group)
		for _, c := range []*conn.Conn{nil, c} {
			if opened, err := g.Admit(context.Background(), nil); err == nil {
				opened(c)
			}
		}
	},
	"drain.Group.Drain": func(*conn.Conn) {
		_, _ = new(drain.Group).Drain(ended(), nil)
		for _, n := range oddNumbers {
			_, _ = new(drain.Group).Drain(ended(), &drain.Options{Rate: int(n)})
		}
	},
	"redial.Conns": func(*conn.Conn) {
		nothing := func(context.Context) (*conn.Conn, error) { return nil, nil }
		for _, dial := range []func(context.Context) (*conn.Conn, error){nil, nothing} {
			for _, n := range oddNumbers {
				o := &redial.Options{First: time.Duration(n), Max: time.Duration(n), Stable: time.Duration(n)}
				for range redial.Conns(context.Background(), dial, o) {
					break
				}
			}
		}
	},
}

func deref(o *conn.Options) *conn.Options {
	if o == nil {
		return new(conn.Options)
	}
	return o
}

func eachType(f func(conn.MessageType)) {
	for t := range conn.MessageType(255) {
		f(t)
	}
}

// withReplier calls f with a Replier that works, and again when it does no more.
func withReplier(c *conn.Conn, f func(r *conn.Replier)) {
	peer, server := conn.Pipe(nil, nil)
	defer peer.CloseNow()
	defer server.CloseNow()
	go func() { _ = peer.Discard(context.Background()) }()
	_ = peer.Write(context.Background(), conn.Text, nil)
	var late *conn.Replier
	_ = server.Serve(context.Background(), func(r *conn.Replier, _ conn.Message) error {
		late = r
		f(r)
		return context.Canceled
	})
	f(late)
}

// TestArgumentsOfConnections is TestArguments for the packages with a connection. A Conn and
// a Replier that are zero count as nil.
func TestArgumentsOfConnections(t *testing.T) {
	want, rows := map[string]bool{}, map[string]bool{}
	for _, dir := range []string{"conn", "conn/drain", "conn/redial"} {
		for name := range exported(t, dir) {
			want[strings.TrimPrefix(name, "conn/")] = true
		}
	}
	for name := range connected {
		rows[name] = true
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("functions (-exported +called):\n%s", diff)
	}
	for name, call := range connected {
		t.Run(name, func(t *testing.T) {
			c, peer := conn.Pipe(nil, nil)
			defer peer.CloseNow()
			defer c.CloseNow()
			_ = peer.Write(context.Background(), conn.Text, nil)
			go func() { _ = peer.Discard(context.Background()) }()
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("panics: %v\n%s", v, debug.Stack())
				}
			}()
			call(c)
		})
	}
}
