package handshake

import (
	"bytes"
	"net/http"
	"sync"
)

// kind tells the fields apart that a request is judged by.
type kind uint8

const (
	kindOther kind = iota
	kindContentLength
	kindTransferEncoding
	kindHost // this one and those that follow have a list in Request
	kindUpgrade
	kindConnection
	kindKey
	kindVersion
	kindProtocol
	kindExtensions
	kindOrigin
	kinds
)

var kindNames = [kinds]string{
	kindContentLength:    "Content-Length",
	kindTransferEncoding: "Transfer-Encoding",
	kindHost:             "Host",
	kindUpgrade:          fieldUpgrade,
	kindConnection:       fieldConnection,
	kindKey:              fieldKey,
	kindVersion:          fieldVersion,
	kindProtocol:         fieldProtocol,
	kindExtensions:       fieldExtensions,
	kindOrigin:           "Origin",
}

// kindsByLength are the kinds by the length of their names, in which most of them differ.
var kindsByLength = func() (by [len(fieldExtensions) + 1][]kind) {
	for k := kindOther + 1; k < kinds; k++ {
		n := len(kindNames[k])
		by[n] = append(by[n], k)
	}
	return by
}()

// kindOf returns the kind of the field with this name, which is a token.
func kindOf(name []byte) kind {
	if len(name) < len(kindsByLength) {
		for _, k := range kindsByLength[len(name)] {
			if equalFold(kindNames[k], string(name)) {
				return k
			}
		}
	}
	return kindOther
}

// list returns where the values of a field belong, nil if they are not kept.
func (r *Request) list(k kind) *[]string {
	switch k {
	case kindHost:
		return &r.Host
	case kindUpgrade:
		return &r.Upgrade
	case kindConnection:
		return &r.Connection
	case kindKey:
		return &r.Key
	case kindVersion:
		return &r.Version
	case kindProtocol:
		return &r.Protocol
	case kindExtensions:
		return &r.Extensions
	case kindOrigin:
		return &r.Origin
	}
	return nil
}

// clear empties the request and keeps the memory of its lists.
func (r *Request) clear() {
	old := *r
	*r = Request{}
	for k := kindHost; k < kinds; k++ {
		list := *old.list(k)
		clear(list)
		*r.list(k) = list[:0]
	}
}

// A memory is what a server needs while a handshake lasts. It is used again.
type memory struct {
	head head
	req  *Request
	kept []byte // the values that the request is judged by
	out  []byte // the response
}

var memories = sync.Pool{New: func() any { return &memory{req: new(Request)} }}

// Memory that a request of unusual size has needed is not kept for the next one.
const (
	maxKeptBytes  = 8 << 10
	maxKeptFields = 64
)

// free gives the memory back.
func (m *memory) free() {
	h := &m.head
	if max(cap(h.buf), cap(m.kept), cap(m.out)) > maxKeptBytes || cap(h.fields) > maxKeptFields {
		return
	}
	m.forget()
	memories.Put(m)
}

// forget leaves nothing of the request for the next one.
func (m *memory) forget() {
	m.head = head{buf: m.head.buf[:0], fields: m.head.fields[:0]}
	m.req.clear()
}

// parse makes the request of a head that is complete. Its strings are parts of one
// copy: of the whole head, or of those values only that the request is judged by. It
// is called once for a head.
//
// RFC 6455, section 4.2.1, item 1; RFC 9112, section 3.
func (m *memory) parse(whole bool) *Error {
	h, r := &m.head, m.req
	method, rest, ok1 := bytes.Cut(h.buf[h.start.value:h.start.end], []byte{' '})
	target, proto, ok2 := bytes.Cut(rest, []byte{' '})
	var ok bool
	r.Major, r.Minor, ok = parseVersion(string(proto))
	if !ok || !ok1 || !ok2 || !isToken(string(method)) || len(target) == 0 {
		return &Error{Status: http.StatusBadRequest, Section: "4.2.1", Reason: "the request is not valid HTTP", Err: errHeadStart}
	}
	r.Method = http.MethodGet
	if string(method) != http.MethodGet {
		r.Method = string(method)
	}
	begin := h.start.value + uint32(len(method)+1)
	at := span{value: begin, end: begin + uint32(len(target))}
	m.kept = m.kept[:0]
	if !whole {
		m.keep(&at)
	}
	for i := range h.fields {
		f := &h.fields[i]
		switch f.kind = kindOf(h.buf[f.name:f.colon]); {
		// RFC 9112, section 6.3: a message has a body if one of these fields says so.
		case f.kind == kindTransferEncoding:
			r.Body = true
		case f.kind == kindContentLength:
			r.Body = r.Body || string(h.buf[f.value:f.end]) != "0"
		case f.kind >= kindHost && !whole:
			m.keep(f)
		}
	}
	text := string(m.kept)
	if whole {
		text = string(h.buf[:h.end])
		r.head, r.fields = text, h.fields
	}
	r.Target = text[at.value:at.end]
	for _, f := range h.fields {
		if list := r.list(f.kind); list != nil {
			*list = append(*list, text[f.value:f.end])
		}
	}
	return nil
}

// keep copies a value to where it will be found in the text of the request.
func (m *memory) keep(f *span) {
	begin := len(m.kept)
	m.kept = append(m.kept, m.head.buf[f.value:f.end]...)
	f.value, f.end = uint32(begin), uint32(len(m.kept))
}

// parseVersion reads an HTTP version. RFC 9112, section 2.3.
func parseVersion(s string) (major, minor int, ok bool) {
	if len(s) != len("HTTP/1.1") || s[:5] != "HTTP/" || !isDigit(s[5]) || s[6] != '.' || !isDigit(s[7]) {
		return 0, 0, false
	}
	return int(s[5] - '0'), int(s[7] - '0'), true
}
