package conn

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/internal/pipe"
)

// tlsConfig serves both sides. The key is no secret, and nobody looks at the name.
var tlsConfig = sync.OnceValue(func() *tls.Config {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Unix(1<<32, 0),
	}
	cert, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{
		Certificates:           []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}},
		InsecureSkipVerify:     true,
		SessionTicketsDisabled: true, // nothing is sent but what the tests send
	}
})

// secure puts TLS over the two ends of a stream, a being the client, and does the
// handshake.
func secure(t testing.TB, a, b net.Conn) (client, server *tls.Conn) {
	t.Helper()
	client, server = tls.Client(a, tlsConfig()), tls.Server(b, tlsConfig())
	handshake := async(client.Handshake)
	must(t, server.Handshake())
	must(t, <-handshake)
	return client, server
}

// tcpPair returns the two ends of a TCP connection.
func tcpPair(t testing.TB) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	accepted := async(func() net.Conn {
		nc, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		return nc
	})
	a, err = net.Dial("tcp", l.Addr().String())
	must(t, err)
	b = <-accepted
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// tlsTest runs f in a bubble for a connection in each role over TLS, over a pipe that
// holds size bytes each way. p speaks TLS; raw is what is below it.
func tlsTest(t *testing.T, o *Options, size int, f func(t *testing.T, c *Conn, p *rawPeer, raw net.Conn)) {
	for _, role := range []Role{Client, Server} {
		t.Run(role.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(size)
				defer b.Close()
				own, other := secure(t, a, b)
				c := New(own, Start{Role: role}, o)
				defer c.CloseNow()
				f(t, c, newRawPeer(t, role.Peer(), other), b)
			})
		})
	}
}

// A socket that takes nothing more keeps nobody waiting: CloseNow returns at once, and
// what fails does so in bounded time. crypto/tls would wait 5 s to say goodbye.
func TestTLSWithAFullSocket(t *testing.T) {
	fill := func(t *testing.T, c *Conn) <-chan error {
		t.Helper()
		write := async(func() error { return c.Write(background, Binary, make([]byte, 1<<20)) })
		mustWait(t, write)
		return write
	}
	for _, tc := range []struct {
		name string
		end  func(t *testing.T, c *Conn, p *rawPeer) error
		want error
		most time.Duration
	}{
		{"CloseNow", func(t *testing.T, c *Conn, _ *rawPeer) error { return c.CloseNow() }, errCloseNow, 0},
		{"violation", func(t *testing.T, c *Conn, p *rawPeer) error {
			p.sendBytes([]byte{0xFF, 0xFF})
			_, _, err := c.Read(background)
			return err
		}, nil, 3 * failTime},
		{"vanished", func(t *testing.T, c *Conn, p *rawPeer) error {
			must(t, p.nc.(*tls.Conn).CloseWrite())
			_, _, err := c.Read(background)
			return err
		}, io.ErrUnexpectedEOF, goodbye},
		{"Close", func(t *testing.T, c *Conn, _ *rawPeer) error {
			return c.Close(background, StatusNormalClosure, "")
		}, errCloseTime, closeTime},
		{"the peer's Close", func(t *testing.T, c *Conn, p *rawPeer) error {
			p.send(closeFrame(StatusGoingAway, ""))
			_, _, err := c.Read(background)
			return err
		}, nil, closeTime},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tlsTest(t, nil, 2000, func(t *testing.T, c *Conn, p *rawPeer, _ net.Conn) {
				write := fill(t, c)
				start := time.Now()
				err := tc.end(t, c, p)
				if tc.want != nil && tc.want != errCloseNow {
					mustBe(t, err, tc.want)
				}
				if took := time.Since(start); took > tc.most {
					t.Errorf("took %v, more than %v", took, tc.most)
				}
				mustBe(t, c.terminal(), net.ErrClosed)
				if tc.want != nil {
					mustBe(t, c.terminal(), tc.want)
				}
				if got := <-write; got != c.terminal() {
					t.Errorf("Write returned %v, want %v", got, c.terminal())
				}
			})
		})
	}
}

