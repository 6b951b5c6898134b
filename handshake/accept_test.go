package handshake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/internal/pipe"
)

// vectorOptions are the server options that a vector asks for.
func vectorOptions(v vector) *ServerOptions {
	return &ServerOptions{
		Subprotocols: v.names("options", "subprotocols"),
		Origins:      v.names("options", "origins"),
	}
}

// checkAnswer parses an answer by means of net/http and compares it with a vector.
func checkAnswer(t *testing.T, v vector, want string, r *bufio.Reader) {
	t.Helper()
	method, _, _ := strings.Cut(v.text(t, "raw"), " ")
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("the answer is not HTTP: %v", err)
	}
	if got := strconv.Itoa(resp.StatusCode); got != want {
		t.Fatalf("status %s, want %s", got, want)
	}
	for _, h := range v["header"] {
		name, value, _ := strings.Cut(h, ": ")
		if absent, found := strings.CutPrefix(name, "!"); found {
			if got, ok := resp.Header[http.CanonicalHeaderKey(absent)]; ok {
				t.Errorf("%s is %q, want none", absent, got)
			}
			continue
		}
		if diff := cmp.Diff([]string{value}, resp.Header.Values(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("the body is incomplete: %v", err)
	}
	if resp.ContentLength < 0 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") || (len(body) == 0) != (method == "HEAD") {
		t.Errorf("length %d, type %q, body %q", resp.ContentLength, resp.Header.Get("Content-Type"), body)
	}
	if !resp.Close {
		t.Error("the answer has no Connection: close")
	}
}

