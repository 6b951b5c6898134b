package conn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/handshake"
	"github.com/duplexws/duplex/internal/pipe"
)

// rawOffer sends a request with these Sec-WebSocket-Extensions lines and returns the
// status and what the response has there.
func rawOffer(t *testing.T, nc net.Conn, lines ...string) (status int, answer string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n")
	for _, line := range lines {
		b.WriteString("Sec-WebSocket-Extensions: " + line + "\r\n")
	}
	_, err := io.WriteString(nc, b.String()+"\r\n")
	must(t, err)
	r := bufio.NewReader(nc)
	res, err := http.ReadResponse(r, nil)
	must(t, err)
	res.Body.Close()
	if n := r.Buffered(); n > 0 && res.StatusCode == http.StatusSwitchingProtocols {
		t.Fatalf("the server has sent %d bytes more", n)
	}
	return res.StatusCode, strings.Join(res.Header["Sec-Websocket-Extensions"], " | ")
}

// compressServer serves connections with the given settings, which it hands out.
func compressServer(t *testing.T, z *Compression) (addr string, accepted <-chan *Conn) {
	t.Helper()
	conns := make(chan *Conn, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := Accept(w, r, &Options{Compression: z}); err == nil {
			conns <- c
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), conns
}

// mustUse shows that connection and peer compress as the response says, which is all
// that the peer knows; without a response they do not compress.
func mustUse(t *testing.T, c *Conn, nc net.Conn, answer string) {
	t.Helper()
	p := &flatePeer{rawPeer: newRawPeer(t, c.role.Peer(), nc)}
	if answer != "" {
		p = newFlatePeer(p.rawPeer, strings.TrimPrefix(answer, deflate.Name))
	}
	for i := range 3 {
		text := jsonText(600+i, 1)
		must(t, c.Write(background, Text, []byte(text)))
		p.expectText(Text, answer != "", text)
		f := textFrame(text)
		if answer != "" {
			f = p.compressedFrame(f)
		}
		p.send(f)
		expectMessage(t, c, background, Text, text)
	}
	if got := c.inflate != nil && c.deflate != nil; got != (answer != "") {
		t.Errorf("the connection compresses: %v", got)
	}
	if answer != "" && (c.deflate.window.Bits > p.window.Bits || p.window.NoTakeover && !c.deflate.window.NoTakeover) {
		t.Errorf("the window is %+v, agreed was %+v", c.deflate.window, p.window)
	}
}

// The server's answer to all kinds of offers.
//
// RFC 7692, sections 5 and 7.1.
func TestCompressionAnswers(t *testing.T) {
	const pmd = "permessage-deflate"
	free := &Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}
	for _, test := range []struct {
		name   string
		z      *Compression
		offers []string
		want   string
	}{
		// D5-01, D5-06: named if and only if it is used.
		{"no offer", &Compression{}, nil, ""},
		{"switched off", nil, []string{pmd}, ""},
		{"another extension", &Compression{}, []string{"x-webkit-deflate-frame"}, ""},
		{"another name, same but for case", &Compression{}, []string{"Permessage-Deflate"}, ""},

		// What clients send.
		{"Chrome", &Compression{}, []string{pmd + "; client_max_window_bits"}, pmd + "; server_max_window_bits=12; client_max_window_bits=12"},
		{"Firefox", &Compression{}, []string{pmd}, pmd + "; server_max_window_bits=12"},
		{"gorilla", &Compression{}, []string{pmd + "; server_no_context_takeover; client_no_context_takeover"}, pmd + "; server_no_context_takeover; client_no_context_takeover"},
		{"no takeover, the largest windows", &Compression{ServerNoContextTakeover: true, ClientNoContextTakeover: true}, []string{pmd + "; client_max_window_bits"}, pmd + "; server_no_context_takeover; client_no_context_takeover; client_max_window_bits=15"},
		{"no takeover one way", &Compression{}, []string{pmd + "; server_no_context_takeover; client_max_window_bits"}, pmd + "; server_no_context_takeover; client_max_window_bits=12"},
		{"no takeover, a window as chosen", &Compression{ServerMaxWindowBits: 10}, []string{pmd + "; server_no_context_takeover"}, pmd + "; server_no_context_takeover; server_max_window_bits=10"},
		{"websockets", &Compression{}, []string{pmd + "; server_max_window_bits=12; client_max_window_bits=12"}, pmd + "; server_max_window_bits=12; client_max_window_bits=12"},

		// D5-02, D5-03: the first that is acceptable, in one line or several.
		{"the first of two", free, []string{pmd + "; server_max_window_bits=10, " + pmd}, pmd + "; server_max_window_bits=10"},
		{"the first of two lines", free, []string{pmd + "; server_no_context_takeover", pmd}, pmd + "; server_no_context_takeover"},
		{"the second, the first is bad", free, []string{pmd + "; foo, " + pmd + "; client_no_context_takeover"}, pmd + "; client_no_context_takeover"},
		{"the third", free, []string{pmd + "; server_max_window_bits=7", pmd + "; client_max_window_bits=16", pmd + "; server_max_window_bits=8"}, pmd + "; server_max_window_bits=8"},
		{"behind another extension", free, []string{"foo; server_max_window_bits=9, " + pmd}, pmd},

		// D7.1.1.1-03, D7.1.1.1-04, D7.1.1.2-02: granted and confirmed, or unasked.
		{"server_no_context_takeover", free, []string{pmd + "; server_no_context_takeover"}, pmd + "; server_no_context_takeover"},
		{"client_no_context_takeover", free, []string{pmd + "; client_no_context_takeover"}, pmd + "; client_no_context_takeover"},
		{"no takeover unasked", &Compression{ServerNoContextTakeover: true, ClientNoContextTakeover: true, ServerMaxWindowBits: 15}, []string{pmd}, pmd + "; server_no_context_takeover; client_no_context_takeover"},

		// D7.1.2.1-05, D7.1.2.1-06: the same or a smaller window, confirmed also if it is the largest.
		{"server_max_window_bits=15", free, []string{pmd + "; server_max_window_bits=15"}, pmd + "; server_max_window_bits=15"},
		{"=15, and 12 is used", &Compression{}, []string{pmd + "; server_max_window_bits=15"}, pmd + "; server_max_window_bits=12"},
		{"=9, and 9 is used", &Compression{}, []string{pmd + "; server_max_window_bits=9"}, pmd + "; server_max_window_bits=9"},
		{"unasked", &Compression{ServerMaxWindowBits: 10}, []string{pmd}, pmd + "; server_max_window_bits=10"},

		// D7.1.2.2-03, D7.1.2.2-04: answered only if it was offered.
		{"client_max_window_bits", free, []string{pmd + "; client_max_window_bits"}, pmd + "; client_max_window_bits=15"},
		{"client_max_window_bits=15", free, []string{pmd + "; client_max_window_bits=15"}, pmd + "; client_max_window_bits=15"},
		{"client_max_window_bits=9", free, []string{pmd + "; client_max_window_bits=9"}, pmd + "; client_max_window_bits=9"},
		{"wished for", &Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 10}, []string{pmd + "; client_max_window_bits"}, pmd + "; client_max_window_bits=10"},
		{"wished for, and less is offered", &Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 10}, []string{pmd + "; client_max_window_bits=9"}, pmd + "; client_max_window_bits=9"},
		{"wished for, and not offered", &Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 10}, []string{pmd}, pmd},

		// D7.1.2.1-02: a quoted value is the same.
		{"quoted", free, []string{pmd + `; server_max_window_bits="10"; client_max_window_bits="9"`}, pmd + "; server_max_window_bits=10; client_max_window_bits=9"},
		{"quoted, a character escaped", free, []string{pmd + `; server_max_window_bits="1\0"`}, pmd + "; server_max_window_bits=10"},
		{"all four", free, []string{pmd + "; client_max_window_bits=11; client_no_context_takeover; server_max_window_bits=9; server_no_context_takeover"}, pmd + "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=11"},
		{"settings out of range", &Compression{ServerMaxWindowBits: -1, ClientMaxWindowBits: 99}, []string{pmd + "; client_max_window_bits"}, pmd + "; server_max_window_bits=8; client_max_window_bits=15"},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr, accepted := compressServer(t, test.z)
			nc, err := net.Dial("tcp", addr)
			must(t, err)
			defer nc.Close()
			status, answer := rawOffer(t, nc, test.offers...)
			if diff := cmp.Diff(fmt.Sprint(http.StatusSwitchingProtocols, " ", test.want), fmt.Sprint(status, " ", answer)); diff != "" {
				t.Fatalf("response (-want +got):\n%s", diff)
			}
			c := <-accepted
			defer c.CloseNow()
			mustUse(t, c, nc, answer)
		})
	}
}

