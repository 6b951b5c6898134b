package handshake

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// An outcome is what a front end makes of the bytes of a client.
type outcome struct {
	Status int
	Header http.Header // of the answer, without what depends on the front end
	Body   string      // of the answer, if its text is ours
	Data   string      // what is left for the frames
	Host   string
	Target string
	Own    bool // the answer is ours, not of net/http
}

// outcomeOf reads an answer, if there is one.
func outcomeOf(t *testing.T, raw string, answer *bytes.Buffer) outcome {
	t.Helper()
	if answer.Len() == 0 {
		return outcome{}
	}
	method, _, _ := strings.Cut(raw, " ")
	resp, err := http.ReadResponse(bufio.NewReader(answer), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("the answer is not HTTP: %v", err)
	}
	o := outcome{Status: resp.StatusCode, Header: resp.Header}
	o.Own = resp.StatusCode == http.StatusSwitchingProtocols || resp.Header.Get("X-Content-Type-Options") != ""
	o.Header.Del("Date")
	if o.Status != http.StatusSwitchingProtocols {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		o.Body = string(body)
		o.Header.Del("Connection") // closing is said in more ways than one
	}
	return o
}

// byAccept is the outcome on a bare connection.
func byAccept(t *testing.T, raw string, o *ServerOptions) (outcome, error) {
	t.Helper()
	nc := &scriptConn{r: strings.NewReader(raw)}
	result, err := Accept(nc, o)
	out := outcomeOf(t, raw, &nc.w)
	if err == nil {
		left, _ := io.ReadAll(nc.r)
		out.Data, out.Host, out.Target = string(append(result.Buffered, left...)), result.Host, result.Target
	}
	return out, err
}

// byUpgrade is the outcome behind a server of net/http.
func byUpgrade(t *testing.T, raw string, o *ServerOptions) (out outcome) {
	t.Helper()
	nc := &tcpLike{scriptConn{r: strings.NewReader(raw)}}
	done := make(chan struct{})
	var data []byte
	var result Result
	s := &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var err error
			if _, result, err = Upgrade(w, r, o); err == nil {
				data, _ = io.ReadAll(nc.r)
				close(done)
			}
		}),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				close(done)
			}
		},
	}
	l := &onceListener{nc: nc, closed: make(chan struct{})}
	go func() { _ = s.Serve(l) }()
	<-done
	_ = s.Close()
	out = outcomeOf(t, raw, &nc.w)
	out.Data, out.Host, out.Target = string(append(result.Buffered, data...)), result.Host, result.Target
	return out
}

// tcpLike has addresses.
type tcpLike struct{ scriptConn }

func (*tcpLike) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (*tcpLike) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// A onceListener accepts one connection.
type onceListener struct {
	nc     net.Conn
	closed chan struct{}
}

func (l *onceListener) Accept() (net.Conn, error) {
	if nc := l.nc; nc != nil {
		l.nc = nil
		return nc, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *onceListener) Close() error {
	close(l.closed)
	return nil
}

func (l *onceListener) Addr() net.Addr { return &net.TCPAddr{} }

// Both front ends come to the same verdict about the same bytes: what one accepts the
// other accepts, and what Upgrade refuses Accept refuses in the same words. The
// exceptions are those that requests.txt explains.
func FuzzDifferential(f *testing.F) {
	for _, v := range vectors(f, "requests.txt") {
		f.Add(v.text(f, "raw"))
	}
	f.Fuzz(func(t *testing.T, raw string) {
		o := &ServerOptions{Subprotocols: []string{"chat", "superchat"}, Origins: []string{"*.example.org", "null"}}
		o.Negotiate = func(offers []Extension) []Extension { return offers[:1] }
		synctest.Test(t, func(t *testing.T) {
			own, err := byAccept(t, raw, o)
			other := byUpgrade(t, raw, o)
			switch {
			case !other.Own && err != nil:
				// net/http has refused it itself. With several faults in a request it
				// may have named another one.
				return
			case other.Status == http.StatusExpectationFailed:
				return // net/http answers expectations it does not know itself
			case err != nil && !cmp.Equal(own, other):
				own, err = byAccept(t, lenient(raw), o)
			}
			if diff := cmp.Diff(own, other); diff != "" {
				t.Errorf("error %v\n%q\n(-own +net/http):\n%s", err, raw, diff)
			}
		})
	})
}

// lenient writes a request as net/http understands it: a lone LF ends a line, lines are
// unfolded, a Content-Length is a number, and of a target in absolute form the
// authority takes the place of the Host field.
func lenient(raw string) string {
	var lines []string
	for raw != "" {
		line, rest, _ := strings.Cut(raw, "\n")
		raw = rest
		if line = strings.TrimSuffix(line, "\r"); line == "" {
			break
		}
		if len(lines) > 1 && isBlank(line[0]) {
			lines[len(lines)-1] += " " + trim(line)
			continue
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return raw
	}
	_, target, _ := strings.Cut(lines[0], " ")
	target, _, _ = strings.Cut(target, " ")
	authority := ""
	if u, err := url.ParseRequestURI(target); err == nil {
		authority = u.Host
	}
	for i, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		switch value = trim(value); {
		case equalFold(name, "Content-Length") && value != "" && strings.Trim(value, "0") == "":
			lines[i+1] = "Content-Length: 0"
		case equalFold(name, "Host") && authority != "":
			lines[i+1] = "Host: " + authority
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + raw
}
