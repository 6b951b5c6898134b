package server

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// serveGobwas upgrades on the connection itself and works with frames, the layer
// that the documentation offers for speed: reads are buffered, a payload is unmasked
// where it lies, and the header of the reply is put in front of it, so that both leave
// in one write.
func serveGobwas(ln net.Listener, c Config) error {
	return accept(ln, func(nc net.Conn) error {
		e := wsflate.Extension{Parameters: wsflate.DefaultParameters}
		upgrader := ws.Upgrader{}
		if c.Mode == NoTakeover {
			upgrader.Negotiate = func(o httphead.Option) (httphead.Option, error) { return e.Negotiate(o) }
		}
		if _, err := upgrader.Upgrade(nc); err != nil {
			return err
		}
		if c.hub != nil {
			c.hub.add(func(m any) error { return writeAll(nc, m.([]byte)) })
		}
		return echoGobwas(nc, c)
	})
}

func echoGobwas(nc net.Conn, c Config) error {
	const room = ws.MaxHeaderSize
	br := bufio.NewReaderSize(nc, 4096)
	buf := make([]byte, room, 512)
	var head bytes.Buffer
	for {
		h, err := ws.ReadHeader(br)
		if err != nil {
			return err
		}
		if h.OpCode.IsControl() {
			return errors.New("a control frame") // the load generator sends none
		}
		size := room + int(h.Length)
		if cap(buf) < size {
			buf = append(make([]byte, 0, size), buf[:room]...)
		}
		buf = buf[:size]
		if _, err := io.ReadFull(br, buf[room:]); err != nil {
			return err
		}
		ws.Cipher(buf[room:], h.Mask, 0)
		compressed, err := wsflate.IsCompressed(h)
		if err != nil {
			return err
		}
		if compressed {
			err = echoCompressed(nc, &head, h, buf[room:], c)
		} else {
			err = writeGobwas(nc, &head, h, buf)
		}
		if err != nil {
			return err
		}
	}
}

// writeGobwas writes the frame whose payload lies in buf behind the room for a header.
func writeGobwas(nc net.Conn, head *bytes.Buffer, h ws.Header, buf []byte) error {
	h.Masked, h.Mask = false, [4]byte{}
	h.Length = int64(len(buf) - ws.MaxHeaderSize)
	head.Reset()
	if err := ws.WriteHeader(head, h); err != nil {
		return err
	}
	from := ws.MaxHeaderSize - head.Len()
	copy(buf[from:], head.Bytes())
	_, err := nc.Write(buf[from:])
	return err
}

// gobwasCodec is what a message is inflated and deflated with. The helpers of wsflate
// make new ones for every message; its Reader and Writer can be used again.
type gobwasCodec struct {
	in   bytes.Reader
	text bytes.Buffer
	out  bytes.Buffer
	r    *wsflate.Reader
	w    *wsflate.Writer
}

var gobwasCodecs sync.Pool

func newGobwasCodec(level int) *gobwasCodec {
	if level == 0 {
		level = flate.BestSpeed // as the others that use compress/flate have it
	}
	c := new(gobwasCodec)
	c.r = wsflate.NewReader(nil, func(r io.Reader) wsflate.Decompressor { return flate.NewReader(r) })
	c.w = wsflate.NewWriter(nil, func(w io.Writer) wsflate.Compressor {
		z, err := flate.NewWriter(w, level)
		if err != nil {
			panic(err) // the level is wrong
		}
		return z
	})
	return c
}

func echoCompressed(nc net.Conn, head *bytes.Buffer, h ws.Header, payload []byte, c Config) error {
	z, _ := gobwasCodecs.Get().(*gobwasCodec)
	if z == nil {
		z = newGobwasCodec(c.Level)
	}
	defer gobwasCodecs.Put(z)
	z.in.Reset(payload)
	z.r.Reset(&z.in)
	z.text.Reset()
	if _, err := z.text.ReadFrom(z.r); err != nil {
		return err
	}
	z.out.Reset()
	z.out.Write(make([]byte, ws.MaxHeaderSize)) // room for the header
	z.w.Reset(&z.out)
	if _, err := z.w.Write(z.text.Bytes()); err != nil {
		return err
	}
	if err := z.w.Flush(); err != nil {
		return err
	}
	return writeGobwas(nc, head, h, z.out.Bytes())
}

// prepareGobwas makes the frame once, as the documentation says.
func prepareGobwas(payload []byte) (any, error) {
	return ws.CompileFrame(ws.NewBinaryFrame(payload))
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
