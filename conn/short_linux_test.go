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
	c, b := jammed(t)
	writing := async(func() error {
		for i := range jam {
			if err := c.Write(t.Context(), Binary, body(i)); err != nil {
				return err
			}
		}
		return nil
	})
	expectBodies(t, bufio.NewReaderSize(b, 1000), 1)
	must(t, mustReturn(t, "Write", writing))
	must(t, c.CloseNow())
}

// The same goes for replies of which some are gathered and some are not, and leave behind
// those.
func TestRepliesInParts(t *testing.T) {
	for _, step := range []int{1, 1111} { // most sizes have others of their kind next to them
		c, b := jammed(t)
		serving := async(func() error {
			return c.Serve(t.Context(), func(r *Replier, _ Message) error {
				for i := range jam {
					if err := r.Write(Binary, body(i*step)); err != nil {
						return err
					}
				}
				return nil
			})
		})
		newRawPeer(t, Client, b).send(textFrame("answer"), textFrame("and again"))
		in := bufio.NewReaderSize(b, 1000)
		for range 2 {
			expectBodies(t, in, step)
		}
		must(t, c.CloseNow())
		mustBe(t, mustReturn(t, "Serve", serving), errCloseNow)
	}
}

// jam is how many messages it takes for the socket of jammed to be full often.
const jam = 500

// expectBodies reads messages 0, step, and so on.
func expectBodies(t *testing.T, in *bufio.Reader, step int) {
	t.Helper()
	for i := range jam {
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
		if want := body(i * step); !bytes.Equal(got, want) {
			t.Fatalf("message %d: %d bytes, want %d", i, len(got), len(want))
		}
	}
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
