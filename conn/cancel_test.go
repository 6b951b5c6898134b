package conn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
)

// A readOne is a way to read one message.
type readOne struct {
	name string
	read func(ctx context.Context, c *Conn) (MessageType, []byte, error)
}

var readOnes = []readOne{
	{"Read", func(ctx context.Context, c *Conn) (MessageType, []byte, error) { return c.Read(ctx) }},
	{"ReadAppend to nothing", func(ctx context.Context, c *Conn) (MessageType, []byte, error) {
		t, p, err := c.ReadAppend(ctx, nil)
		if err != nil && p != nil {
			err = fmt.Errorf("and %q was returned: %w", p, err)
		}
		return t, p, err
	}},
	{"ReadAppend", func(ctx context.Context, c *Conn) (MessageType, []byte, error) {
		return readAppend(ctx, c, 100)
	}},
	{"ReadAppend with little room", func(ctx context.Context, c *Conn) (MessageType, []byte, error) {
		return readAppend(ctx, c, 2)
	}},
	{"Messages", func(ctx context.Context, c *Conn) (MessageType, []byte, error) {
		for m, err := range c.Messages(ctx) {
			return m.Type, m.Data, err
		}
		return 0, nil, errors.New("no message and no error")
	}},
	{"Serve", func(ctx context.Context, c *Conn) (t MessageType, p []byte, err error) {
		one := errors.New("one is enough")
		err = c.Serve(ctx, func(_ *Replier, m Message) error {
			t, p = m.Type, append([]byte{}, m.Data...)
			return one
		})
		if err == one {
			err = nil
		}
		return t, p, err
	}},
}

// readAppend appends to a slice with some room, and checks that an error returns the
// slice as it was.
func readAppend(ctx context.Context, c *Conn, room int) (MessageType, []byte, error) {
	const before = "before"
	dst := append(make([]byte, 0, len(before)+room), before...)
	t, p, err := c.ReadAppend(ctx, dst)
	if err == nil && !strings.HasPrefix(string(p), before) {
		err = fmt.Errorf("the slice begins with %q", p)
	}
	if err != nil {
		if string(p) != before || &p[0] != &dst[0] || cap(p) != cap(dst) {
			err = fmt.Errorf("and %q was returned: %w", p, err)
		}
		return t, nil, err
	}
	return t, p[len(before):], err
}

var readAllOfReader = readOne{"Reader", func(ctx context.Context, c *Conn) (MessageType, []byte, error) {
	t, r, err := c.Reader(ctx)
	if err != nil {
		return 0, nil, err
	}
	p, err := io.ReadAll(r)
	return t, p, err
}}

// cutRead lets a read begin, which must be cancelled before anything else happens.
func cutRead(t *testing.T, c *Conn, read func(ctx context.Context, c *Conn) (MessageType, []byte, error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { _, _, err = read(ctx, c) })
	synctest.Wait()
	cancel()
	wg.Wait()
	if ce, ok := err.(*cancelError); !ok || !errors.Is(ce, context.Canceled) {
		t.Errorf("cancelled read: %v", err)
	}
}

// fragmented is a message of several frames, with a Ping in between, and its data.
func fragmented(from Role) (bytes []byte, data string) {
	frames := []wireFrame{
		part(frame.Text, false, "κό"), pingFrame("ping"), part(frame.Continuation, false, ""),
		part(frame.Continuation, true, "σμε"+strings.Repeat(".", 130)),
	}
	return wire(from, frames...), "κόσμε" + strings.Repeat(".", 130)
}

// A read that is cancelled anywhere in a message, within a header, a payload, a control
// frame or between fragments, loses nothing: the next read has the whole message,
// whichever way the two are done.
func TestReadCancelledAnywhere(t *testing.T) {
	for j, first := range readOnes {
		for k, second := range append(readOnes, readAllOfReader) {
			t.Run(first.name+", then "+second.name, func(t *testing.T) {
				rawTest(t, nil, func(t *testing.T, _ *Conn, p *rawPeer) {
					message, data := fragmented(p.role)
					for i := (j + k) % sample; i < len(message); i += sample {
						c, p := newRaw(t, p.role.Peer(), nil)
						if i > 0 {
							p.sendBytes(message[:i])
						}
						cutRead(t, c, first.read)
						cutRead(t, c, first.read)
						p.sendBytes(message[i:])
						typ, got, err := second.read(t.Context(), c)
						if typ != Text || string(got) != data || err != nil {
							t.Errorf("cut after %d bytes: %v %q, error %v", i, typ, got, err)
						}
						p.expect(pongFrame("ping"))
						c.CloseNow()
						p.nc.Close()
					}
				})
			})
		}
	}
}