// An orderly end says goodbye in TLS too, before the stream ends (7.1.1-01).
func TestTLSGoodbye(t *testing.T) {
	tlsTest(t, nil, 0, func(t *testing.T, c *Conn, p *rawPeer, _ net.Conn) {
		closed := async(func() error { return c.Close(background, StatusNormalClosure, "") })
		p.expect(closeFrame(StatusNormalClosure, ""))
		p.send(closeFrame(StatusNormalClosure, ""))
		if c.role == Client {
			mustWait(t, closed)
			must(t, p.nc.(*tls.Conn).CloseWrite())
		}
		p.expectEnd() // crypto/tls says io.ErrUnexpectedEOF without a goodbye
		must(t, <-closed)
	})
}

// noHalf is a stream that cannot be closed for writing alone.
type noHalf struct{ net.Conn }

// Streams that can do less than TCP are closed too, in bounded time.
func TestPlainStreams(t *testing.T) {
	for name, plain := range map[string]func(net.Conn) net.Conn{
		"no half close": func(nc net.Conn) net.Conn { return noHalf{nc} },
		"no deadlines":  func(nc net.Conn) net.Conn { return noDeadlines{nc} },
	} {
		for end, want := range map[string]error{"violation": nil, "Close": errCloseTime, "cancelled": context.Canceled, "stuck": errCloseTime} {
			t.Run(name+" "+end, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a, b := pipe.New(100)
					defer b.Close()
					c := New(plain(a), Start{Role: Server}, nil)
					defer c.CloseNow()
					p := newRawPeer(t, Client, b)
					start := time.Now()
					ctx, cancel := context.WithCancel(background)
					read := async(readError(c, background))
					synctest.Wait()
					switch end {
					case "violation":
						p.sendBytes([]byte{0xFF, 0xFF})
					case "Close":
						go c.Close(background, StatusNormalClosure, "")
					case "cancelled":
						go c.Write(ctx, Text, []byte(strings.Repeat("x", 1000)))
						synctest.Wait()
						cancel()
					case "stuck":
						go c.Write(background, Text, []byte(strings.Repeat("x", 1000)))
						synctest.Wait()
						go c.Close(background, StatusNormalClosure, "")
					}
					<-c.ended()
					if took := time.Since(start); took > closeTime {
						t.Errorf("took %v", took)
					}
					mustBe(t, <-read, net.ErrClosed)
					if want != nil {
						mustBe(t, c.terminal(), want)
					}
					cancel()
				})
			})
		}
	}
}

// layer is a stream over another that holds something until it is closed, such as a place
// among a limited number of connections.
type layer struct {
	net.Conn
	closed atomic.Bool
}

func (l *layer) NetConn() net.Conn { return l.Conn }

func (l *layer) Close() error {
	l.closed.Store(true)
	return l.Conn.Close()
}

// Every layer of a stream is closed, however the connection ends.
func TestLayersAreClosed(t *testing.T) {
	for name, end := range map[string]func(c *Conn, peer net.Conn){
		"CloseNow": func(c *Conn, _ net.Conn) { _ = c.CloseNow() },
		"Close":    func(c *Conn, _ net.Conn) { _ = c.Close(background, StatusNormalClosure, "") },
		"lost":     func(_ *Conn, peer net.Conn) { _ = peer.Close() },
		"failed":   func(_ *Conn, peer net.Conn) { _, _ = peer.Write([]byte{0xff, 0xff}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pipe.New(2000)
				defer b.Close()
				inner := &layer{Conn: a}
				outer := &layer{Conn: inner}
				c := New(outer, Start{Role: Server}, nil)
				go func() { _, _, _ = c.Read(background) }()
				end(c, b)
				<-c.ended()
				_ = b.Close()
				synctest.Wait()
				if !outer.closed.Load() || !inner.closed.Load() {
					t.Errorf("closed: outer %v, inner %v", outer.closed.Load(), inner.closed.Load())
				}
			})
		})
	}
}
