package handshake

import (
	"net/http"
	"strconv"
)

// Verdict judges a client's opening handshake: all of RFC 6455, section 4.2.1, and
// the decisions of section 4.2.2 about origin, subprotocol and extensions. It
// returns the response to send, or the refusal. Verdict does no I/O and is the one
// place of judgement for every front end.
//
// Statuses of a refusal: 505 for another HTTP version than 1.1 or a later 1.x; 405,
// with Allow, for another method than GET; 426, with Upgrade, for a request that
// does not ask for an upgrade to WebSocket; 426, with Sec-WebSocket-Version, for
// another protocol version than 13 (400 for several); 403 for an origin that is not
// allowed; 500 if the options themselves are invalid; 400 for everything else.
//
// ServerOptions.Check is not asked: that is for the front end to do, see there.
//
// RFC 6455, sections 4.2.1, 4.2.2, 4.4 and 10.2.
func (o *ServerOptions) Verdict(r *Request) (Response, *Error) {
	resp, e := o.judge(r)
	if e == nil {
		resp.Accept = AcceptKey(r.Key[0])
	}
	return resp, e
}

// judge is Verdict without the accept value.
func (o *ServerOptions) judge(r *Request) (Response, *Error) {
	if o == nil {
		o = &defaultServer
	}
	if err := o.check(); err != nil {
		return Response{}, &Error{Status: http.StatusInternalServerError, Reason: reasonOptions, Err: err}
	}
	if r == nil {
		return Response{}, without("a request")
	}
	if e := checkUpgrade(r); e != nil {
		return Response{}, e
	}
	authority, e := checkHost(r)
	if e != nil {
		return Response{}, e
	}
	if e := checkFields(r); e != nil {
		return Response{}, e
	}
	// RFC 6455, section 4.2.2, step 4, and section 10.2: a server that does not
	// want connections of this origin answers 403 (4.2.2-06, 10.2-02). Without
	// Origin the request is not from a browser (4.2.1-10).
	if len(r.Origin) == 1 && !allowedOrigin(r.Origin[0], authority, o.Origins) {
		return Response{}, refuse(http.StatusForbidden, "10.2",
			"the origin "+strconv.Quote(shorten(r.Origin[0]))+" is not allowed at this host")
	}
	var resp Response
	if resp.Subprotocol, e = o.subprotocol(r.Protocol); e != nil {
		return Response{}, e
	}
	if resp.Extensions, e = o.extensions(r.Extensions); e != nil {
		return Response{}, e
	}
	return resp, nil
}

// checkUpgrade judges whether this is a request to upgrade to WebSocket at all.
func checkUpgrade(r *Request) *Error {
	// RFC 6455, section 4.2.1, item 1: GET of HTTP/1.1 or higher (4.2.1-03). The
	// upgrade mechanism is one of HTTP/1.1: later major versions have none.
	if r.Major != 1 || r.Minor < 1 {
		return refuse(http.StatusHTTPVersionNotSupported, "4.2.1", "the request was made by HTTP/"+
			strconv.Itoa(r.Major)+"."+strconv.Itoa(r.Minor)+", a WebSocket handshake takes HTTP/1.1")
	}
	if r.Method != http.MethodGet {
		return refuse(http.StatusMethodNotAllowed, "4.2.1", "the method is not GET").with("Allow", http.MethodGet)
	}
	// A body would have to be read before the first frame, or be taken for frames.
	if r.Body {
		return refuse(http.StatusBadRequest, "4.2.1", "the request has a body")
	}
	// RFC 6455, section 4.2.1, item 3: Upgrade contains websocket, folded as ASCII
	// (4.2.1-06).
	found, valid := contains(r.Upgrade, "websocket", true)
	switch {
	case len(r.Upgrade) > 0 && !valid:
		return refuse(http.StatusBadRequest, "4.2.1", "the Upgrade field is malformed")
	case !found:
		return upgradeRequired("the Upgrade field does not contain websocket: this resource is for WebSocket clients")
	}
	// RFC 6455, section 4.2.1, item 4: Connection includes the token Upgrade
	// (4.2.1-07).
	switch found, valid = contains(r.Connection, "upgrade", false); {
	case len(r.Connection) > 0 && !valid:
		return refuse(http.StatusBadRequest, "4.2.1", "the Connection field is malformed")
	case !found:
		return refuse(http.StatusBadRequest, "4.2.1", "the Connection field does not contain Upgrade")
	}
	return nil
}

// upgradeRequired makes a 426, which names the protocol and the version to come
// back with. RFC 9110, section 15.5.22; RFC 6455, section 4.4 (4.4-02).
func upgradeRequired(reason string) *Error {
	return refuse(http.StatusUpgradeRequired, "4.2.1", reason).
		with(fieldUpgrade, "websocket").with(fieldVersion, version)
}

