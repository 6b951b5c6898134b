package protocol

import (
	"bytes"
	"testing"

	"github.com/duplexws/duplex/frame"
)

// PutShort makes the headers that Header makes for a server.
func TestPutShort(t *testing.T) {
	for _, op := range []frame.Opcode{frame.Text, frame.Binary} {
		for n := range MaxShort + 1 {
			var b [4]byte
			got := b[:PutShort(b[:], op, n)]
			if want := Header(frame.Server, op, true, n).Append(nil); !bytes.Equal(got, want) {
				t.Fatalf("%v of %d bytes: header % x, want % x", op, n, got, want)
			}
		}
	}
}