// An offer with a parameter that is unknown, has a value that it cannot have, or comes
// twice is declined, and the connection goes on without compression (D5-11, D7-02, D7-03,
// D7-04). What breaks the grammar of the field is answered with 400.
func TestCompressionDeclines(t *testing.T) {
	addr, accepted := compressServer(t, &Compression{})
	params := []string{"foo", "foo=1", "server_max_window", "Server_max_window_bits=10", "server_no_context_takeovers"}
	for _, name := range []string{"server_max_window_bits", "client_max_window_bits"} {
		for _, value := range []string{"0", "1", "7", "16", "08", "010", "015", "+9", "-9", "1x", "0x9", "9.0", "100", "4294967305", `"7"`, `"08"`, "true"} {
			params = append(params, name+"="+value)
		}
		params = append(params, name+"=10; "+name+"=10", name+"=10; "+name+"=11")
	}
	for _, name := range []string{"server_no_context_takeover", "client_no_context_takeover"} {
		params = append(params, name+"=1", name+"=true", name+"=10", name+"; "+name)
	}
	params = append(params, "server_max_window_bits", "client_max_window_bits; client_max_window_bits", "client_max_window_bits; client_max_window_bits=10")
	for i, param := range params {
		nc, err := net.Dial("tcp", addr)
		must(t, err)
		status, answer := rawOffer(t, nc, deflate.Name+"; "+param)
		if status != http.StatusSwitchingProtocols || answer != "" {
			t.Errorf("%s: %d, %q", param, status, answer)
		}
		c := <-accepted
		if i%8 == 0 {
			mustUse(t, c, nc, answer)
		}
		c.CloseNow()
		nc.Close()
		// The next offer is as good as if the bad one had not been there.
		nc, err = net.Dial("tcp", addr)
		must(t, err)
		status, answer = rawOffer(t, nc, deflate.Name+"; "+param+", "+deflate.Name+"; server_max_window_bits=11")
		if want := deflate.Name + "; server_max_window_bits=11"; status != http.StatusSwitchingProtocols || answer != want {
			t.Errorf("%s, and a good one: %d, %q", param, status, answer)
		}
		(<-accepted).CloseNow()
		nc.Close()
	}
	for _, param := range []string{"server_max_window_bits=", `server_max_window_bits=""`, `client_max_window_bits="1 0"`, "=10", `server_max_window_bits="9`, "a b"} {
		nc, err := net.Dial("tcp", addr)
		must(t, err)
		if status, answer := rawOffer(t, nc, deflate.Name+"; "+param); status != http.StatusBadRequest || answer != "" {
			t.Errorf("%s: %d, %q", param, status, answer)
		}
		nc.Close()
	}
}

