package handshake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"

	"golang.org/x/net/proxy"
)

// connect opens a connection to the server, through a proxy if there is one.
//
// RFC 6455, section 4.1, steps 3 and 4 (4.1-08 to 4.1-11).
func (d *dialer) connect(ctx context.Context) (net.Conn, *Error) {
	if d.to.socket != "" {
		return d.open(ctx, "unix", d.to.socket)
	}
	u, err := d.proxyURL()
	if err != nil {
		return nil, &Error{Section: "4.1", Reason: "the proxy could not be chosen", Err: err}
	}
	if u == nil {
		return d.open(ctx, "tcp", d.to.hostPort(true))
	}
	p, err := parseProxy(u)
	if err != nil {
		return nil, &Error{Section: "4.1", Reason: "the proxy could not be chosen", Err: err}
	}
	if p.socks {
		return d.socks(ctx, p, u.User)
	}
	nc, failure := d.open(ctx, "tcp", p.addr)
	if failure != nil {
		return nil, failure
	}
	if p.secure {
		config := d.config.Clone()
		if config != nil {
			config.ServerName = "" // that of the WebSocket server
		}
		if nc, failure = startTLS(ctx, nc, config, p.host); failure != nil {
			return nil, failure
		}
	}
	return d.tunnel(ctx, nc, u.User)
}

// open calls the dial function.
func (d *dialer) open(ctx context.Context, network, addr string) (net.Conn, *Error) {
	dial := d.o.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, network, addr)
	if v := reflect.ValueOf(nc); err == nil && (!v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()) {
		err = errors.New("DialContext returned no connection and no error")
	}
	if err != nil {
		if ended(ctx) {
			err = errors.Join(context.Cause(ctx), err)
		}
		return nil, &Error{Section: "4.1", Reason: "the connection could not be opened", Err: err}
	}
	_ = nc.SetDeadline(noDeadline) // one that the function may have left
	return nc, nil
}

// proxyURL asks which proxy to use, nil for none.
func (d *dialer) proxyURL() (*url.URL, error) {
	choose := d.o.Proxy
	if choose == nil {
		choose = environmentProxy
	}
	return choose(d.to.http())
}

// A proxyAddress is how a proxy is reached.
type proxyAddress struct {
	socks, secure bool
	host, addr    string
}

func parseProxy(u *url.URL) (p proxyAddress, err error) {
	var port string
	switch {
	case equalFold(u.Scheme, "http"):
		port = "80"
	case equalFold(u.Scheme, "https"):
		p.secure, port = true, "443"
	case equalFold(u.Scheme, "socks5"), equalFold(u.Scheme, "socks5h"):
		p.socks, port = true, "1080"
	default:
		return p, fmt.Errorf("the scheme of the proxy, %q, is not http, https, socks5 or socks5h", u.Scheme)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if p.host = u.Hostname(); p.host == "" {
		return p, errors.New("the URL of the proxy has no host")
	}
	p.addr = net.JoinHostPort(p.host, port)
	return p, nil
}

// tunnel asks an HTTP proxy for a connection to the server. It closes nc on
// failure.
//
// RFC 6455, section 4.1, step 3; RFC 9110, section 9.3.6.
func (d *dialer) tunnel(ctx context.Context, nc net.Conn, user *url.Userinfo) (net.Conn, *Error) {
	target := d.to.hostPort(false)
	b := append([]byte("CONNECT "), target...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", target)
	if user != nil {
		b = appendField(b, "Proxy-Authorization", basic(user))
	}
	b = append(b, "\r\n"...)

	g := watch(ctx, nc)
	ahead, failure := d.askTunnel(nc, b)
	if !g.release() {
		if failure == nil {
			failure = &Error{Section: "4.1", Reason: "the proxy did not answer in time"}
		}
		failure.Err = context.Cause(ctx)
	}
	if failure != nil {
		closeNow(nc)
		return nil, failure
	}
	if _, secure := nc.(*tls.Conn); secure || ahead != nil {
		return &tunnelConn{Conn: nc, ahead: ahead}, nil
	}
	return nc, nil
}

// askTunnel sends the request and returns what followed the head of the answer,
// which belongs to the tunnel already.
func (d *dialer) askTunnel(nc net.Conn, request []byte) (ahead []byte, _ *Error) {
	if _, err := nc.Write(request); err != nil {
		return nil, &Error{Section: "4.1", Reason: "the request to the proxy could not be written", Err: err}
	}
	var h head
	status, header, failure := readResponse(nc, &h, orElse(d.o.MaxHeaderBytes, defaultResponseHead, unlimited))
	if failure != nil {
		failure.Reason = "the proxy: " + failure.Reason
		return nil, failure
	}
	if status < 200 || status > 299 {
		return nil, &Error{
			Status: status, Header: header, Body: readBody(nc, h.rest(), status, header),
			Section: "4.1", Reason: "the proxy refused to connect to the server",
		}
	}
	return h.rest(), nil
}

// A tunnelConn is a connection through a proxy, of which some bytes were read
// already. It is closed at once, so that TLS inside TLS to a proxy says goodbye once.
type tunnelConn struct {
	net.Conn
	ahead []byte
}

// Read returns the bytes that were read ahead first.
func (c *tunnelConn) Read(b []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(b, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// Close closes without waiting.
func (c *tunnelConn) Close() error {
	closeNow(c.Conn)
	return nil
}

// socks connects through a SOCKS5 proxy, which resolves the host.
func (d *dialer) socks(ctx context.Context, p proxyAddress, user *url.Userinfo) (net.Conn, *Error) {
	f := &forwarder{d: d}
	var auth *proxy.Auth
	if user != nil {
		auth = &proxy.Auth{User: user.Username()}
		auth.Password, _ = user.Password()
	}
	s, err := proxy.SOCKS5("tcp", p.addr, auth, f)
	if err == nil {
		_, err = s.(proxy.ContextDialer).DialContext(ctx, "tcp", d.to.hostPort(false))
	}
	if f.failure != nil {
		return nil, f.failure
	}
	if err != nil {
		if f.nc != nil {
			closeNow(f.nc)
		}
		if ended(ctx) {
			err = context.Cause(ctx)
		}
		return nil, &Error{Section: "4.1", Reason: "the SOCKS proxy did not connect to the server", Err: err}
	}
	// The package's wrapper would hide the methods of the connection; it holds no
	// bytes back.
	return f.nc, nil
}

// A forwarder opens the connection to a SOCKS proxy and remembers it.
type forwarder struct {
	d       *dialer
	nc      net.Conn
	failure *Error
}

// DialContext implements proxy.ContextDialer.
func (f *forwarder) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	if f.nc, f.failure = f.d.open(ctx, network, addr); f.failure != nil {
		return nil, f.failure
	}
	return f.nc, nil
}

// Dial implements proxy.Dialer.
func (f *forwarder) Dial(network, addr string) (net.Conn, error) {
	return f.DialContext(context.Background(), network, addr)
}