// What a ReadAppend has kept that was cancelled does not lie in the slice of its caller,
// who may use that for something else before the next read.
func TestReadCancelledLeavesTheSlice(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(part(frame.Binary, false, "one "))
		ctx, cancel := context.WithTimeout(background, time.Second)
		defer cancel()
		dst := make([]byte, 1, 100)
		_, got, err := c.ReadAppend(ctx, dst)
		if mustBe(t, err, context.DeadlineExceeded); len(got) != len(dst) {
			t.Errorf("%d bytes came back, want dst as it was", len(got))
		}
		clear(dst[:cap(dst)])
		p.send(part(frame.Continuation, true, "two"))
		if _, got, err = c.Read(background); err != nil || string(got) != "one two" {
			t.Errorf("got %q, error %v", got, err)
		}
	})
}

// Every byte comes alone, and a read is cancelled after each.
func TestReadCancelledEverywhere(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		message, data := fragmented(p.role)
		for i, b := range message[:len(message)-1] {
			p.sendBytes([]byte{b})
			cutRead(t, c, readOnes[i%len(readOnes)].read)
		}
		p.sendBytes(message[len(message)-1:])
		expectMessage(t, c, t.Context(), Text, data)
		p.expect(pongFrame("ping"))
		if c.in.held != nil || c.message.kept != nil {
			t.Error("input is kept")
		}
	})
}

// gate is a stream that can hold back what is written to it.
type gate struct {
	net.Conn
	mu   sync.Mutex
	shut bool
	held []byte
}

// Write implements net.Conn.
func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		g.held = append(g.held, p...)
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// selfSigned returns a configuration with a certificate made for the test.
func selfSigned(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// tlsPair returns a server's stream over TLS, and its peer's, whose gate can be shut.
func tlsPair(t testing.TB, config *tls.Config) (server, peer *tls.Conn, g *gate) {
	t.Helper()
	a, b := pipe.New(0)
	g = &gate{Conn: b}
	server, peer = tls.Server(a, config), tls.Client(g, &tls.Config{InsecureSkipVerify: true})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Handshake(); err != nil {
			t.Error(err)
		}
	})
	if err := peer.Handshake(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	return server, peer, g
}

// A read that is cancelled inside a TLS record loses nothing either.
func TestReadCancelledInTLSRecord(t *testing.T) {
	for _, second := range append(readOnes, readAllOfReader) {
		t.Run(second.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, peer, g := tlsPair(t, selfSigned(t))
				c := New(server, Start{Role: Server}, nil)
				defer g.Conn.Close()
				defer c.CloseNow()
				g.shut = true
				message, data := fragmented(Client)
				if _, err := peer.Write(message); err != nil {
					t.Fatal(err)
				}
				records := g.held
				for i := range len(records) - 1 {
					if _, err := g.Conn.Write(records[i : i+1]); err != nil {
						t.Fatal(err)
					}
					cutRead(t, c, readOnes[i%len(readOnes)].read)
				}
				if _, err := g.Conn.Write(records[len(records)-1:]); err != nil {
					t.Fatal(err)
				}
				typ, got, err := second.read(t.Context(), c)
				if typ != Text || string(got) != data || err != nil {
					t.Errorf("%v %q, error %v", typ, got, err)
				}
				newRawPeer(t, Client, peer).expect(pongFrame("ping"))
			})
		})
	}
}

// Deadlines interrupt as cancelling does, also for messages that are read straight
// into the caller's memory.
func TestReadTimesOutInLargeMessage(t *testing.T) {
	for _, read := range append(readOnes, readAllOfReader) {
		t.Run(read.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				data := strings.Repeat("0123456789abcdef", 10_000)
				message := wire(p.role, binaryFrame(data))
				for len(message) > 11_111 {
					p.sendBytes(message[:11_111])
					message = message[11_111:]
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					start := time.Now()
					_, got, err := readOnes[len(message)%len(readOnes)].read(ctx, c)
					if !errors.Is(err, context.DeadlineExceeded) || got != nil || time.Since(start) != time.Second {
						t.Errorf("after %v: %d bytes, error %v", time.Since(start), len(got), err)
					}
					cancel()
				}
				p.sendBytes(message)
				typ, got, err := read.read(t.Context(), c)
				if typ != Binary || string(got) != data || err != nil {
					t.Errorf("%v message of %d bytes, error %v", typ, len(got), err)
				}
			})
		})
	}
}