// rawAnswer dials a server that answers with these Sec-WebSocket-Extensions lines. It
// returns what was offered.
func rawAnswer(t *testing.T, z *Compression, lines ...string) (c *Conn, nc net.Conn, offer string, err error) {
	t.Helper()
	a, b := tcpPair(t)
	served := async(func() error {
		r, err := http.ReadRequest(bufio.NewReader(b))
		if err != nil {
			return err
		}
		offer = strings.Join(r.Header["Sec-Websocket-Extensions"], " | ")
		s := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Accept: " + handshake.AcceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n"
		for _, line := range lines {
			s += "Sec-WebSocket-Extensions: " + line + "\r\n"
		}
		_, err = io.WriteString(b, s+"\r\n")
		return err
	})
	c, err = Dial(background, "ws://example.com", &DialOptions{
		Options: Options{Compression: z},
		Proxy:   func(*url.URL) (*url.URL, error) { return nil, nil },
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return a, nil
		},
	})
	must(t, <-served)
	return c, b, offer, err
}

// The client's offers (D5-01, D5-04, D5-05, D7.1.1.1-01, D7.1.1.2-01, D7.1.2.1-01,
// D7.1.2.2-01), and the answers that it accepts.
func TestCompressionOffers(t *testing.T) {
	const pmd = "permessage-deflate"
	for _, test := range []struct {
		name  string
		z     *Compression
		offer string
		lines []string
	}{
		{"off", nil, "", nil},
		{"declined", &Compression{}, pmd + "; client_max_window_bits=12", nil},
		{"the name alone", &Compression{}, pmd + "; client_max_window_bits=12", []string{pmd}},
		{"gorilla", &Compression{}, pmd + "; client_max_window_bits=12", []string{pmd + "; server_no_context_takeover; client_no_context_takeover"}},
		{"ws", &Compression{}, pmd + "; client_max_window_bits=12", []string{pmd + "; client_max_window_bits=12"}},
		{"websockets", &Compression{}, pmd + "; client_max_window_bits=12", []string{pmd + "; server_max_window_bits=12; client_max_window_bits=12"}},
		{"the largest windows", &Compression{}, pmd + "; client_max_window_bits=12", []string{pmd + "; server_max_window_bits=15; client_max_window_bits=15"}},
		{"the least windows", &Compression{}, pmd + "; client_max_window_bits=12", []string{pmd + `; server_max_window_bits="8"; client_max_window_bits="8"`}},
		{"nothing but what is needed", &Compression{ClientMaxWindowBits: 15}, pmd + "; client_max_window_bits", []string{pmd}},
		{
			"all that can be asked for", &Compression{ServerMaxWindowBits: 10, ClientMaxWindowBits: 9, ServerNoContextTakeover: true, ClientNoContextTakeover: true},
			pmd + "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9",
			[]string{pmd + "; server_no_context_takeover; server_max_window_bits=8"},
		},
		{"out of range", &Compression{ServerMaxWindowBits: 99, ClientMaxWindowBits: -1}, pmd + "; client_max_window_bits=8", []string{pmd}},
		{"an own hint is kept to", &Compression{ClientNoContextTakeover: true, ClientMaxWindowBits: 8}, pmd + "; client_no_context_takeover; client_max_window_bits=8", []string{pmd}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, nc, offer, err := rawAnswer(t, test.z, test.lines...)
			must(t, err)
			defer c.CloseNow()
			if diff := cmp.Diff(test.offer, offer); diff != "" {
				t.Errorf("offer (-want +got):\n%s", diff)
			}
			mustUse(t, c, nc, strings.Join(test.lines, ""))
			if test.lines == nil || test.z.ClientMaxWindowBits != 8 {
				return
			}
			if want := (deflate.Window{Bits: 8, NoTakeover: true}); c.deflate.window != want {
				t.Errorf("the window is %+v, the own wish %+v", c.deflate.window, want)
			}
		})
	}
}

