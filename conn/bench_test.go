package conn

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
)

// benchSizes are the payloads of the benchmarks.
var benchSizes = []int{16, 125, 1 << 10, 16 << 10, 1 << 20}

// benchConn returns a server over TCP and its peer.
func benchConn(b *testing.B) (c *Conn, peer net.Conn) {
	a, peer := tcpPair(b)
	c = New(a, Start{Role: Server}, &Options{ReadLimit: 2 << 20})
	b.Cleanup(func() { _ = c.CloseNow() })
	return c, peer
}

// benchEcho measures the round trips of a message to what answers it.
func benchEcho(b *testing.B, answer func(c *Conn) error) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			c, peer := benchConn(b)
			done := async(func() error { return answer(c) })
			body := string(bytes.Repeat([]byte("x"), size))
			out := wire(Client, binaryFrame(body))
			in := make([]byte, len(wire(Server, binaryFrame(body))))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			writes, written := make(chan bool), make(chan error)
			go func() {
				for range writes {
					_, err := peer.Write(out)
					written <- err
				}
			}()
			defer close(writes)
			for b.Loop() {
				if size > 16<<10 { // more than sockets hold
					writes <- true
				} else if _, err := peer.Write(out); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(peer, in); err != nil {
					b.Fatal(err)
				}
				if size > 16<<10 {
					must(b, <-written)
				}
			}
			_ = c.CloseNow()
			<-done
		})
	}
}

func BenchmarkServe(b *testing.B) {
	benchEcho(b, func(c *Conn) error { return c.Serve(background, echoing) })
}

func BenchmarkReadAppend(b *testing.B) {
	benchEcho(b, func(c *Conn) error {
		var buf []byte
		for {
			t, p, err := c.ReadAppend(background, buf[:0])
			if err != nil {
				return err
			}
			if err := c.Write(background, t, p); err != nil {
				return err
			}
			buf = p
		}
	})
}

// benchSend measures sending to a peer that takes everything.
func benchSend(b *testing.B, send func(c *Conn, p []byte, m *Prepared) error) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			c, peer := benchConn(b)
			drained := async(func() error { _, err := io.Copy(io.Discard, peer); return err })
			p := bytes.Repeat([]byte("x"), size)
			m, err := Prepare(Binary, p)
			must(b, err)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				must(b, send(c, p, m))
			}
			_ = c.CloseNow()
			<-drained
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	benchSend(b, func(c *Conn, p []byte, _ *Prepared) error { return c.Write(background, Binary, p) })
}

func BenchmarkWritePrepared(b *testing.B) {
	benchSend(b, func(c *Conn, _ []byte, m *Prepared) error { return c.WritePrepared(background, m) })
}

// BenchmarkPost waits for its turn when too much has been posted, as Write does.
func BenchmarkPost(b *testing.B) {
	benchSend(b, func(c *Conn, _ []byte, m *Prepared) error {
		err := c.Post(m)
		if err == ErrPostLimit {
			err = c.WritePrepared(background, m)
		}
		return err
	})
}

// BenchmarkServeDeep measures what a message costs of which many arrive at once, from the
// input buffer to the replies, without the system.
func BenchmarkServeDeep(b *testing.B) {
	const deep = 16
	for _, size := range benchSizes[:3] {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			c, _ := benchConn(b)
			s := serving(background, c, echoing)
			in := bytes.Repeat(wire(Client, binaryFrame(string(make([]byte, size)))), deep)
			held := make([]byte, len(in))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%deep == 0 {
					c.replies.drop()
					copy(held, in)
					c.in = input{held: held}
					if err := s.burst(); err != nil {
						b.Fatal(err)
					}
				}
			}
			c.in = input{}
		})
	}
}
