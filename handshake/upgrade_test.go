package handshake

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serve starts an HTTP server with one handler and returns a connection to it.
func serve(t testing.TB, f http.HandlerFunc) net.Conn {
	t.Helper()
	l := listen(t)
	s := &http.Server{Handler: f, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = nc.Close()
		_ = s.Close()
		<-done
	})
	return nc
}

// example is a request that every server accepts.
const example = "GET /chat?x HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// A wrapper hides a ResponseWriter as middleware does.
type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// The connection is taken over through wrappers; fields of w.Header and of the
// options go out with the 101; the result tells about the request.
func TestUpgrade(t *testing.T) {
	o := &ServerOptions{Header: http.Header{"Set-Cookie": {"c=d"}, "X-O": {"o"}}}
	nc := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", "a=b")
		nc, result, err := Upgrade(wrapper{wrapper{w}}, r, o)
		if err != nil {
			t.Error(err)
			return
		}
		defer nc.Close()
		if result.Host != "example.com" || result.Target != "/chat?x" || result.Header.Get("Upgrade") != "websocket" {
			t.Errorf("result %+v", result)
		}
		_, _ = nc.Write(result.Buffered)
	})
	_, _ = io.WriteString(nc, example+"early")
	r := bufio.NewReader(nc)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header; len(got["Set-Cookie"]) != 2 || got.Get("X-O") != "o" || resp.StatusCode != 101 {
		t.Errorf("status %d, header %v", resp.StatusCode, got)
	}
	if echoed, err := io.ReadAll(r); err != nil || string(echoed) != "early" {
		t.Errorf("got %q, %v", echoed, err)
	}
	if len(o.Header["Set-Cookie"]) != 1 {
		t.Error("the options were changed")
	}
}

// Fields that may not go out fail the handshake before the connection is taken over.
func TestUpgradeHeader(t *testing.T) {
	for name, value := range map[string]string{
		"X": "a\r\nb", "Sec-WebSocket-Protocol": "a", "Content-Length": "0", "X Y": "a",
	} {
		nc := new(scriptConn)
		w := hijackWriter{ResponseRecorder: httptest.NewRecorder(), nc: nc}
		w.Header()[name] = []string{value}
		w.Header().Set("Content-Encoding", "gzip")
		_, _, err := Upgrade(w, exampleRequest(t), nil)
		var e *Error
		if !errors.As(err, &e) || e.Status != 500 || w.Code != 500 || w.Header().Get("Content-Encoding") != "" || nc.w.Len() > 0 {
			t.Errorf("%s: error %v, status %d, wrote %q", name, err, w.Code, &nc.w)
		}
	}
}

// A refusal is framed by fields of its own, whatever the handler has set and however
// it has spelled them.
func TestUpgradeRefusalFraming(t *testing.T) {
	nc := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["content-length"] = []string{"3"}
		w.Header()["transfer-encoding"] = []string{"chunked"}
		w.Header()["upgrade"] = []string{"h2c"}
		w.Header()["CONTENT-TYPE"] = []string{"text/html"}
		w.Header().Set("Trailer", "X")
		w.Header().Set("X-Kept", "yes")
		_, _, _ = Upgrade(w, r, nil)
	})
	_, _ = io.WriteString(nc, strings.Replace(example, "GET", "POST", 1))
	answer, err := io.ReadAll(nc)
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	var got []string
	for line := range strings.Lines(string(head)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ": "); found && name != "Date" {
			got = append(got, name+": "+value)
		}
	}
	want := []string{
		"Allow: GET", "Connection: close", "Content-Length: " + strconv.Itoa(len(body)),
		"Content-Type: text/plain; charset=utf-8", "X-Content-Type-Options: nosniff", "X-Kept: yes",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// What is refused with Upgrade in the Connection field ends the connection all the same:
// net/http would not see that it is to close it, and wait for another request.
func TestUpgradeRefusalCloses(t *testing.T) {
	nc := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _, _ = Upgrade(w, r, nil) })
	_, _ = io.WriteString(nc, strings.Replace(example, "Version: 13", "Version: 12", 1))
	_ = nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	answer, err := io.ReadAll(nc)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 426 ") {
		t.Errorf("%v after %q", err, answer)
	}
	if !strings.Contains(string(answer), "\r\nConnection: close\r\nConnection: Upgrade\r\n") {
		t.Errorf("no Connection with close and Upgrade in %q", answer)
	}
}

// exampleRequest is example as a server has parsed it.
func exampleRequest(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(example)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A writer that cannot be taken over is named; HTTP/2 is refused as such.
func TestUpgradeImpossible(t *testing.T) {
	w := httptest.NewRecorder()
	_, _, err := Upgrade(w, exampleRequest(t), nil)
	if w.Code != 500 || err == nil || !strings.Contains(err.Error(), "*httptest.ResponseRecorder") || !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("status %d, error %v", w.Code, err)
	}

	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, _ = Upgrade(w, r, nil)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 505 || resp.ProtoMajor != 2 || !bytes.Contains(body, []byte("HTTP/2.0")) {
		t.Errorf("%s %s: %s", resp.Proto, resp.Status, body)
	}
	s.Client().CloseIdleConnections()

	// A request that a test has made without a server has no RequestURI.
	r := exampleRequest(t)
	r.RequestURI = ""
	if req := fromHTTP(r); req.Target != "/chat?x" {
		t.Errorf("target %q", req.Target)
	}
}

