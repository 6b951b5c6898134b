package handshake

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// check judges what the options' owner has written.
func (o *DialOptions) check() error {
	if err := checkSubprotocols(o.Subprotocols); err != nil {
		return err
	}
	if err := checkExtensions(o.Extensions); err != nil {
		return err
	}
	if _, _, ok := splitAuthority(o.Host); o.Host != "" && !ok {
		return fmt.Errorf("the Host %q is malformed", o.Host)
	}
	return checkHeader(o.Header)
}

// appendRequest appends the client's opening handshake.
//
// RFC 6455, section 4.1 (4.1-16 to 4.1-32).
func (d *dialer) appendRequest(b []byte, key string, cookies []*http.Cookie) []byte {
	host := d.host
	if host == "" {
		host = d.to.authority()
	}
	b = append(append(append(b, "GET "...), d.to.resource...), " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", host)
	b = append(b, "Upgrade: websocket\r\nConnection: Upgrade\r\n"...)
	b = appendField(b, wireKey, key)
	b = appendField(b, wireVersion, version)
	if len(d.o.Subprotocols) > 0 {
		b = appendField(b, wireProtocol, strings.Join(d.o.Subprotocols, ", "))
	}
	if len(d.o.Extensions) > 0 {
		b = append(b, wireExtensions+": "...)
		b = append(AppendExtensions(b, d.o.Extensions), "\r\n"...)
	}
	h := d.header
	if u := d.to.user; u != nil && !has(h, "Authorization") {
		h = merge(h, http.Header{"Authorization": {basic(u)}})
	}
	if len(cookies) > 0 {
		h = withCookies(h, cookies)
	}
	return append(appendHeader(b, h), "\r\n"...)
}

// basic is the value of Authorization or Proxy-Authorization. RFC 7617.
func basic(u *url.Userinfo) string {
	password, _ := u.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password))
}

// has reports whether the field is there under any spelling.
func has(h http.Header, name string) bool {
	for k, values := range h {
		if len(values) > 0 && equalFold(k, name) {
			return true
		}
	}
	return false
}

// withCookies adds cookies to those that the caller has set, in one line.
// RFC 6265, section 5.4.
func withCookies(h http.Header, cookies []*http.Cookie) http.Header {
	var pairs []string
	all := http.Header{}
	for name, values := range h {
		if equalFold(name, "Cookie") {
			pairs = append(pairs, values...)
		} else {
			all[name] = values
		}
	}
	for _, c := range cookies {
		// AddCookie writes the pair alone, with what may not stand in it removed.
		r := http.Request{Header: http.Header{}}
		r.AddCookie(c)
		pairs = append(pairs, r.Header.Get("Cookie"))
	}
	all["Cookie"] = []string{strings.Join(pairs, "; ")}
	return all
}

// exchange sends the request and judges the response, of which ahead has arrived
// already.
func (d *dialer) exchange(nc net.Conn, ahead []byte) (_ Result, location string, _ *Error) {
	var site *url.URL
	var cookies []*http.Cookie
	if d.o.Jar != nil && d.to.socket == "" {
		site = d.to.http()
		cookies = d.o.Jar.Cookies(site)
	}
	// RFC 6455, section 4.1: a new nonce for each connection (4.1-24).
	key := NewKey()
	if _, err := nc.Write(d.appendRequest(nil, key, cookies)); err != nil {
		return Result{}, "", &Error{Reason: "the request could not be written", Err: err}
	}
	h := head{buf: ahead}
	status, header, failure := readResponse(nc, &h, orElse(d.o.MaxHeaderBytes, defaultResponseHead, unlimited))
	if failure != nil {
		return Result{}, "", failure
	}
	if site != nil {
		if set := (&http.Response{Header: header}).Cookies(); len(set) > 0 {
			d.o.Jar.SetCookies(site, set)
		}
	}
	if status != http.StatusSwitchingProtocols {
		// RFC 6455, section 4.1, response item 1: other answers are HTTP (4.1-34).
		failure = &Error{Status: status, Header: header, Reason: "the server did not switch to WebSocket"}
		if location = redirectLocation(status, header); location == "" {
			failure.Body = readBody(nc, h.rest(), status, header)
		}
		return Result{}, location, failure
	}
	result, failure := d.judge(key, header)
	if failure != nil {
		return Result{}, "", failure
	}
	result.Buffered = h.rest()
	return result, "", nil
}

// readResponse reads heads until one that is not informational.
func readResponse(r io.Reader, h *head, limit int) (int, http.Header, *Error) {
	for range maxInformational + 1 {
		if err := h.read(r, limit); err != nil {
			if err == io.EOF {
				err = errClosed
			}
			return 0, nil, &Error{Section: "4.1", Reason: "no valid HTTP response was received", Err: err}
		}
		start, header := h.strings()
		status, err := parseStatus(start)
		if err != nil {
			return 0, nil, &Error{Section: "4.1", Reason: "no valid HTTP response was received", Err: err}
		}
		if status >= 200 || status == http.StatusSwitchingProtocols {
			return status, header, nil
		}
		h.restart()
	}
	return 0, nil, &Error{Section: "4.1", Reason: tooManyInformational}
}

