package handshake

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// readHead reads a head and tells all that came of it.
func readHead(r io.Reader, limit int) (start string, header http.Header, rest string, err error) {
	var h head
	if err := h.read(r, limit); err != nil {
		return "", nil, "", err
	}
	start, header = h.strings()
	left, _ := io.ReadAll(r)
	return start, header, string(append(h.rest(), left...)), nil
}

func TestHeadLimit(t *testing.T) {
	s := "GET / HTTP/1.1\r\nX: " + strings.Repeat("x", 5000) + "\r\n\r\n"
	for limit, want := range map[int]error{len(s): nil, len(s) - 1: errHeadTooLarge, 1: errHeadTooLarge} {
		r := strings.NewReader(s + "rest")
		_, _, rest, err := readHead(r, limit)
		if err != want || want == nil && rest != "rest" {
			t.Errorf("limit %d: error %v, rest %q", limit, err, rest)
		}
		if asked := len(s) + 4 - r.Len(); want != nil && asked > limit {
			t.Errorf("limit %d: %d bytes were read", limit, asked)
		}
	}
}

// Errors of the reader: bytes that came with one count first, and a reader that
// never returns anything ends.
func TestHeadErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		r    io.Reader
		want error
	}{
		{strings.NewReader(""), io.EOF},
		{strings.NewReader("x"), errHeadTruncated},
		{iotest.ErrReader(broken), broken},
		{io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), broken},
		{iotest.DataErrReader(strings.NewReader("x\r\n\r\n")), nil},
		{idleReader{}, io.ErrNoProgress},
	} {
		if _, _, _, err := readHead(tt.r, 100); err != tt.want {
			t.Errorf("error %v, want %v", err, tt.want)
		}
	}
}

type idleReader struct{}

func (idleReader) Read([]byte) (int, error) { return 0, nil }

// Reading is linear in the size of the head: a head of many short lines, byte by
// byte, looks at each byte once.
func TestHeadLinear(t *testing.T) {
	s := "GET / HTTP/1.1\r\n" + strings.Repeat("a:\r\n", 100_000) + "\r\n"
	var h head
	for i := range s {
		h.buf = append(h.buf, s[i])
		if h.next != i && h.next != h.line {
			t.Fatalf("at byte %d the scan begins at %d", i, h.next)
		}
		if done, err := h.scan(); err != nil || done != (i == len(s)-1) {
			t.Fatalf("at byte %d: %v, %v", i, done, err)
		}
	}
}

// Reading in one piece, byte by byte and in halves gives the same; what is accepted
// as a request is one to net/http, with the same fields.
func FuzzHead(f *testing.F) {
	for _, v := range vectors(f, "requests.txt") {
		f.Add(v.text(f, "raw"))
	}
	for _, v := range vectors(f, "responses.txt") {
		f.Add(v.text(f, "raw"))
	}
	f.Fuzz(func(t *testing.T, s string) {
		const limit = 2000
		start, header, rest, err := readHead(strings.NewReader(s), limit)
		for name, r := range map[string]io.Reader{
			"bytes":  iotest.OneByteReader(strings.NewReader(s)),
			"halves": iotest.HalfReader(strings.NewReader(s)),
			"errors": iotest.DataErrReader(strings.NewReader(s)),
		} {
			start2, header2, rest2, err2 := readHead(r, limit)
			if start != start2 || rest != rest2 || err != err2 || !cmp.Equal(header, header2) {
				t.Fatalf("%s: %q %q %v, whole: %q %q %v", name, start2, rest2, err2, start, rest, err)
			}
		}
		if err != nil {
			return
		}
		m := memory{req: new(Request)}
		if err := m.head.read(strings.NewReader(s), limit); err != nil {
			t.Fatal(err)
		}
		if m.parse(false) != nil {
			return
		}
		r := m.req
		if _, e := (*ServerOptions)(nil).Verdict(r); e != nil {
			return
		}
		req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader([]byte(s))))
		if err != nil {
			t.Fatalf("accepted, but to net/http: %v", err)
		}
		delete(header, "Host")
		delete(header, "Pragma")
		delete(header, "Cache-Control")
		req.Header.Del("Pragma") // net/http derives one from the other
		req.Header.Del("Cache-Control")
		if diff := cmp.Diff(header, req.Header); diff != "" {
			t.Fatalf("header (-own +net/http):\n%s", diff)
		}
		if other := fromHTTP(req); r.Target != other.Target || other.Body {
			t.Fatalf("target %q, body %v", other.Target, other.Body)
		}
	})
}

// A response, whatever it is, ends in a verdict; one that is accepted keeps every
// byte behind its head.
func FuzzResponse(f *testing.F) {
	for _, v := range vectors(f, "responses.txt") {
		f.Add(v.text(f, "raw"))
	}
	f.Fuzz(func(t *testing.T, s string) {
		o := through(&DialOptions{Subprotocols: []string{"a", "b"}, Extensions: []Extension{{Name: "a"}, {Name: "b"}}}, func(r *http.Request) string {
			// Placed here, so that the whole answer is known to the test.
			return strings.ReplaceAll(s, "{accept}", AcceptKey(r.Header.Get(wireKey)))
		})
		nc, result, err := Dial(t.Context(), "ws://h", o)
		if err != nil {
			return
		}
		left, _ := io.ReadAll(nc.(*answerConn).r)
		if got := string(append(result.Buffered, left...)); strings.Count(s, "{accept}") == 1 && !strings.HasSuffix(s, got) {
			t.Fatalf("%q is left of %q", got, s)
		}
		if result.Subprotocol != "" && result.Subprotocol != "a" && result.Subprotocol != "b" {
			t.Fatalf("subprotocol %q", result.Subprotocol)
		}
		if err := checkAgreed(result.Extensions, o.Extensions); err != nil {
			t.Fatal(err)
		}
	})
}
