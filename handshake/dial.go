package handshake

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"
)

// DialOptions tells [Dial] how to connect and what to ask for. The zero value and a
// nil pointer are ready to use. The options are only read, so that one value may
// serve any number of dials at a time.
type DialOptions struct {
	// Header has further fields for the request: Origin, Authorization, Cookie and
	// so on. Those that belong to the handshake or to HTTP framing cannot be set.
	// Without Origin in it none is sent.
	Header http.Header

	// Host is the value of the Host field, in place of host and port of the URL. It
	// changes neither the endpoint that is dialled nor the TLS server name.
	Host string

	// Subprotocols are offered in this order, most preferred first: tokens, all
	// different.
	Subprotocols []string

	// Extensions are offered in this order. An extension may be offered several
	// times with different parameters.
	Extensions []Extension

	// Agreed is told the extensions of the response, if it has any. They are among
	// the offers and each is named once; whether the parameters are acceptable is
	// for Agreed to say: its error fails the handshake. A nil func accepts all.
	Agreed func([]Extension) error

	// TLS is the configuration for wss and for proxies that are reached by https.
	// It is cloned. An empty ServerName becomes the host of the URL; NextProtos is
	// http/1.1 always.
	TLS *tls.Config

	// DialContext opens connections: network is "tcp", to the server or the proxy,
	// or "unix". A deadline that it leaves on the connection is cleared. Nil is a
	// net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// Proxy chooses the proxy for a URL, whose scheme is http for ws and https for
	// wss; nil is none. Proxies may have the schemes http, https, socks5 and socks5h
	// (the proxy resolves the host in either) and userinfo to authenticate with.
	// A nil func follows HTTP_PROXY, HTTPS_PROXY and NO_PROXY in the environment.
	// Unix sockets are never reached by a proxy.
	Proxy func(*url.URL) (*url.URL, error)

	// Jar supplies cookies for each request and takes those of each response. Unix
	// sockets have none.
	Jar http.CookieJar

	// Timeout bounds the dial as a whole, as the deadline of its context does: name
	// resolution, connecting, proxy, TLS, request, response and redirects. 0 is 10
	// seconds, negative is no limit.
	Timeout time.Duration

	// MaxHeaderBytes bounds the heads of the responses to one request, informational
	// ones included. 0 is 64 KiB, negative is no limit.
	MaxHeaderBytes int
}

// Dial connects to a server and performs the client's side of the opening
// handshake. o may be nil.
//
// The schemes ws and wss may also be written http and https; upper case does not
// matter. ws+unix:/path/of/socket:/resource?query and wss+unix reach a unix socket,
// with "localhost" as Host; a colon in the path of the socket is written %3A. A
// host name that is not ASCII is converted to its xn-- form, other characters that a
// URL excludes are percent-encoded, escapes are kept as they are. Userinfo is sent as
// Basic authentication, unless Header has an Authorization. A fragment is an error.
//
// Redirects are followed, at most 10, to ws and wss and their http forms, never from
// wss to ws. Once one of them leads to another origin (scheme, host, port), Host,
// userinfo, TLS.ServerName and the fields Authorization, Cookie, Cookie2,
// Proxy-Authorization and WWW-Authenticate are not used any more.
//
// The connection belongs to the caller, with no deadline set; bytes that the server
// sent behind its response are in Result.Buffered. It is the one that DialContext
// has returned, or a *tls.Conn over it. ctx bounds the dial only. The error is an
// [*Error]: if a server or proxy has answered, it has status, header and, unless the
// answer is a redirect that cannot be followed, the beginning of the body.
//
// RFC 6455 asks that a client has at most one connection to an address in the state
// CONNECTING (section 4.1, step 2: 4.1-04, 4.1-05, 4.1-06, 4.1-07). That protects
// servers from browsers, which run scripts of any origin; Dial leaves it to its
// callers.
//
// RFC 6455, sections 3 and 4.1.
func Dial(ctx context.Context, rawURL string, o *DialOptions) (net.Conn, Result, error) {
	if o == nil {
		o = &DialOptions{}
	}
	d := dialer{o: o, host: o.Host, header: o.Header, config: o.TLS}
	var err error
	// RFC 6455, section 4.1: nothing is opened for a URL or fields that are not
	// valid (4.1-03, 4.1-17, 4.1-29, 4.1-30).
	if d.to, err = parseURL(rawURL); err != nil {
		return nil, Result{}, &Error{Section: "3", Reason: "the URL is not valid", Err: err}
	}
	if err = o.check(); err != nil {
		return nil, Result{}, &Error{Section: "4.1", Reason: reasonClientOptions, Err: err}
	}
	ctx, cancel := withTimeout(ctx, o.Timeout)
	defer cancel()
	for redirects := 0; ; redirects++ {
		nc, result, location, failure := d.attempt(ctx)
		if failure == nil {
			return nc, result, nil
		}
		if location == "" {
			return nil, Result{}, failure
		}
		if err = d.follow(location); redirects == maxRedirects {
			err = errRedirects
		}
		if err != nil {
			failure.Reason, failure.Err = "the redirect cannot be followed", err
			return nil, Result{}, failure
		}
	}
}

// A dialer is the state of one Dial; redirects change all but o.
type dialer struct {
	o       *DialOptions
	to      address
	host    string // overrides the Host field
	header  http.Header
	config  *tls.Config
	foreign bool // a redirect has left the origin
}

// attempt makes one connection and one request. If the answer is a redirect, it
// returns its location beside the failure.
func (d *dialer) attempt(ctx context.Context) (_ net.Conn, _ Result, location string, _ *Error) {
	nc, failure := d.connect(ctx)
	if failure != nil {
		return nil, Result{}, "", failure
	}
	// RFC 6455, section 4.1: if secure, TLS comes before the handshake (4.1-12).
	if d.to.secure {
		name := d.to.host
		if d.to.socket != "" {
			name = "localhost"
		}
		if nc, failure = startTLS(ctx, nc, d.config, name); failure != nil {
			return nil, Result{}, "", failure
		}
	}
	var ahead []byte
	if c, ok := nc.(*tunnelConn); ok {
		nc, ahead = c.Conn, c.ahead
	}
	g := watch(ctx, nc)
	result, location, failure := d.exchange(nc, ahead)
	if !g.release() {
		location = ""
		if failure == nil {
			failure = &Error{Reason: "the handshake was not complete in time"}
		}
		failure.Err = context.Cause(ctx)
	}
	if failure != nil {
		closeNow(nc)
		return nil, Result{}, location, failure
	}
	return nc, result, "", nil
}

// startTLS does the TLS handshake. It closes nc if that fails.
//
// RFC 6455, section 4.1, step 5 (4.1-12 to 4.1-15).
func startTLS(ctx context.Context, nc net.Conn, config *tls.Config, name string) (net.Conn, *Error) {
	if config = config.Clone(); config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = name
	}
	// A server must not choose HTTP/2, which has no upgrade.
	config.NextProtos = []string{"http/1.1"}
	t := tls.Client(nc, config)
	g := watch(ctx, nc)
	err := t.HandshakeContext(ctx)
	if !g.release() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = nc.Close()
		return nil, &Error{Section: "4.1", Reason: "the TLS handshake failed", Err: err}
	}
	return t, nil
}
