package handshake

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// Request is what a server has to know of a client's opening handshake to judge
// it: see [ServerOptions.Verdict]. It is the same for every front end. [Upgrade]
// fills it from an *http.Request and [Accept] from the bytes of a connection; a
// front end of another kind fills it itself.
//
// A front end has parsed the request as HTTP: it has refused malformed lines and
// field names. Each slice holds the values of all lines with that field's name, in
// their order, with the blanks around them removed, and is empty if there is no such
// line. Verdict keeps and changes none of the slices. The extensions that it returns
// may be parts of the strings given here; nothing else it returns is.
type Request struct {
	Method       string   // as received: methods are case-sensitive
	Target       string   // the request-target as it stands in the request line
	Major, Minor int      // HTTP version
	Host         []string // Host
	Upgrade      []string // Upgrade
	Connection   []string // Connection
	Key          []string // Sec-WebSocket-Key
	Version      []string // Sec-WebSocket-Version
	Protocol     []string // Sec-WebSocket-Protocol
	Extensions   []string // Sec-WebSocket-Extensions
	Origin       []string // Origin
	Body         bool     // a Content-Length that is not 0, or any Transfer-Encoding

	// RemoteAddr is where the connection comes from, as in an *http.Request: for TCP
	// "IP:port", which netip.ParseAddrPort reads. Behind a proxy that is the proxy. It is
	// filled for ServerOptions.Check; Verdict does not look at it.
	RemoteAddr string

	header http.Header // all fields but Host, once they were asked for
	head   string      // where they are found in the head
	fields []span
}

// Header returns all fields of a request that [Upgrade] or [Accept] has read, without
// Host, under their canonical names. It is for ServerOptions.Check, and must not be
// changed. For a Request that was filled by somebody else it is nil.
func (r *Request) Header() http.Header {
	if r.header == nil && r.head != "" {
		r.header = toHeader(r.head, r.fields)
		delete(r.header, "Host")
	}
	return r.header
}

// address makes authority and resource name of a request that was accepted of its
// Host field and its target.
func (r *Request) address() {
	authority, resource, _ := splitTarget(r.Target)
	if authority != "" {
		r.Host[0] = authority
	}
	r.Target = resource
}

// fromHTTP is the request as net/http has parsed it. net/http keeps the Host field
// apart from the others and has refused a missing and a second one; of a target in
// absolute form it takes the host from the target and forgets the field.
func fromHTTP(r *http.Request) *Request {
	req := new(Request)
	req.takeHTTP(r, nil)
	return req
}

// takeHTTP is fromHTTP for memory that is there already.
func (req *Request) takeHTTP(r *http.Request, host []string) {
	h := r.Header
	req.Method, req.Target = r.Method, r.RequestURI
	req.Major, req.Minor = r.ProtoMajor, r.ProtoMinor
	req.Upgrade = h[fieldUpgrade]
	req.Connection = h[fieldConnection]
	req.Key = h[fieldKey]
	req.Version = h[fieldVersion]
	req.Protocol = h[fieldProtocol]
	req.Extensions = h[fieldExtensions]
	req.Origin = h["Origin"]
	req.Body = r.ContentLength != 0 || len(r.TransferEncoding) > 0
	req.header = h
	req.RemoteAddr = r.RemoteAddr
	if r.Host != "" {
		req.Host = append(host, r.Host)
	}
	if req.Target == "" && r.URL != nil {
		req.Target = r.URL.RequestURI()
	}
}

// ask gives the request that came on nc to Check, which may keep it.
func (m *memory) ask(nc net.Conn, o *ServerOptions) *Error {
	if o.Check == nil {
		return nil
	}
	r := m.req
	if from := nc.RemoteAddr(); from != nil {
		r.RemoteAddr = from.String()
	}
	m.req = &Request{Method: r.Method}
	defer func() { r.head, r.fields = "", nil }()
	return o.ask(context.Background(), r)
}

// ask has Check judge a request that is right in every other respect.
func (o *ServerOptions) ask(ctx context.Context, r *Request) *Error {
	if o.Check == nil {
		return nil
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	err := o.Check(ctx, r)
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if ok && e != nil && e.Status >= 300 && e.Status <= 599 && checkHeader(e.Header) == nil {
		// A copy: to complete the answer changes its header.
		refusal := *e
		refusal.Header, refusal.discreet = e.Header.Clone(), true
		return &refusal
	}
	return &Error{Status: http.StatusInternalServerError, Reason: "the request could not be judged", Err: err}
}
