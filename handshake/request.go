package handshake

import "net/http"

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
}

// fill takes over the fields that matter from a header.
func (r *Request) fill(h http.Header) {
	r.Upgrade = h[fieldUpgrade]
	r.Connection = h[fieldConnection]
	r.Key = h[fieldKey]
	r.Version = h[fieldVersion]
	r.Protocol = h[fieldProtocol]
	r.Extensions = h[fieldExtensions]
	r.Origin = h["Origin"]
}

// fromHTTP is the request as net/http has parsed it. net/http keeps the Host field
// apart from the others and has refused a missing and a second one; of a target in
// absolute form it takes the host from the target and forgets the field.
func fromHTTP(r *http.Request) Request {
	req := Request{
		Method: r.Method,
		Target: r.RequestURI,
		Major:  r.ProtoMajor,
		Minor:  r.ProtoMinor,
		Body:   r.ContentLength != 0 || len(r.TransferEncoding) > 0,
	}
	if r.Host != "" {
		req.Host = []string{r.Host}
	}
	if req.Target == "" && r.URL != nil {
		req.Target = r.URL.RequestURI()
	}
	req.fill(r.Header)
	return req
}