// A response that does not answer the offer, or has a parameter that is unknown, comes
// twice or has a value that it cannot have, fails the dial (D5-09, D5-12, D7-06 to D7-09,
// D7.1.2.2-02).
func TestCompressionBadAnswers(t *testing.T) {
	const pmd = "permessage-deflate"
	wish := &Compression{ServerMaxWindowBits: 10, ServerNoContextTakeover: true}
	type bad struct {
		z     *Compression
		lines []string
		fault deflate.Fault // 0: the handshake finds it
	}
	list := []bad{
		{nil, []string{pmd}, 0},
		{&Compression{}, []string{pmd + ", " + pmd}, 0},
		{&Compression{}, []string{pmd, pmd}, 0},
		{&Compression{}, []string{pmd + ", x-other"}, 0},
		{&Compression{}, []string{"x-other, " + pmd}, 0},
		{&Compression{}, []string{"x-other"}, 0},
		{&Compression{}, []string{"Permessage-deflate"}, 0},
		{&Compression{}, []string{pmd + "; server_max_window_bits="}, 0},
		{&Compression{}, []string{pmd + `; server_max_window_bits=""`}, 0},
		{&Compression{}, []string{pmd + "; foo"}, deflate.UnknownParam},
		{&Compression{}, []string{pmd + "; server_no_context_takeover; server_no_context_takeover"}, deflate.RepeatedParam},
		{&Compression{}, []string{pmd + "; server_max_window_bits=9; server_max_window_bits=9"}, deflate.RepeatedParam},
		{&Compression{}, []string{pmd + "; client_no_context_takeover=1"}, deflate.BadValue},
		{&Compression{}, []string{pmd + "; client_max_window_bits"}, deflate.BadValue},
		{&Compression{}, []string{pmd + "; server_max_window_bits"}, deflate.BadValue},
		{wish, []string{pmd + "; server_no_context_takeover"}, deflate.MissingParam},
		{wish, []string{pmd + "; server_max_window_bits=10"}, deflate.MissingParam},
		{wish, []string{pmd}, deflate.MissingParam},
		{wish, []string{pmd + "; server_no_context_takeover; server_max_window_bits=11"}, deflate.WindowTooLarge},
	}
	for _, value := range []string{"0", "7", "16", "08", "010", "+9", "1x", "100", `"7"`} {
		list = append(list, bad{&Compression{}, []string{pmd + "; server_max_window_bits=" + value}, deflate.BadValue},
			bad{&Compression{}, []string{pmd + "; client_max_window_bits=" + value}, deflate.BadValue})
	}
	for _, test := range list {
		c, nc, _, err := rawAnswer(t, test.z, test.lines...)
		if err == nil {
			c.CloseNow()
			t.Errorf("%q is accepted", test.lines)
			continue
		}
		if _, ok := errors.AsType[*handshake.Error](err); !ok {
			t.Errorf("%q: %v", test.lines, err)
		}
		pe, _ := errors.AsType[*deflate.ParamError](err)
		if got := pe != nil; got != (test.fault != 0) || pe != nil && pe.Fault != test.fault {
			t.Errorf("%q: %v, want fault %d", test.lines, err, test.fault)
		}
		// The stream is closed without a frame.
		if b, err := io.ReadAll(nc); len(b) > 0 || err != nil {
			t.Errorf("%q: %d bytes, %v", test.lines, len(b), err)
		}
	}
}

