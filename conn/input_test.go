package conn

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
)

// Input that came with the handshake is read first, however much it is, and whatever
// follows it.
func TestBufferedInput(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		var messages []Message
		var sent []byte
		for i, size := range []int{0, 1, 125, 126, 3000, 4090, 5000, 70_000, 3} {
			data := bytes.Repeat([]byte{byte(i)}, size)
			messages = append(messages, Message{Binary, data})
			sent = append(sent, wire(role.Peer(), binaryFrame(string(data)), pongFrame("pong"))...)
		}
		sizes := []int{0, 1, 2, 3, 7, 130, 4095, 4096, 4097, 8000, len(sent) - 1, len(sent)}
		for _, n := range sizes {
			for _, read := range messageReaders {
				c := New(newScript(sent[n:]), Start{Role: role, Buffered: slices.Clone(sent[:n])}, nil)
				got, err := read.read(t.Context(), c)
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%v, %d bytes, %s: %v", role, n, read.name, err)
				}
				if diff := diff(messages, got); diff != "" {
					t.Errorf("%v, %d bytes, %s (-want +got):\n%s", role, n, read.name, diff)
				}
			}
		}
	}
}

// With Buffered nil or empty nothing changes.
func TestBufferedIsNotKept(t *testing.T) {
	sent := wire(Client, textFrame("one"), textFrame("two"))
	c := New(newScript(), Start{Role: Server, Buffered: sent}, nil)
	expectMessage(t, c, t.Context(), Text, "one")
	if c.in.buf == nil {
		t.Error("the rest of the input is gone")
	}
	expectMessage(t, c, t.Context(), Text, "two")
	if c.in.buf != nil {
		t.Error("the slice is kept")
	}
}
