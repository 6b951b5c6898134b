package conn

import (
	"crypto/tls"
	"net"
	"time"
)

// goodbye is how long closing a TLS connection may take.
const goodbye = 250 * time.Millisecond

// cutTransport closes a stream at once. Closing a TLS connection would try to say
// goodbye first, and wait 5 s if the peer takes nothing, so what is below it is closed
// before.
func cutTransport(nc net.Conn) error {
	if b := below(nc); b != nil {
		err := cutTransport(b)
		_ = nc.Close()
		return err
	}
	return nc.Close()
}

// below returns the stream on which nc stands, as far as nc tells; else nil.
func below(nc net.Conn) net.Conn {
	if w, ok := nc.(interface{ NetConn() net.Conn }); ok {
		return w.NetConn()
	}
	return nil
}

// isTLS reports whether nc is a TLS connection, or embeds one.
func isTLS(nc net.Conn) bool {
	_, ok := nc.(interface{ ConnectionState() tls.ConnectionState })
	return ok
}

// closeTransport closes a stream after what was written to it, with the goodbye of
// TLS if it has one.
//
// RFC 6455, section 7.1.1.
func closeTransport(nc net.Conn) {
	if isTLS(nc) {
		limit := time.AfterFunc(goodbye, func() { _ = cutTransport(nc) })
		defer limit.Stop()
	}
	_ = nc.Close()
}

// halfCloser is a stream that can end our direction and leave the other open.
type halfCloser interface{ CloseWrite() error }

// closesWrite reports whether nc can do that.
func closesWrite(nc net.Conn) bool {
	_, ok := nc.(halfCloser)
	return ok
}

// closeWrite ends our direction of a stream, where the stream can do that.
func closeWrite(nc net.Conn) {
	if w, ok := nc.(halfCloser); ok {
		_ = w.CloseWrite()
	}
}
