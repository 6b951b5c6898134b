package handshake

import (
	"errors"
	"net/http"
)

// redirectLocation returns where a response redirects to, "" if it does not.
// Handshakes are GET requests without body, so that the five statuses mean the same.
//
// RFC 9110, section 15.4.
func redirectLocation(status int, header http.Header) string {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if v := header["Location"]; len(v) == 1 {
			return v[0]
		}
	}
	return ""
}

var (
	errLocation       = errors.New("the Location is malformed")
	errLocationScheme = errors.New("the scheme of the Location is not ws, wss, http or https")
	errRedirects      = errors.New("there were 10 before it")
	errDowngrade      = errors.New("it leads from a secure connection to one that is not")
)

// valuable are the fields that are for the eyes of one origin.
var valuable = []string{"Authorization", "Cookie", "Cookie2", "Proxy-Authorization", "Www-Authenticate"}

// follow turns the dialer to the target of a redirect. Userinfo and fragment of a
// Location are not used.
func (d *dialer) follow(location string) error {
	base := d.to.http()
	ref, err := base.Parse(location)
	if err != nil {
		return errLocation
	}
	// A server has no say over the sockets of the client's machine: the schemes for
	// these are for callers only.
	switch ref.Scheme {
	case "http", "https":
	case "ws":
		ref.Scheme = "http"
	case "wss":
		ref.Scheme = "https"
	default:
		return errLocationScheme
	}
	relative := ref.Scheme == base.Scheme && ref.Host == base.Host
	ref.Fragment, ref.RawFragment, ref.User = "", "", nil
	to, err := parseURL(ref.String())
	if err != nil {
		return err
	}
	if d.to.secure && !to.secure {
		return errDowngrade
	}
	if relative {
		// The endpoint stays what it was: a unix socket, or an address with a zone.
		d.to.resource = to.resource
		return nil
	}
	if to.sameOrigin(&d.to) {
		to.user = d.to.user
	} else if !d.foreign {
		d.leave()
	}
	d.to = to
	return nil
}

// leave drops what is meant for the origin that the dial began with.
func (d *dialer) leave() {
	d.foreign = true
	d.host = ""
	if d.config = d.config.Clone(); d.config != nil {
		d.config.ServerName = ""
	}
	kept := http.Header{}
next:
	for name, values := range d.header {
		for _, v := range valuable {
			if equalFold(name, v) {
				continue next
			}
		}
		kept[name] = values
	}
	d.header = kept
}