// New takes what was agreed elsewhere, and ends a connection that it could not keep to.
func TestNewWithExtensions(t *testing.T) {
	const pmd = "permessage-deflate"
	for _, role := range []Role{Client, Server} {
		for _, test := range []struct {
			agreed string
			z      *Compression
			good   bool
			own    deflate.Window // the window of a server's compressor
		}{
			{pmd, nil, true, deflate.Window{Bits: 12}},
			{pmd, &Compression{ServerMaxWindowBits: 15, ClientMaxWindowBits: 15}, true, deflate.Window{Bits: 15}},
			{pmd + "; server_max_window_bits=9; client_max_window_bits=9", &Compression{}, true, deflate.Window{Bits: 9}},
			{pmd + "; server_no_context_takeover; client_no_context_takeover", nil, true, deflate.Window{Bits: 15, NoTakeover: true}},
			{pmd, &Compression{ServerNoContextTakeover: true, ClientNoContextTakeover: true}, true, deflate.Window{Bits: 15, NoTakeover: true}},
			{pmd, &Compression{ServerMaxWindowBits: -5, ClientMaxWindowBits: -5, Level: 77}, true, deflate.Window{Bits: 8}},
			{"x-other", nil, false, deflate.Window{}},
			{pmd + ", x-other", nil, false, deflate.Window{}},
			{pmd + ", " + pmd, &Compression{}, false, deflate.Window{}},
			{pmd + "; foo", &Compression{}, false, deflate.Window{}},
			{pmd + "; server_max_window_bits", &Compression{}, false, deflate.Window{}},
			{pmd + "; client_max_window_bits", &Compression{}, false, deflate.Window{}},
			{pmd + "; client_max_window_bits=7", &Compression{}, false, deflate.Window{}},
			{pmd + "; client_no_context_takeover; client_no_context_takeover", nil, false, deflate.Window{}},
		} {
			t.Run(fmt.Sprintf("%v, %s, %+v", role, test.agreed, test.z), func(t *testing.T) {
				list, err := handshake.ParseExtensions([]string{test.agreed})
				must(t, err)
				a, nc := pipe.New(-1)
				c := New(a, Start{Role: role, Extensions: list}, &Options{Compression: test.z})
				defer c.CloseNow()
				defer nc.Close()
				for _, way := range sendOnes {
					err := way.send(background, c, Text, jsonText(1000, 1))
					if test.good {
						must(t, err)
						continue
					}
					mustBe(t, err, net.ErrClosed, c.terminal())
				}
				if !test.good {
					if b, err := io.ReadAll(nc); len(b) > 0 || err != nil {
						t.Errorf("the peer has read %d bytes, %v; want the end", len(b), err)
					}
					return
				}
				want := test.own
				if role == Client && test.z == nil {
					want.Bits = 12 // nobody knows whether the offer has promised less than 15
				}
				if diff := cmp.Diff(want, c.deflate.window); diff != "" {
					t.Errorf("window (-want +got):\n%s", diff)
				}
			})
		}
	}
}