// checkHost judges request-target and Host field and returns the authority that
// the request is addressed to.
func checkHost(r *Request) (string, *Error) {
	// RFC 6455, section 4.2.1, item 2: a Host field with the server's authority
	// (4.2.1-05). RFC 9112, section 3.2: exactly one, and valid.
	switch {
	case len(r.Host) == 0 || r.Host[0] == "" && len(r.Host) == 1:
		return "", refuse(http.StatusBadRequest, "4.2.1", "there is no Host field or it is empty")
	case len(r.Host) > 1:
		return "", refuse(http.StatusBadRequest, "4.2.1", "there is more than one Host field")
	}
	if _, _, ok := splitAuthority(r.Host[0]); !ok {
		return "", refuse(http.StatusBadRequest, "4.2.1", "the Host field is malformed")
	}
	authority, _, ok := splitTarget(r.Target)
	if !ok {
		return "", refuse(http.StatusBadRequest, "4.2.1",
			"the request-target is neither an absolute path nor an absolute http or https URI")
	}
	// RFC 9112, section 3.2.2: the authority in a target in absolute form takes the
	// place of the Host field.
	if authority == "" {
		authority = r.Host[0]
	}
	return authority, nil
}

// checkFields judges the fields that stand for themselves.
func checkFields(r *Request) *Error {
	// RFC 6455, section 4.2.1, item 6: version 13, written so (4.2.1-09, 4.3-04).
	// Section 4.2.2: any refusal of a version tells which is understood (4.2.2-08,
	// 4.4-02). Section 11.3.5: at most one field (11.3.5-02).
	switch {
	case len(r.Version) > 1:
		return refuse(http.StatusBadRequest, "11.3.5", "there is more than one Sec-WebSocket-Version field").
			with(fieldVersion, version)
	case len(r.Version) == 0:
		return upgradeRequired("there is no Sec-WebSocket-Version field")
	case r.Version[0] != version:
		e := upgradeRequired("the value of Sec-WebSocket-Version is not " + version)
		e.Section = "4.4"
		return e
	}
	// RFC 6455, section 4.2.1, item 5: the base64 form of 16 bytes (4.2.1-08).
	// Section 11.3.1: at most one field (11.3.1-01).
	switch {
	case len(r.Key) == 0:
		return refuse(http.StatusBadRequest, "4.2.1", "there is no Sec-WebSocket-Key field")
	case len(r.Key) > 1:
		return refuse(http.StatusBadRequest, "11.3.1", "there is more than one Sec-WebSocket-Key field")
	case !validKey(r.Key[0]):
		return refuse(http.StatusBadRequest, "4.2.1", "the value of Sec-WebSocket-Key is not the base64 form of 16 bytes")
	}
	// Of two origins it is open which one another agent on the way has checked.
	if len(r.Origin) > 1 {
		return refuse(http.StatusBadRequest, "4.2.1", "there is more than one Origin field")
	}
	return nil
}

// subprotocol chooses the first one of the client's that the server speaks.
func (o *ServerOptions) subprotocol(lines []string) (chosen string, _ *Error) {
	// RFC 6455, section 4.2.2, step 4: one of those in the client's field, which
	// lists them in the order of its preference, or none (4.2.1-11, 4.2.2-10). The
	// lines of the field form one list (11.3.4-01).
	l := list{lines: lines}
	for name, ok := l.next(); ok; name, ok = l.next() {
		for i := 0; chosen == "" && i < len(o.Subprotocols); i++ {
			if o.Subprotocols[i] == name {
				chosen = o.Subprotocols[i]
			}
		}
	}
	if len(lines) > 0 && !l.valid() {
		return "", refuse(http.StatusBadRequest, "4.3", "the Sec-WebSocket-Protocol field is malformed")
	}
	return chosen, nil
}

// extensions has the options choose from the client's offers and checks the choice.
func (o *ServerOptions) extensions(lines []string) ([]Extension, *Error) {
	// RFC 6455, section 9.1: what breaks the grammar fails the handshake; unknown
	// extensions do not (9.1-02, 9.2-01).
	var offers []Extension
	var err error
	if o.Negotiate == nil {
		err = walkExtensions(lines, nil)
	} else {
		offers, err = ParseExtensions(lines)
	}
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Section: "9.1", Reason: "the extension offers are malformed", Err: err}
	}
	if len(offers) == 0 {
		return nil, nil
	}
	agreed := o.Negotiate(offers)
	if err = checkExtensions(agreed); err == nil {
		err = checkAgreed(agreed, offers)
	}
	if err != nil {
		return nil, &Error{Status: http.StatusInternalServerError, Reason: reasonOptions, Err: err}
	}
	return agreed, nil
}

// shorten cuts what a peer wrote, for use in a text.
func shorten(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