var errStatus = errors.New("the status line is not of HTTP/1.1")

// parseStatus reads a status line of HTTP/1.1. One of HTTP/1.0 will do for a refusal,
// and for the answer of a proxy, but cannot switch protocols.
//
// RFC 9112, sections 2.3 and 4; RFC 9110, section 7.8.
func parseStatus(line string) (int, error) {
	proto, rest, _ := strings.Cut(line, " ")
	major, minor, ok := parseVersion(proto)
	if !ok || major != 1 || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return 0, errStatus
	}
	for i := range 3 {
		if !isDigit(rest[i]) {
			return 0, errStatus
		}
	}
	status, _ := strconv.Atoi(rest[:3])
	if status < 100 || status == http.StatusSwitchingProtocols && minor < 1 {
		return 0, errStatus
	}
	return status, nil
}

// judge checks a 101 response.
//
// RFC 6455, section 4.1, response items 2 to 6.
func (d *dialer) judge(key string, header http.Header) (Result, *Error) {
	fail := func(section, reason string, err error) (Result, *Error) {
		return Result{}, &Error{
			Status: http.StatusSwitchingProtocols, Header: header,
			Section: section, Reason: reason, Err: err,
		}
	}
	// Item 2: Upgrade is websocket, folded as ASCII, and nothing else (4.1-35).
	if v := header[fieldUpgrade]; len(v) != 1 || !equalFold(v[0], "websocket") {
		return fail("4.1", "the Upgrade field of the response is not websocket", nil)
	}
	// Item 3: Connection includes the token Upgrade (4.1-36).
	if found, valid := contains(header[fieldConnection], "upgrade", false); !found || !valid {
		return fail("4.1", "the Connection field of the response does not contain Upgrade", nil)
	}
	// Item 4: the proof that the server has read this request (4.1-37), once
	// (11.3.3-01).
	if v := header[fieldAccept]; len(v) != 1 || v[0] != AcceptKey(key) {
		return fail("4.1", "the Sec-WebSocket-Accept of the response is missing, repeated or wrong", nil)
	}
	host := d.host
	if host == "" {
		host = d.to.authority()
	}
	result := Result{Header: header, Host: host, Target: d.to.resource}
	// Item 6: one subprotocol, to the letter one of those asked for (4.1-39,
	// 4.1-40, 4.2.2-12, 11.3.4-02).
	switch v := header[fieldProtocol]; {
	case len(v) == 0:
	case len(v) > 1:
		return fail("11.3.4", "the response has more than one Sec-WebSocket-Protocol field", nil)
	default:
		for _, name := range d.o.Subprotocols {
			if name == v[0] {
				result.Subprotocol = name
			}
		}
		if result.Subprotocol == "" {
			return fail("4.1", "the subprotocol of the response, "+strconv.Quote(shorten(v[0]))+", was not offered", nil)
		}
	}
	// Item 5: only extensions that were asked for (4.1-38), in the grammar (9.1-02),
	// in one line or several (11.3.2-01).
	agreed, err := ParseExtensions(header[fieldExtensions])
	if err != nil {
		return fail("9.1", "the extensions of the response are malformed", err)
	}
	if err := checkAgreed(agreed, d.o.Extensions); err != nil {
		return fail("4.1", "the extensions of the response are not acceptable", err)
	}
	if len(agreed) > 0 && d.o.Agreed != nil {
		if err := d.o.Agreed(agreed); err != nil {
			return fail("9.1", "the extensions of the response are not acceptable", err)
		}
	}
	result.Extensions = agreed
	return result, nil
}

// readBody returns the beginning of the body of an answer, as much of it as arrives
// within bounds of size and time. The connection is of no use afterwards.
func readBody(nc net.Conn, ahead []byte, status int, header http.Header) []byte {
	// RFC 9112, section 6.3: these have no body, whatever their fields say.
	if status == http.StatusNoContent || status == http.StatusNotModified {
		return nil
	}
	timer := time.AfterFunc(errorBodyTime, func() { interrupt(nc) })
	defer timer.Stop()
	var r io.Reader = io.MultiReader(bytes.NewReader(ahead), nc)
	if te := header["Transfer-Encoding"]; len(te) > 0 {
		if len(te) != 1 || !equalFold(te[0], "chunked") {
			return nil
		}
		r = httputil.NewChunkedReader(r)
	} else if length := header["Content-Length"]; len(length) > 0 {
		n, err := strconv.ParseUint(length[0], 10, 62)
		if err != nil {
			return nil
		}
		r = io.LimitReader(r, int64(n))
	}
	body, _ := io.ReadAll(io.LimitReader(r, maxErrorBody))
	if len(body) == 0 {
		return nil
	}
	return body
}
