package handshake

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
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
