package conn

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"

	"github.com/duplexws/duplex/handshake"
)

// DialOptions are the settings of [Dial]: those of every connection, and those of the
// client's side of the opening handshake. Nil and the zero value mean the defaults.
type DialOptions struct {
	Options

	// Header has further fields for the request, such as Origin, Authorization or
	// Cookie. Those that the handshake itself needs cannot be set.
	Header http.Header

	// Host is the value of the Host field, in place of host and port of the URL.
	Host string

	// TLS is the configuration for wss. It is cloned; an empty ServerName becomes
	// the host of the URL, and the protocol negotiated by ALPN is http/1.1 always.
	TLS *tls.Config

	// DialContext opens the connections, also those to a proxy; network is "tcp" or
	// "unix". Nil is a net.Dialer.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	// Proxy returns the proxy for a URL, whose scheme is http for ws and https for
	// wss, or nil for none. The schemes of proxies are http, https, socks5 and
	// socks5h; userinfo is used to authenticate. A nil func follows the environment
	// variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
	Proxy func(*url.URL) (*url.URL, error)

	// Jar supplies cookies and takes those of the response.
	Jar http.CookieJar
}

// Dial connects to a WebSocket server. URLs have the schemes ws and wss, or http and
// https for the same; ws+unix:/path/of/socket:/resource reaches a unix socket. Userinfo
// is sent as Basic authentication, redirects are followed as long as they keep what is
// secure secure, and a fragment is an error; [handshake.Dial] has the details.
//
// ctx bounds the dial only, and so does HandshakeTimeout. If the server has answered
// otherwise than by accepting, the error is a [*handshake.Error] with status, header
// and the beginning of the body. Dial tries once; package redial tries again.
//
// RFC 6455, sections 3 and 4.1.
func Dial(ctx context.Context, rawURL string, o *DialOptions) (*Conn, error) {
	var d DialOptions
	if o != nil {
		d = *o
	}
	opts := d.withDefaults()
	nc, res, err := handshake.Dial(ctx, rawURL, &handshake.DialOptions{
		Header:       d.Header,
		Host:         d.Host,
		Subprotocols: opts.Subprotocols,
		Extensions:   opts.Compression.offers(),
		Agreed:       opts.Compression.verify,
		TLS:          d.TLS,
		DialContext:  d.DialContext,
		Proxy:        d.Proxy,
		Jar:          d.Jar,
		Timeout:      opts.HandshakeTimeout,
	})
	if err != nil {
		return nil, err
	}
	return newConn(context.Background(), nc, &Start{
		Role:        Client,
		Buffered:    res.Buffered,
		Subprotocol: res.Subprotocol,
		Extensions:  res.Extensions,
	}, res.Header, &opts), nil
}

// ResponseHeader returns the header of the server's answer to [Dial], and nil for any
// other connection. It must not be changed.
//
// RFC 6455, section 4.1.
func (c *Conn) ResponseHeader() http.Header {
	if c.agreed == nil {
		return nil
	}
	return c.agreed.header
}