// A hijackWriter hands out what a test has prepared.
type hijackWriter struct {
	*httptest.ResponseRecorder
	nc  net.Conn
	rw  *bufio.ReadWriter
	err error
}

func (w hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.nc, w.rw, w.err }

// What can go wrong once the connection is taken over.
func TestUpgradeHijack(t *testing.T) {
	// Taken over before: nothing is written, and the error names no status.
	w := hijackWriter{ResponseRecorder: httptest.NewRecorder(), err: http.ErrHijacked}
	_, _, err := Upgrade(w, exampleRequest(t), nil)
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, http.ErrHijacked) || e.Status != 0 || e.Header != nil || w.Body.Len() > 0 {
		t.Errorf("error %v, body %q", err, w.Body)
	}
	// A wrapper that refuses with an error of its own: without an answer from here,
	// net/http would send an empty 200.
	own := errors.New("no hijacking here")
	w = hijackWriter{ResponseRecorder: httptest.NewRecorder(), err: own}
	if _, _, err := Upgrade(w, exampleRequest(t), nil); !errors.Is(err, own) || w.Code != 500 || w.Body.Len() == 0 {
		t.Errorf("error %v, status %d, body %q", err, w.Code, w.Body)
	}
	// Another response has begun.
	nc := &scriptConn{}
	rw := bufio.NewReadWriter(bufio.NewReader(nc), bufio.NewWriter(nc))
	_, _ = rw.WriteString("HTTP/1.1 200 OK")
	w = hijackWriter{ResponseRecorder: httptest.NewRecorder(), nc: nc, rw: rw}
	if _, _, err := Upgrade(w, exampleRequest(t), nil); err == nil || !nc.closed || nc.w.Len() > 0 {
		t.Errorf("error %v, closed %v, wrote %q", err, nc.closed, &nc.w)
	}
	// The client is gone.
	nc = &scriptConn{werr: io.ErrClosedPipe}
	w = hijackWriter{ResponseRecorder: httptest.NewRecorder(), nc: nc}
	if _, _, err := Upgrade(w, exampleRequest(t), nil); !errors.Is(err, io.ErrClosedPipe) || !nc.closed {
		t.Errorf("error %v, closed %v", err, nc.closed)
	}
}

// The client does not read the response: the deadline of the handshake ends the
// wait; after a success there is none.
func TestUpgradeDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := net.Pipe()
		defer c.Close()
		begin := time.Now()
		w := hijackWriter{ResponseRecorder: httptest.NewRecorder(), nc: s}
		_, _, err := Upgrade(w, exampleRequest(t), nil)
		var ne net.Error
		if !errors.As(err, &ne) || !ne.Timeout() || time.Since(begin) != defaultTimeout {
			t.Errorf("error %v after %v", err, time.Since(begin))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, s := net.Pipe()
		_ = s.SetDeadline(time.Now().Add(time.Minute)) // left by the server
		go func() {
			_, _ = http.ReadResponse(bufio.NewReader(c), nil)
			time.Sleep(time.Hour)
			_ = c.Close()
		}()
		w := hijackWriter{ResponseRecorder: httptest.NewRecorder(), nc: s}
		nc, _, err := Upgrade(w, exampleRequest(t), &ServerOptions{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("error %v", err)
		}
		_ = nc.Close()
	})
}

// No deadline is left either where the socket has taken the response at once.
func TestUpgradeLeavesNoDeadline(t *testing.T) {
	l := listen(t)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_ = s.SetDeadline(past) // left by a wrapper of the ResponseWriter
	w := hijackWriter{ResponseRecorder: httptest.NewRecorder(), nc: s}
	nc, _, err := Upgrade(w, exampleRequest(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "x")
	if _, err := nc.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if _, err := nc.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

// RFC 6455, section 4.2.2 (4.2.2-01): a refusal leaves the connection to the server.
func TestUpgradeRefusal(t *testing.T) {
	for _, change := range []string{"Connection: Upgrade", "Sec-WebSocket-Version: 13", "Host: example.com"} {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Replace(example, change+"\r\n", "", 1))))
		if err != nil {
			t.Fatal(err)
		}
		w := hijackWriter{ResponseRecorder: httptest.NewRecorder(), err: errors.New("taken over")}
		_, _, err = Upgrade(w, r, nil)
		if w.Code < 400 || err == nil || strings.Contains(err.Error(), "taken over") {
			t.Errorf("%s: status %d, error %v", change, w.Code, err)
		}
	}
}
