//go:build linux && (amd64 || arm64)

package conn

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// jammed returns a server's connection over TCP whose buffers are small, and its peer.
func jammed(t *testing.T) (*Conn, net.Conn) {
	a, b := tcpPair(t)
	must(t, a.(*net.TCPConn).SetWriteBuffer(32<<10))
	must(t, b.(*net.TCPConn).SetReadBuffer(32<<10))
	return New(a, Start{Role: Server}, nil), b
}

// body returns the body of message i, unlike that of the others.
func body(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8), byte(i % 251)}, 1+i%5000) }

// A socket that takes a part of a small frame gets the rest later: nothing is lost or comes
// twice.
func TestShortWriteInParts(t *testing.T) {
	const messages = 500
	c, b := jammed(t)
	writing := async(func() error {
		for i := range messages {
			if err := c.Write(t.Context(), Binary, body(i)); err != nil {
				return err
			}
		}
		return nil
	})
	in := bufio.NewReaderSize(b, 1000)
	for i := range messages {
		head, err := in.Peek(2)
		must(t, err)
		if head[1] == 126 {
			head, err = in.Peek(4)
			must(t, err)
		}
		h, n, err := frame.Parse(head)
		must(t, err)
		_, err = in.Discard(n)
		must(t, err)
		got := make([]byte, h.Length)
		_, err = io.ReadFull(in, got)
		must(t, err)
		if !bytes.Equal(got, body(i)) {
			t.Fatalf("message %d: %d bytes, want %d", i, len(got), len(body(i)))
		}
	}
	must(t, mustReturn(t, "Write", writing))
	must(t, c.CloseNow())
}

// A small frame whose context had ended before leaves the connection as it was.
func TestShortWriteTooLate(t *testing.T) {
	c, _ := jammed(t)
	gone, end := context.WithCancelCause(t.Context())
	end(errTest)
	mustBe(t, c.Write(gone, Binary, body(1)), errTest)
	must(t, c.Write(t.Context(), Binary, body(1)))
	must(t, c.CloseNow())
}

var errTest = errors.New("the test says so")

// A frame of which a part has left when its context ends ends the connection.
func TestTransmitRest(t *testing.T) {
	gone, end := context.WithCancelCause(t.Context())
	end(errTest)
	for _, begun := range []bool{false, true} {
		c, _ := jammed(t)
		mustBe(t, c.transmitRest(gone, []byte("the"), []byte("rest"), begun), errTest)
		if ended := c.terminal() != nil; ended != begun {
			t.Errorf("begun: %t, ended: %t", begun, ended)
		}
		must(t, c.CloseNow())
	}
}
