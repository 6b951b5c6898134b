package handshake

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 6455, section 4.2.2, step 5 (4.2.2-11, 4.2.2-12, 4.2.2-16,
// 4.2.2-17, 4.2.2-18, 4.2.2-19, 4.2.2-20).
func TestResponseAppend(t *testing.T) {
	for _, tt := range []struct {
		name  string
		r     Response
		extra http.Header
		want  string
	}{
		{"least", Response{Accept: "a"}, nil, "Sec-WebSocket-Accept: a\r\n"},
		{
			"most",
			Response{"a", "p", []Extension{{"x", []Param{{"y", "1"}}}, {Name: "z"}}},
			http.Header{"Set-Cookie": {"a=b", " c=d\t"}, "A": {""}},
			"Sec-WebSocket-Accept: a\r\nSec-WebSocket-Protocol: p\r\nSec-WebSocket-Extensions: x; y=1, z\r\n" +
				"A: \r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n",
		},
		{
			"what callers should have refused",
			Response{Accept: "a"},
			http.Header{
				"X": {"a\r\nSec-WebSocket-Protocol: p", "b\x00\n"}, "Y\r\nZ": {"a"}, "": {"a"},
				"sec-websocket-protocol": {"p"}, "connection": {"close"}, "Content-Length": {"1"},
			},
			"Sec-WebSocket-Accept: a\r\nX: a  Sec-WebSocket-Protocol: p\r\nX: b  \r\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := "-HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + tt.want + "\r\n"
			if diff := cmp.Diff(want, string(tt.r.Append([]byte("-"), tt.extra))); diff != "" {
				t.Errorf("(-want +got):\n%s", strings.ReplaceAll(diff, "\r", "\\r"))
			}
		})
	}
}

// Whatever header a caller gives, the response has the lines that it should have
// and no others.
func FuzzResponseAppend(f *testing.F) {
	f.Add("X", "a")
	f.Add("X-Y", "a\r\nUpgrade: h2c\r\n\r\nHTTP/1.1 200 OK")
	f.Add("Connection", "close")
	f.Add("A\n", "\x00")
	f.Fuzz(func(t *testing.T, name, value string) {
		b := Response{Accept: "a"}.Append(nil, http.Header{name: {value}})
		r := bufio.NewReader(bytes.NewReader(b))
		resp, err := http.ReadResponse(r, nil)
		if err != nil && validValue(value) {
			t.Fatalf("%q: %v", b, err)
		}
		if bytes.Count(b, []byte("\r\n\r\n")) != 1 || !bytes.HasSuffix(b, []byte("\r\n\r\n")) {
			t.Fatalf("%q is split", b)
		}
		if err == nil && (len(resp.Header) > 4 || len(resp.Header[fieldUpgrade]) != 1 || r.Buffered() != 0) {
			t.Fatalf("%q has %v", b, resp.Header)
		}
	})
}
