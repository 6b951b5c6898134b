package hostile

import "strings"

// An ask is a request to a server that speaks the subprotocols chat and superchat.
type ask struct {
	name    string
	section string
	request string

	// What Listen answers, to the byte: the status, the fields besides those that every
	// refusal has, and why; or what 101 has besides the usual.
	status int
	fields string
	why    string

	// http is the status behind net/http where it differs, since net/http has refused the
	// request itself, or is lenient.
	http int
}

// get is a request with the fields of a good one, changed: "Host: a" takes the place of
// the field, "+Host: a" comes besides, "-Host" has it left out, and what begins with a method
// is the request line.
func get(changes ...string) string {
	lines := []string{
		"GET /echo HTTP/1.1", "Host: example.com", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
	}
	for _, change := range changes {
		name, _, isField := strings.Cut(strings.TrimPrefix(change, "-"), ":")
		switch at := index(lines, name); {
		case change[0] == '+':
			lines = append(lines, change[1:])
		case change[0] == '-':
			lines = append(lines[:at], lines[at+1:]...)
		case !isField || strings.Contains(name, " "):
			lines[0] = change
		case at < 0:
			lines = append(lines, change)
		default:
			lines[at] = change
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// index finds the line of a field, or returns -1.
func index(lines []string, name string) int {
	for i, line := range lines[1:] {
		if strings.HasPrefix(line, name+":") {
			return i + 1
		}
	}
	return -1
}

// Fields of refusals.
const (
	retryVersion = "Sec-WebSocket-Version: 13\r\n"
	retryUpgrade = "Upgrade: websocket\r\n" + retryVersion
	chosenChat   = "Sec-WebSocket-Protocol: chat\r\n"
)

// requests are judged alike behind net/http and with Listen, but where a row says otherwise.
var requests = []ask{
	{"the least", "4.2.1", get(), 101, "", "", 0},
	{"names and tokens in another case", "4.2.1", get("-Upgrade", "+UPGRADE: WebSocket", "-Connection", "+connection: UPGRADE"), 101, "", "", 0},
	{"tokens in lists", "4.2.1", get("Upgrade: h2c, websocket", "Connection: keep-alive, Upgrade"), 101, "", "", 0},
	{"tokens on lines of their own", "4.2.1", get("Connection: keep-alive", "+Connection: Upgrade", "Upgrade: h2c", "+Upgrade: websocket"), 101, "", "", 0},
	{"a subprotocol", "4.2.2", get("Sec-WebSocket-Protocol: chat"), 101, chosenChat, "", 0},
	{"the first subprotocol that is known", "4.2.2", get("Sec-WebSocket-Protocol: soap, chat, superchat"), 101, chosenChat, "", 0},
	{"no subprotocol that is known", "4.2.2", get("Sec-WebSocket-Protocol: soap"), 101, "", "", 0},
	{"a subprotocol in another case", "4.2.2", get("Sec-WebSocket-Protocol: Chat"), 101, "", "", 0},
	{"extensions that nobody knows", "9.1", get("Sec-WebSocket-Extensions: x-a; b=c, x-d"), 101, "", "", 0},
	{"the own origin", "10.2", get("Origin: http://example.com"), 101, "", "", 0},
	{"another field that is long", "4.2.1", get("Cookie: " + x(3000)), 101, "", "", 0},

	{"POST", "4.2.1", get("POST /echo HTTP/1.1"), 405, "Allow: GET\r\n", "the method is not GET (RFC 6455, section 4.2.1)", 0},
	{"a method in lower case", "4.2.1", get("get /echo HTTP/1.1"), 405, "Allow: GET\r\n", "the method is not GET (RFC 6455, section 4.2.1)", 0},
	{"HTTP/1.0", "4.2.1", get("GET /echo HTTP/1.0"), 505, "", "the request was made by HTTP/1.0, a WebSocket handshake takes HTTP/1.1 (RFC 6455, section 4.2.1)", 0},
	{"HTTP/0.9", "4.2.1", get("GET /echo HTTP/0.9"), 505, "", "the request was made by HTTP/0.9, a WebSocket handshake takes HTTP/1.1 (RFC 6455, section 4.2.1)", 505},
	{"a body", "4.2.1", get("Content-Length: 4"), 400, "", "the request has a body (RFC 6455, section 4.2.1)", 0},
	{"a body in chunks", "4.2.1", get("Transfer-Encoding: chunked") + "0\r\n\r\n", 400, "", "the request has a body (RFC 6455, section 4.2.1)", 0},
	{"no Upgrade", "4.2.1", get("-Upgrade"), 426, retryUpgrade, "the Upgrade field does not contain websocket: this resource is for WebSocket clients (RFC 6455, section 4.2.1)", 0},
	{"another Upgrade", "4.2.1", get("Upgrade: h2c"), 426, retryUpgrade, "the Upgrade field does not contain websocket: this resource is for WebSocket clients (RFC 6455, section 4.2.1)", 0},
	{"websocket inside a word", "4.2.1", get("Upgrade: websocket2"), 426, retryUpgrade, "the Upgrade field does not contain websocket: this resource is for WebSocket clients (RFC 6455, section 4.2.1)", 0},
	{"websocket with a Kelvin sign", "4.2.1", get("Upgrade: websoc\u212Aet"), 400, "", "the Upgrade field is malformed (RFC 6455, section 4.2.1)", 0},
	{"no Connection", "4.2.1", get("-Connection"), 400, "", "the Connection field does not contain Upgrade (RFC 6455, section 4.2.1)", 0},
	{"upgrade inside a word", "4.2.1", get("Connection: no-Upgrade"), 400, "", "the Connection field does not contain Upgrade (RFC 6455, section 4.2.1)", 0},
	{"a Connection that is no list", "4.2.1", get("Connection: Upgrade yes"), 400, "", "the Connection field is malformed (RFC 6455, section 4.2.1)", 0},
	{"no Host", "4.2.1", get("-Host"), 400, "", "there is no Host field or it is empty (RFC 6455, section 4.2.1)", 400},
	{"an empty Host", "4.2.1", get("Host:"), 400, "", "there is no Host field or it is empty (RFC 6455, section 4.2.1)", 0},
	{"two Hosts", "4.2.1", get("+Host: example.com"), 400, "", "there is more than one Host field (RFC 6455, section 4.2.1)", 400},
	{"no version", "4.2.1", get("-Sec-WebSocket-Version"), 426, retryUpgrade, "there is no Sec-WebSocket-Version field (RFC 6455, section 4.2.1)", 0},
	{"version 8", "4.4", get("Sec-WebSocket-Version: 8"), 426, retryUpgrade, "the value of Sec-WebSocket-Version is not 13 (RFC 6455, section 4.4)", 0},
	{"version 14", "4.4", get("Sec-WebSocket-Version: 14"), 426, retryUpgrade, "the value of Sec-WebSocket-Version is not 13 (RFC 6455, section 4.4)", 0},
	{"version 013", "4.4", get("Sec-WebSocket-Version: 013"), 426, retryUpgrade, "the value of Sec-WebSocket-Version is not 13 (RFC 6455, section 4.4)", 0},
	{"a list of versions", "4.4", get("Sec-WebSocket-Version: 13, 8"), 426, retryUpgrade, "the value of Sec-WebSocket-Version is not 13 (RFC 6455, section 4.4)", 0},
	{"two versions", "11.3.5", get("+Sec-WebSocket-Version: 13"), 400, retryVersion, "there is more than one Sec-WebSocket-Version field (RFC 6455, section 11.3.5)", 0},
	{"no key", "4.2.1", get("-Sec-WebSocket-Key"), 400, "", "there is no Sec-WebSocket-Key field (RFC 6455, section 4.2.1)", 0},
	{"two keys", "11.3.1", get("+Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, "", "there is more than one Sec-WebSocket-Key field (RFC 6455, section 11.3.1)", 0},
	{"a key of 15 bytes", "4.2.1", get("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"), 400, "", badKey, 0},
	{"a key of 17 bytes", "4.2.1", get("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU="), 400, "", badKey, 0},
	{"a key that is not base64", "4.2.1", get("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q=="), 400, "", badKey, 0},
	{"an empty key", "4.2.1", get("Sec-WebSocket-Key:"), 400, "", badKey, 0},
	{"a foreign origin", "10.2", get("Origin: http://evil.example"), 403, "", `the origin "http://evil.example" is not allowed at this host (RFC 6455, section 10.2)`, 0},
	{"an origin that begins like the host", "10.2", get("Origin: http://example.com.evil.example"), 403, "", `the origin "http://example.com.evil.example" is not allowed at this host (RFC 6455, section 10.2)`, 0},
	{"an origin that ends like the host", "10.2", get("Origin: http://evilexample.com"), 403, "", `the origin "http://evilexample.com" is not allowed at this host (RFC 6455, section 10.2)`, 0},
	{"the origin null", "10.2", get("Origin: null"), 403, "", `the origin "null" is not allowed at this host (RFC 6455, section 10.2)`, 0},
	{"two origins", "4.2.1", get("Origin: http://example.com", "+Origin: http://evil.example"), 400, "", "there is more than one Origin field (RFC 6455, section 4.2.1)", 0},
	{"an empty subprotocol list", "4.3", get("Sec-WebSocket-Protocol: ,"), 400, "", "the Sec-WebSocket-Protocol field is malformed (RFC 6455, section 4.3)", 0},
	{"a subprotocol that is no token", "4.3", get("Sec-WebSocket-Protocol: ch@t"), 400, "", "the Sec-WebSocket-Protocol field is malformed (RFC 6455, section 4.3)", 0},
	{"extensions that break the grammar", "9.1", get("Sec-WebSocket-Extensions: permessage-deflate; ="), 400, "", "the extension offers are malformed (RFC 6455, section 9.1): Sec-WebSocket-Extensions: an extension or parameter name is not a token", 0},
	{"257 extensions", "9.1", get("Sec-WebSocket-Extensions: a" + strings.Repeat(", a", 256)), 400, "", "the extension offers are malformed (RFC 6455, section 9.1): Sec-WebSocket-Extensions: more than 256 extensions and parameters", 0},
	{"a target that is no path", "4.2.1", get("GET echo HTTP/1.1"), 400, "", "the request-target is neither an absolute path nor an absolute http or https URI (RFC 6455, section 4.2.1)", 400},

	{"a field that is folded", "4.2.1", get("Connection: Upgrade,\r\n b"), 400, "", invalidHTTP + "a field is folded over several lines", 101},
	{"a blank before the colon", "4.2.1", get("-Upgrade", "+Upgrade : websocket"), 400, "", invalidHTTP + badName, 400},
	{"a field without a name", "4.2.1", get("+: a"), 400, "", invalidHTTP + badName, 400},
	{"a line without a colon", "4.2.1", get("+nonsense"), 400, "", invalidHTTP + badName, 400},
	{"a NUL", "4.2.1", get("+X: a\x00b"), 400, "", invalidHTTP + "a line has a control character", 400},
	{"a lone CR", "4.2.1", get("+X: a\rb"), 400, "", invalidHTTP + "a line does not end in CR LF", 400},
	{"not HTTP", "4.2.1", "\x16\x03\x01\x02\x00\r\n\r\n", 400, "", invalidHTTP + "a line has a control character", 400},
	{"a request without a version", "4.2.1", "GET /echo\r\n\r\n", 400, "", invalidHTTP + "the first line is malformed", 400},
	{"a head of more than 8 KiB", "4.2.1", get("Cookie: " + x(9000)), 431, "", "the head of the request is too large", 101},
	{"a target of more than 8 KiB", "4.2.1", get("GET /" + x(9000) + " HTTP/1.1"), 431, "", "the head of the request is too large", 101},
	{"2,000 fields", "4.2.1", get(strings.TrimSuffix("+"+strings.Repeat("A: b\r\n", 2000), "\r\n")), 431, "", "the head of the request is too large", 101},
}

const (
	badKey      = "the value of Sec-WebSocket-Key is not the base64 form of 16 bytes (RFC 6455, section 4.2.1)"
	invalidHTTP = "the request is not valid HTTP (RFC 6455, section 4.2.1): "
	badName     = "a field has no colon, or its name is not a token directly before the colon"
)

// httpRequests are for net/http alone.
var httpRequests = []ask{
	{"a head of more than 1 MiB", "4.2.1", get("Cookie: " + x(1<<20+10_000)), 0, "", "", 431},
}