// RFC 6455, sections 4.2.1 and 4.2.2: the whole of testdata/requests.txt, in one
// piece and byte by byte (2.1-03).
func TestAcceptVectors(t *testing.T) {
	pieces := map[string]func(io.Reader) io.Reader{
		"whole":   func(r io.Reader) io.Reader { return r },
		"bytes":   iotest.OneByteReader,
		"with it": iotest.DataErrReader,
	}
	for _, v := range vectors(t, "requests.txt") {
		for how, cut := range pieces {
			t.Run(v.one("name")+"/"+how, func(t *testing.T) {
				raw := v.text(t, "raw")
				nc := &scriptConn{r: cut(strings.NewReader(raw))}
				result, err := Accept(nc, vectorOptions(v))
				checkAnswer(t, v, v.one("bare"), bufio.NewReader(&nc.w))
				if accepted := v.one("bare") == "101"; accepted != (err == nil) || accepted == nc.closed {
					t.Errorf("error %v, closed %v", err, nc.closed)
				}
				if err != nil {
					checkSection(t, v, err)
					return
				}
				left, _ := io.ReadAll(nc.r)
				if diff := cmp.Diff(v.text(t, "data"), string(append(result.Buffered, left...))); diff != "" {
					t.Errorf("bytes behind the request (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// checkSection compares status and, roughly, section of an error with a vector: an
// error in HTTP itself is one against 4.2.1.
func checkSection(t *testing.T, v vector, err error) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("the error is a %T", err)
	}
	if got := strconv.Itoa(e.Status); got != v.one("bare") {
		t.Errorf("status of the error is %s, want %s", got, v.one("bare"))
	}
	if e.Section == "" || !strings.Contains(err.Error(), "RFC 6455, section "+e.Section) {
		t.Errorf("the error names no section: %v", err)
	}
}

// Both front ends give the same verdict: the vectors through net/http and Upgrade,
// with the exceptions that the vectors explain.
func TestDifferential(t *testing.T) {
	for _, v := range vectors(t, "requests.txt") {
		t.Run(v.one("name"), func(t *testing.T) {
			want := v.one("bare")
			if other := v.one("http"); other != "" {
				want = other
			}
			data := make(chan string, 1)
			nc := serve(t, func(w http.ResponseWriter, r *http.Request) {
				nc, result, err := Upgrade(w, r, vectorOptions(v))
				if err != nil {
					return
				}
				defer nc.Close()
				left, _ := io.ReadAll(nc)
				data <- string(append(result.Buffered, left...))
			})
			if _, err := io.WriteString(nc, v.text(t, "raw")); err != nil {
				t.Fatal(err)
			}
			if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(nc)
			if err != nil {
				t.Fatal(err)
			}
			if own := want != "101" && !bytes.Contains(answer, []byte("X-Content-Type-Options")); own {
				// net/http answers itself, in its own words.
				if got := string(answer[len("HTTP/1.1 "):][:3]); got != want {
					t.Errorf("status %s, want %s", got, want)
				}
				return
			}
			checkAnswer(t, v, want, bufio.NewReader(bytes.NewReader(answer)))
			if want == "101" {
				if diff := cmp.Diff(v.text(t, "data"), <-data); diff != "" {
					t.Errorf("bytes behind the request (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Without o, and with the result's fields.
func TestAcceptResult(t *testing.T) {
	nc := &scriptConn{r: strings.NewReader(strings.Replace(example, "GET /chat?x", "GET http://other.example:81?y", 1) + "early")}
	result, err := Accept(nc, nil)
	if err != nil {
		t.Fatal(err)
	}
	if result.Host != "other.example:81" || result.Target != "/?y" || string(result.Buffered) != "early" {
		t.Errorf("result %+v", result)
	}
	if result.Header != nil {
		t.Errorf("header %v", result.Header)
	}
}

// Streams that have no deadlines are closed when the time is over.
func TestAcceptWithoutDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		r, w := io.Pipe()
		_, err := Accept(&bluntConn{scriptConn: scriptConn{r: r}, w: w}, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != defaultTimeout {
			t.Errorf("error %v after %v", err, time.Since(begin))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		nc := &bluntConn{scriptConn: scriptConn{r: io.MultiReader(strings.NewReader(example), r)}, w: w}
		if _, err := Accept(nc, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * defaultTimeout) // of the bubble's clock
		go func() { _, _ = w.Write([]byte("x")) }()
		if _, err := io.ReadFull(nc, make([]byte, 1)); err != nil {
			t.Errorf("error %v", err)
		}
	})
}

func TestAcceptHeader(t *testing.T) {
	nc := &scriptConn{r: strings.NewReader(example)}
	if _, err := Accept(nc, &ServerOptions{Header: http.Header{"X-A": {"b"}}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(nc.w.String(), "\r\nX-A: b\r\n") {
		t.Errorf("response %q", &nc.w)
	}
	nc = &scriptConn{r: strings.NewReader(example)}
	_, err := Accept(nc, &ServerOptions{Header: http.Header{"X-A": {"b\n"}}})
	if err == nil || !strings.HasPrefix(nc.w.String(), "HTTP/1.1 500 ") {
		t.Errorf("error %v, response %q", err, &nc.w)
	}
}

// The head is bounded: 8 KiB by default.
func TestAcceptTooLarge(t *testing.T) {
	long := strings.Replace(example, "\r\n\r\n", "\r\nX: "+strings.Repeat("x", 9000)+"\r\n\r\n", 1)
	for limit, want := range map[int]string{0: "431", 100: "431", -1: "101", len(long): "101", len(long) - 1: "431"} {
		nc := &scriptConn{r: strings.NewReader(long)}
		_, err := Accept(nc, &ServerOptions{MaxHeaderBytes: limit})
		if got := nc.w.String()[len("HTTP/1.1 "):][:3]; got != want {
			t.Errorf("limit %d: status %s, want %s; error %v", limit, got, want, err)
		}
	}
}

// A client that hangs up, or cannot be written to.
func TestAcceptGone(t *testing.T) {
	nc := &scriptConn{r: strings.NewReader("")}
	if _, err := Accept(nc, nil); !errors.Is(err, errClosed) || nc.w.Len() > 0 || !nc.closed {
		t.Errorf("error %v, response %q, closed %v", err, &nc.w, nc.closed)
	}
	nc = &scriptConn{r: strings.NewReader(example), werr: io.ErrClosedPipe}
	if _, err := Accept(nc, nil); !errors.Is(err, io.ErrClosedPipe) || !nc.closed {
		t.Errorf("error %v, closed %v", err, nc.closed)
	}
	nc = &scriptConn{r: strings.NewReader("\r\n"), werr: io.ErrClosedPipe}
	_, err := Accept(nc, nil)
	var e *Error
	if !errors.As(err, &e) || e.Status != 0 || !nc.closed {
		t.Errorf("error %v, closed %v", err, nc.closed)
	}
}

// The handshake is bounded in time: 10 seconds by default, for clients that send
// nothing, slowly, or do not read the answer.
func TestAcceptTimeout(t *testing.T) {
	tests := []struct {
		name   string
		client func(nc net.Conn) string // returns what was read
		took   time.Duration
		want   string
		status int
	}{
		{"silent", func(nc net.Conn) string { b, _ := io.ReadAll(nc); return string(b) }, defaultTimeout, "", 0},
		{"slow", func(nc net.Conn) string {
			for i := 0; ; i++ {
				if _, err := io.WriteString(nc, example[i:i+1]); err != nil {
					break
				}
				if time.Sleep(300 * time.Millisecond); i == 32 {
					break // 9.9 s
				}
			}
			b, _ := io.ReadAll(nc)
			return string(b)
		}, defaultTimeout, "HTTP/1.1 408 Request Timeout\r\n", 408},
		{"deaf", func(nc net.Conn) string {
			_, _ = io.WriteString(nc, example)
			time.Sleep(time.Minute)
			return ""
		}, defaultTimeout, "", 0},
		{"deaf to a refusal", func(nc net.Conn) string {
			_, _ = io.WriteString(nc, "\r\n")
			time.Sleep(time.Minute)
			return ""
		}, refusalTime, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := net.Pipe()
				begin := time.Now()
				got := make(chan string)
				go func() { got <- tt.client(c) }()
				_, err := Accept(s, nil)
				if took := time.Since(begin); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				var e *Error
				if !errors.As(err, &e) || e.Status != tt.status {
					t.Errorf("error %v", err)
				}
				if tt.took == defaultTimeout && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
				answer := <-got
				if !strings.HasPrefix(answer, tt.want) || tt.want == "" && answer != "" {
					t.Errorf("answer %q", answer)
				}
			})
		})
	}
	// No limit at all, and no deadline afterwards.
	synctest.Test(t, func(t *testing.T) {
		c, s := net.Pipe()
		go func() {
			time.Sleep(24 * time.Hour)
			_, _ = io.WriteString(c, example)
			_, _ = http.ReadResponse(bufio.NewReader(c), nil)
			time.Sleep(24 * time.Hour)
			_ = c.Close()
		}()
		if _, err := Accept(s, &ServerOptions{Timeout: -1}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("error %v", err)
		}
		_ = s.Close()
	})
}

// The refusal reaches a client that goes on sending: the connection is closed only
// after what comes has been read, up to 64 KiB or 250 ms.
func TestAcceptLinger(t *testing.T) {
	l := listen(t)
	acceptOne(t, l, func(nc net.Conn) {
		if _, err := Accept(nc, nil); err == nil {
			t.Error("accepted")
		}
	})
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, "POST / HTTP/1.1\r\n\r\n"+strings.Repeat("x", 32<<10)); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(nc)
	if err != nil || !bytes.HasPrefix(b, []byte("HTTP/1.1 405 ")) || !bytes.Contains(b, []byte("section 4.2.1")) {
		t.Errorf("got %q, %v", b, err)
	}
	// A half that cannot be closed is not waited for.
	broken := errors.New("broken")
	if err := linger(halfConn{&scriptConn{}, broken}); err != broken {
		t.Errorf("error %v", err)
	}
}

// A client that was refused and neither hangs up nor stops to send is listened to for no
// more than that.
func TestAcceptLingerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := pipe.New(-1)
		defer c.Close()
		_, _ = io.WriteString(c, "POST / HTTP/1.1\r\n\r\n")
		begin := time.Now()
		if _, err := Accept(s, nil); err == nil {
			t.Error("accepted")
		}
		if took := time.Since(begin); took != lingerTime {
			t.Errorf("took %v, want %v", took, lingerTime)
		}
	})
	endless := strings.NewReader(strings.Repeat("x", 1<<20))
	if err := linger(halfConn{&scriptConn{r: endless}, nil}); err != nil {
		t.Error(err)
	}
	if n := 1<<20 - endless.Len(); n != lingerBytes {
		t.Errorf("%d bytes were read, want %d", n, lingerBytes)
	}
}

type halfConn struct {
	*scriptConn
	err error
}

func (c halfConn) CloseWrite() error { return c.err }

// The refusal of a plain GET, byte for byte.
func TestRefusalBytes(t *testing.T) {
	nc := &scriptConn{r: strings.NewReader("GET / HTTP/1.1\r\nHost: h\r\n\r\n")}
	synctest.Test(t, func(*testing.T) { _, _ = Accept(nc, nil) }) // for its clock
	text := "426 Upgrade Required\n\nthe Upgrade field does not contain websocket: this resource is for WebSocket clients (RFC 6455, section 4.2.1)\n"
	want := "HTTP/1.1 426 Upgrade Required\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " + strconv.Itoa(len(text)) +
		"\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\nX-Content-Type-Options: nosniff\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n" + text
	if diff := cmp.Diff(want, nc.w.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
