package hostile

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// An answer is what a server makes of the request of a client that speaks the subprotocols
// chat and superchat and offers permessage-deflate. KEY stands for the accept value of
// the request.
type answer struct {
	name     string
	section  string
	response string
	err      string // of the dial; "" if it succeeds
}

// to is a 101 response with the fields changed; see get.
func to(changes ...string) string {
	lines := []string{
		"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: KEY",
	}
	for _, change := range changes {
		name, _, _ := strings.Cut(strings.TrimPrefix(change, "-"), ":")
		switch at := index(lines, name); {
		case strings.HasPrefix(change, "HTTP/"):
			lines[0] = change
		case change[0] == '+':
			lines = append(lines, change[1:])
		case change[0] == '-':
			lines = append(lines[:at], lines[at+1:]...)
		case at < 0:
			lines = append(lines, change)
		default:
			lines[at] = change
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// What Dial says.
const (
	refused     = "handshake: 101 Switching Protocols: "
	noUpgrade   = refused + "the Upgrade field of the response is not websocket (RFC 6455, section 4.1)"
	noConnect   = refused + "the Connection field of the response does not contain Upgrade (RFC 6455, section 4.1)"
	noAccept    = refused + "the Sec-WebSocket-Accept of the response is missing, repeated or wrong (RFC 6455, section 4.1)"
	notHTTP     = "handshake: no valid HTTP response was received (RFC 6455, section 4.1): "
	badAgreed   = refused + "the extensions of the response are not acceptable (RFC 6455, section 4.1): "
	badParams   = refused + "the extensions of the response are not acceptable (RFC 6455, section 9.1): "
	badGrammar  = refused + "the extensions of the response are malformed (RFC 6455, section 9.1): Sec-WebSocket-Extensions: an extension or parameter name is not a token"
	notSwitched = "the server did not switch to WebSocket"
)

var responses = []answer{
	{"the least", "4.1", to(), ""},
	{"names and tokens in another case", "4.1", to("-Upgrade", "+UPGRADE: WebSocket", "Connection: keep-alive, UPGRADE"), ""},
	{"a subprotocol", "4.1", to("Sec-WebSocket-Protocol: chat"), ""},
	{"an extension", "4.1", to("Sec-WebSocket-Extensions: permessage-deflate"), ""},
	{"informational responses before", "4.1", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", 5) + to(), ""},
	{"another reason phrase", "4.1", to("HTTP/1.1 101 "), ""},

	{"no Upgrade", "4.1", to("-Upgrade"), noUpgrade},
	{"another Upgrade", "4.1", to("Upgrade: h2c"), noUpgrade},
	{"a list in Upgrade", "4.1", to("Upgrade: websocket, h2c"), noUpgrade},
	{"two Upgrades", "4.1", to("+Upgrade: websocket"), noUpgrade},
	{"an Upgrade with a Kelvin sign", "4.1", to("Upgrade: websoc\u212Aet"), noUpgrade},
	{"no Connection", "4.1", to("-Connection"), noConnect},
	{"another Connection", "4.1", to("Connection: close"), noConnect},
	{"upgrade inside a word", "4.1", to("Connection: Upgraded"), noConnect},
	{"no accept value", "4.1", to("-Sec-WebSocket-Accept"), noAccept},
	{"an empty accept value", "4.1", to("Sec-WebSocket-Accept:"), noAccept},
	{"the accept value of another request", "4.1", to("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), noAccept},
	{"an accept value with more", "4.1", to("Sec-WebSocket-Accept: KEY KEY"), noAccept},
	{"two accept values", "11.3.3", to("+Sec-WebSocket-Accept: KEY"), noAccept},
	{"a subprotocol nobody asked for", "4.1", to("Sec-WebSocket-Protocol: soap"), refused + `the subprotocol of the response, "soap", was not offered (RFC 6455, section 4.1)`},
	{"a subprotocol in another case", "4.1", to("Sec-WebSocket-Protocol: Chat"), refused + `the subprotocol of the response, "Chat", was not offered (RFC 6455, section 4.1)`},
	{"an empty subprotocol", "4.1", to("Sec-WebSocket-Protocol:"), refused + `the subprotocol of the response, "", was not offered (RFC 6455, section 4.1)`},
	{"two subprotocols in a list", "4.1", to("Sec-WebSocket-Protocol: chat, superchat"), refused + `the subprotocol of the response, "chat, superchat", was not offered (RFC 6455, section 4.1)`},
	{"two subprotocols", "11.3.4", to("Sec-WebSocket-Protocol: chat", "+Sec-WebSocket-Protocol: chat"), refused + "the response has more than one Sec-WebSocket-Protocol field (RFC 6455, section 11.3.4)"},
	{"an extension nobody asked for", "4.1", to("Sec-WebSocket-Extensions: x-a"), badAgreed + "the extension x-a was not offered"},
	{"an extension twice", "4.1", to("Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate"), badAgreed + "the extension permessage-deflate is named twice"},
	{"an empty extension list", "9.1", to("Sec-WebSocket-Extensions: ;"), badGrammar},
	{"a parameter that does not exist", "D7.1", to("Sec-WebSocket-Extensions: permessage-deflate; a=b"), badParams + `deflate: permessage-deflate has no such parameter: "a" with the value "b"`},
	{"a parameter twice", "D7.1", to("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9; server_max_window_bits=9"), badParams + `deflate: permessage-deflate has the parameter twice: "server_max_window_bits" with the value "9"`},
	{"a window of 16 bits", "D7.1.2.1", to("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=16"), badParams + `deflate: permessage-deflate has a value that is not valid: "server_max_window_bits" with the value "16"`},
	{"a window without a value", "D7.1.2.2", to("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"), badParams + `deflate: permessage-deflate has a value that is not valid: "client_max_window_bits"`},

	{"200", "4.1", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello", "handshake: 200 OK: " + notSwitched},
	{"204", "4.1", "HTTP/1.1 204 No Content\r\n\r\n", "handshake: 204 No Content: " + notSwitched},
	{"404 with a body that never ends", "4.1", "HTTP/1.1 404 Not Found\r\n\r\n" + x(1<<20), "handshake: 404 Not Found: " + notSwitched},
	{"426", "4.4", "HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 8\r\nContent-Length: 0\r\n\r\n", "handshake: 426 Upgrade Required: " + notSwitched},
	{"a redirect to a file", "4.1", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", "handshake: 302 Found: the redirect cannot be followed: the scheme of the Location is not ws, wss, http or https"},
	{"a redirect to a unix socket", "4.1", "HTTP/1.1 302 Found\r\nLocation: ws+unix:/run/a.sock:/\r\n\r\n", "handshake: 302 Found: the redirect cannot be followed: the scheme of the Location is not ws, wss, http or https"},
	{"a redirect to nowhere", "4.1", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "handshake: 302 Found: " + notSwitched},
	{"101 of HTTP/1.0", "4.1", to("HTTP/1.0 101 Switching Protocols"), notHTTP + "the status line is not of HTTP/1.1"},
	{"HTTP/2", "4.1", to("HTTP/2.0 101 Switching Protocols"), notHTTP + "the status line is not of HTTP/1.1"},
	{"a status of two digits", "4.1", to("HTTP/1.1 10 Switching"), notHTTP + "the status line is not of HTTP/1.1"},
	{"a status of four digits", "4.1", to("HTTP/1.1 1010 Switching"), notHTTP + "the status line is not of HTTP/1.1"},
	{"not HTTP", "4.1", "SSH-2.0-OpenSSH_9.9\r\n\r\n", notHTTP + "the status line is not of HTTP/1.1"},
	{"frames at once", "4.1", got(0x81, "Hello") + "\r\n\r\n", notHTTP + "a line has a control character"},
	{"informational responses without end", "4.1", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 50), "handshake: more than 5 informational responses (RFC 6455, section 4.1)"},
	{"a line end of LF", "4.1", strings.ReplaceAll(to(), "\r\n", "\n"), notHTTP + "a line does not end in CR LF"},
	{"a folded field", "4.1", to("Connection: Upgrade,\r\n b"), notHTTP + "a field is folded over several lines"},
	{"a NUL", "4.1", to("+X: a\x00b"), notHTTP + "a line has a control character"},
	{"a blank before the colon", "4.1", to("+X : a"), notHTTP + badName},
	{"a head of more than 64 KiB", "4.1", to("+X: " + x(66_000)), notHTTP + "the head is too large"},
	{"20,000 fields", "4.1", to("+" + strings.TrimSuffix(strings.Repeat("A: b\r\n", 20_000), "\r\n")), notHTTP + "the head is too large"},
	{"a field name without end", "4.1", "HTTP/1.1 101 Switching Protocols\r\n" + x(1<<20), notHTTP + "the head is too large"},
	{"cut in the status line", "4.1", "HTTP/1.1 101", notHTTP + "the head is cut off"},
	{"cut in a field", "4.1", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: webso", notHTTP + "the head is cut off"},
	{"cut before the empty line", "4.1", strings.TrimSuffix(to(), "\r\n"), notHTTP + "the head is cut off"},
	{"nothing", "4.1", "", notHTTP + "the connection was closed before a complete head had arrived"},
}

// TestResponses answers a client. If the dial fails, the client has sent nothing but its
// request, and closes.
func TestResponses(t *testing.T) {
	for _, a := range responses {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			for _, d := range ways(len(a.response)) {
				a.run(t, d)
			}
		})
	}
}

func (a *answer) run(t *testing.T, d delivery) {
	t.Helper()
	o := conn.Options{Subprotocols: []string{"superchat", "chat"}, Compression: &conn.Compression{}}
	c, nc, req := visit(t, byRead, o)
	want, why := "", a.err
	response := strings.ReplaceAll(a.response, "KEY", handshake.AcceptKey(req.Header.Get("Sec-WebSocket-Key")))
	if why == "" {
		response += encode(send(f(0x88, "")), false)
		want, why = got(0x88, ""), "duplex: closed by the peer: 1005 (no status received)"
	}
	sent := make(chan struct{})
	go func() {
		deliver(nc, response, d)
		_ = nc.CloseWrite()
		close(sent)
	}()
	// A client that has had enough before it has read all resets the stream.
	var got strings.Builder
	_, err := io.Copy(&got, nc)
	<-sent
	_ = nc.Close()
	unmasked, wrong := unmask(got.String())
	if diff := cmp.Diff(want, unmasked); diff != "" || wrong != nil || err != nil && d != bytewise && len(response) <= mostBytewise {
		t.Errorf("%s: bytes behind the request (-want +got), %v, %v:\n%s", deliveryNames[d], err, wrong, diff)
	}
	if diff := cmp.Diff(why, fmt.Sprint(await(t, c.outcome))); diff != "" {
		t.Errorf("%s: error (-want +got):\n%s", deliveryNames[d], diff)
	}
}

// TestKeys shows that each dial has a key of its own.
//
// RFC 6455, section 4.1 (4.1-24).
func TestKeys(t *testing.T) {
	seen := map[string]bool{}
	for range 20 {
		c, nc, req := visit(t, byRead, conn.Options{})
		_ = nc.Close()
		await(t, c.outcome)
		k := req.Header.Get("Sec-WebSocket-Key")
		if req.Method != http.MethodGet || seen[k] || len(k) != 24 {
			t.Errorf("%s with the key %q, which must be new and have 24 characters", req.Method, k)
		}
		seen[k] = true
	}
}
