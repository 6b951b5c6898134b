package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"time"

	coder "github.com/coder/websocket"
	"github.com/duplexws/duplex/conn"
	"github.com/gobwas/ws"
	gorilla "github.com/gorilla/websocket"
	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	nbio "github.com/lesismal/nbio/nbhttp/websocket"
	"github.com/lxzan/gws"
)

// client is a connection that this process has opened.
type client interface {
	// trips sends the payload n times, each time after the answer to the last, and
	// then calls done. It does not wait for that.
	trips(n int, payload []byte, done func(error))
	close()
}

// dialers open connections as a client, in the fast configuration of each library,
// without compression.
var dialers = map[string]func(addr string) (client, error){
	Raw:       dialRaw,
	"gorilla": dialGorilla,
	"coder":   dialCoder,
	"gobwas":  dialGobwas,
	"gws":     dialGWS,
	"nbio":    dialNbio,
	Ours:      dialDuplex,
}

// blocking is a client whose calls wait: it takes a goroutine to use it.
type blocking struct {
	trip func(payload []byte) error
	end  func()
}

func (b blocking) trips(n int, payload []byte, done func(error)) {
	go func() {
		for range n {
			if err := b.trip(payload); err != nil {
				done(err)
				return
			}
		}
		done(nil)
	}()
}

func (b blocking) close() { b.end() }

func dialRaw(addr string) (client, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	var buf []byte
	return blocking{func(payload []byte) error {
		if _, err := nc.Write(payload); err != nil {
			return err
		}
		if len(buf) != len(payload) {
			buf = make([]byte, len(payload))
		}
		_, err := io.ReadFull(nc, buf)
		return err
	}, func() { nc.Close() }}, nil
}

func dialGorilla(addr string) (client, error) {
	c, _, err := gorilla.DefaultDialer.Dial("ws://"+addr, nil)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	return blocking{func(payload []byte) error {
		if err := c.WriteMessage(gorilla.BinaryMessage, payload); err != nil {
			return err
		}
		_, r, err := c.NextReader()
		if err != nil {
			return err
		}
		buf.Reset()
		_, err = buf.ReadFrom(r)
		return err
	}, func() { c.Close() }}, nil
}

func dialCoder(addr string) (client, error) {
	ctx := context.Background()
	c, _, err := coder.Dial(ctx, "ws://"+addr, nil)
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(-1)
	var buf bytes.Buffer
	return blocking{func(payload []byte) error {
		if err := c.Write(ctx, coder.MessageBinary, payload); err != nil {
			return err
		}
		_, r, err := c.Reader(ctx)
		if err != nil {
			return err
		}
		buf.Reset()
		_, err = buf.ReadFrom(r)
		return err
	}, func() { c.CloseNow() }}, nil
}

func dialGobwas(addr string) (client, error) {
	nc, br, _, err := ws.Dial(context.Background(), "ws://"+addr)
	if err != nil {
		return nil, err
	}
	if br == nil {
		br = bufio.NewReaderSize(nc, 4096)
	}
	var out bytes.Buffer
	var in []byte
	return blocking{func(payload []byte) error {
		key := ws.NewMask()
		out.Reset()
		h := ws.Header{Fin: true, OpCode: ws.OpBinary, Masked: true, Mask: key, Length: int64(len(payload))}
		if err := ws.WriteHeader(&out, h); err != nil {
			return err
		}
		at := out.Len()
		out.Write(payload)
		ws.Cipher(out.Bytes()[at:], key, 0)
		if _, err := nc.Write(out.Bytes()); err != nil {
			return err
		}
		h, err := ws.ReadHeader(br)
		if err != nil {
			return err
		}
		if int64(cap(in)) < h.Length {
			in = make([]byte, h.Length)
		}
		_, err = io.ReadFull(br, in[:h.Length])
		return err
	}, func() { nc.Close() }}, nil
}

func dialDuplex(addr string) (client, error) {
	ctx := context.Background()
	c, err := conn.Dial(ctx, "ws://"+addr, nil)
	if err != nil {
		return nil, err
	}
	var buf []byte
	return blocking{func(payload []byte) error {
		if err := c.Write(ctx, conn.Binary, payload); err != nil {
			return err
		}
		_, message, err := c.ReadAppend(ctx, buf[:0])
		buf = message
		return err
	}, func() { c.CloseNow() }}, nil
}

// calling is a client that is called when a message arrives.
type calling struct {
	left    int
	payload []byte
	done    func(error)
	write   func([]byte) error
	end     func()
}

func (c *calling) trips(n int, payload []byte, done func(error)) {
	c.left, c.payload, c.done = n, payload, done
	c.next()
}

func (c *calling) close() { c.end() }

// next sends the next message, or says that all have been answered.
func (c *calling) next() {
	if c.left == 0 {
		c.done(nil)
		return
	}
	c.left--
	if err := c.write(c.payload); err != nil {
		c.done(err)
	}
}

type gwsClient struct {
	gws.BuiltinEventHandler
	calling
}

func (c *gwsClient) OnMessage(_ *gws.Conn, m *gws.Message) {
	report(m.Close())
	c.next()
}

func dialGWS(addr string) (client, error) {
	c := new(gwsClient)
	ws, _, err := gws.NewClient(c, &gws.ClientOption{Addr: "ws://" + addr})
	if err != nil {
		return nil, err
	}
	c.write = func(p []byte) error { return ws.WriteMessage(gws.OpcodeBinary, p) }
	c.end = func() { ws.NetConn().Close() }
	go ws.ReadLoop()
	return c, nil
}

// nbioEngine runs the connections of this process as a client.
var nbioEngine *nbhttp.Engine

func dialNbio(addr string) (client, error) {
	if nbioEngine == nil {
		logging.SetLevel(logging.LevelNone)
		nbioEngine = nbhttp.NewEngine(nbhttp.Config{NPoller: 1, MaxLoad: 100_000, ReleaseWebsocketPayload: true})
		if err := nbioEngine.Start(); err != nil {
			return nil, err
		}
	}
	c := new(calling)
	options := nbio.NewOptions()
	options.OnMessage(func(*nbio.Conn, nbio.MessageType, []byte) { c.next() })
	dialer := nbio.Dialer{Engine: nbioEngine, Options: options, DialTimeout: 10 * time.Second}
	ws, _, err := dialer.Dial("ws://"+addr, nil)
	if err != nil {
		return nil, err
	}
	c.write = func(p []byte) error { return ws.WriteMessage(nbio.BinaryMessage, p) }
	c.end = func() { ws.Close() }
	return c, nil
}

// clients are the connections that this process has opened.
type clients struct {
	dial func(addr string) (client, error)
	addr string
	open []client
}

// connect opens n connections; keep says whether they stay open.
func (c *clients) connect(n int, keep bool) error {
	for range n {
		k, err := c.dial(c.addr)
		if err != nil {
			return err
		}
		if keep {
			c.open = append(c.open, k)
		} else {
			k.close()
		}
	}
	return nil
}

// trips lets every open connection send n messages of that size, one after another.
func (c *clients) trips(n, size int) error {
	done := make(chan error, len(c.open))
	payload := make([]byte, size)
	for _, k := range c.open {
		k.trips(n, payload, func(err error) { done <- err })
	}
	var all error
	for range c.open {
		all = errors.Join(all, <-done)
	}
	return all
}
