package hostile

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
)

// TestRequests sends requests, each with a frame behind it that nobody may look at if it is
// refused. The answer is complete, and the server ends the stream.
func TestRequests(t *testing.T) {
	o := conn.Options{Subprotocols: []string{"superchat", "chat"}}
	listen, http := start(t, "Listen", byRead, o), start(t, "net/http", byRead, o)
	t.Run("group", func(t *testing.T) {
		for _, a := range requests {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				for _, d := range ways(len(a.request)) {
					a.listen(t, listen, d)
					a.http1(t, http, d)
				}
			})
		}
		for _, a := range httpRequests {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				a.http1(t, http, coalesced)
			})
		}
	})
}

// finale is what is sent behind every request: where it is accepted, a Close.
var finale = encode(send(f(0x88, "")), true)

// get sends the request and returns all that comes back. What is behind the request comes
// with its last byte: later it could meet a server that has had enough.
func (a *ask) get(t *testing.T, s *server, status int, d delivery) string {
	t.Helper()
	nc := s.dial(t)
	begin := len(a.request) - 1
	if d == coalesced {
		begin = 0
	}
	go func() {
		deliver(nc, a.request[:begin], d)
		deliver(nc, a.request[begin:]+finale, whole)
	}()
	var got strings.Builder
	if _, err := io.Copy(&got, nc); err != nil {
		t.Errorf("%s, %s: %v", s.name, deliveryNames[d], err)
	}
	_ = nc.Close()
	if status == http.StatusSwitchingProtocols {
		if diff := cmp.Diff("duplex: closed by the peer: 1005 (no status received)", await(t, s.end(nc.LocalAddr().String()))); diff != "" {
			t.Errorf("error of the application (-want +got):\n%s", diff)
		}
	}
	return got.String()
}

// accepted is the response to a request that is accepted, and the answer to the Close.
func (a *ask) accepted() string {
	return strings.TrimSuffix(response(""), "\r\n") + a.fields + "\r\n" + got(0x88, "")
}

// aDate is the value of a Date field.
var aDate = regexp.MustCompile(`Date: ([A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)\r\n`)

// listen compares the answer of Listen, but for the date.
func (a *ask) listen(t *testing.T, s *server, d delivery) {
	t.Helper()
	got := aDate.ReplaceAllString(a.get(t, s, a.status, d), "Date: now\r\n")
	want := a.accepted()
	if a.status != http.StatusSwitchingProtocols {
		status := strconv.Itoa(a.status) + " " + http.StatusText(a.status)
		body := status + "\n\n" + a.why + "\n"
		also := ""
		if strings.HasPrefix(a.fields, "Upgrade:") {
			also = ", Upgrade"
		}
		want = fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nDate: now\r\n"+
			"X-Content-Type-Options: nosniff\r\nConnection: close%s\r\n%s\r\n%s", status, len(body), also, a.fields, body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s, %s: answer (-want +got):\n%s", s.name, deliveryNames[d], diff)
	}
}

// http1 compares the answer behind net/http, which writes the head its own way. What
// net/http refuses itself is only looked at for its status.
func (a *ask) http1(t *testing.T, s *server, d delivery) {
	t.Helper()
	status := a.status
	if a.http != 0 {
		status = a.http
	}
	if a.http >= 400 && d == bytewise {
		return // net/http hangs up in the middle of it
	}
	got := a.get(t, s, status, d)
	if status == http.StatusSwitchingProtocols {
		if diff := cmp.Diff(a.accepted(), got); diff != "" {
			t.Errorf("%s, %s: answer (-want +got):\n%s", s.name, deliveryNames[d], diff)
		}
		return
	}
	r := bufio.NewReader(strings.NewReader(got))
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Errorf("%s, %s: %v in %q", s.name, deliveryNames[d], err, got)
		return
	}
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != status || err != nil || !resp.Close || r.Buffered() > 0 {
		t.Errorf("%s, %s: status %d, want %d, body %v, close %v in %q", s.name, deliveryNames[d], resp.StatusCode, status, err, resp.Close, got)
	}
	if a.http != 0 {
		return
	}
	if diff := cmp.Diff(resp.Status+"\n\n"+a.why+"\n", string(body)); diff != "" {
		t.Errorf("%s, %s: body (-want +got):\n%s", s.name, deliveryNames[d], diff)
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(a.fields, "\r\n"), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok && resp.Header.Get(name) != value {
			t.Errorf("%s, %s: no field %q in %q", s.name, deliveryNames[d], line, got)
		}
	}
}
