package conn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

func TestReadKinds(t *testing.T) {
	for _, read := range append(readOnes, readAllOfReader) {
		t.Run(read.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
				want := []Message{
					{Text, []byte("κόσμε")},
					{Binary, []byte{}},
					{Text, []byte{}},
					{Binary, []byte(strings.Repeat("large", 10_000))},
					{Binary, []byte{0xFF}},
				}
				var got []Message
				for _, m := range want {
					p.send(wireFrame{Op: frame.Opcode(m.Type), Fin: true, Body: string(m.Data)})
				}
				for range want {
					typ, data, err := read.read(t.Context(), c)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, Message{typ, append([]byte{}, data...)})
				}
				if diff := diff(want, got); diff != "" {
					t.Errorf("messages (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Read returns a slice of its own each time, never nil.
func TestReadSliceBelongsToTheCaller(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		p.send(binaryFrame("one"), binaryFrame("two"), binaryFrame(""))
		var all [][]byte
		for range 3 {
			_, data, err := c.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, data)
			clear(data[:cap(data)])
		}
		// Whatever buffer they have come through has other messages now.
		for range 20 {
			p.send(binaryFrame("xxxxxxxxxxxx"))
			if _, _, err := c.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([][]byte{{0, 0, 0}, {0, 0, 0}, {}}, all); diff != "" {
			t.Error(diff)
		}
	})
}

// ReadAppend uses the capacity that it is given.
func TestReadAppendUsesCapacity(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		buf := make([]byte, 3, 10_000)
		for _, size := range []int{0, 1, 4000, 9997, 9998} {
			p.send(binaryFrame(strings.Repeat("x", size)))
			_, data, err := c.ReadAppend(t.Context(), buf)
			if err != nil {
				t.Fatal(err)
			}
			if want := 3 + size; len(data) != want || strings.Count(string(data), "x") != size {
				t.Errorf("%d bytes: got %d", want, len(data))
			}
			if same, want := &data[0] == &buf[0], size <= 9997; same != want {
				t.Errorf("%d bytes: in the same memory: %v, want %v", size, same, want)
			}
		}
	})
}

// The peer vanishes after every number of bytes: 1006, never io.EOF, and the same error
// for every later call.
func TestPeerVanishesAnywhere(t *testing.T) {
	for _, read := range messageReaders {
		t.Run(read.name, func(t *testing.T) {
			rawTest(t, nil, func(t *testing.T, _ *Conn, p *rawPeer) {
				message, _ := fragmented(p.role)
				message = append(message, wire(p.role, closeFrame(1000, "bye"))...)
				for i := range message {
					c, p := newRaw(t, p.role.Peer(), nil)
					p.sendBytes(message[:i])
					p.closeWrite()
					_, err := read.read(t.Context(), c)
					var o outcome
					o.ended(t, c, err)
					if diff := cmp.Diff(outcome{Close: &CloseError{Code: StatusAbnormalClosure}}, o); diff != "" {
						t.Errorf("after %d bytes (-want +got):\n%s", i, diff)
					}
					if ce, ok := errors.AsType[*CloseError](err); ok && ce.Err != io.ErrUnexpectedEOF {
						t.Errorf("after %d bytes: %v", i, ce.Err)
					}
				}
			})
		})
	}
}

// errReset is what a stream says that was cut.
var errReset = errors.New("reset")

type resetConn struct{ net.Conn }

func (resetConn) Read([]byte) (int, error) { return 0, errReset }

func TestStreamBreaks(t *testing.T) {
	c := New(resetConn{newScript()}, Start{}, nil)
	_, _, err := c.Read(t.Context())
	var o outcome
	o.ended(t, c, err)
	if diff := cmp.Diff(outcome{Close: &CloseError{Code: StatusAbnormalClosure}}, o); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !errors.Is(err, errReset) {
		t.Errorf("%v does not match the error of the stream", err)
	}
}

// Goroutines that read at the same time get whole messages, each once.
func TestConcurrentReads(t *testing.T) {
	const readers, messages = 8, 400
	client, server := Pipe(nil, nil)
	defer client.CloseNow()
	defer server.CloseNow()
	var mu sync.Mutex
	got := map[byte]int{}
	var wg sync.WaitGroup
	for i := range readers {
		wg.Go(func() {
			for {
				_, data, err := append(readOnes, readAllOfReader)[i%(len(readOnes)+1)].read(t.Context(), server)
				if errors.Is(err, ErrReaderOpen) {
					continue // of another goroutine, for as long as it reads
				}
				if err != nil {
					return
				}
				if len(data) != 1000 || !bytes.Equal(data, bytes.Repeat(data[:1], 1000)) {
					t.Errorf("a message of %d bytes is mixed up: %.20x", len(data), data)
				}
				mu.Lock()
				got[data[0]]++
				mu.Unlock()
			}
		})
	}
	want := map[byte]int{}
	for i := range messages {
		want[byte(i)]++
		if err := client.Write(t.Context(), Binary, bytes.Repeat([]byte{byte(i)}, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Close(t.Context(), StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// A message with a key that is not repeated every four bytes is unmasked in every
// cut, also where reads and cancelled reads take turns.
func TestUnmaskingGoesOnAfterCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := []byte(strings.Repeat("Hello, World! ", 1000))
		h := frame.Header{Opcode: frame.Text, Fin: true, Masked: true, Key: mask.Key{1, 2, 3, 4}, Length: uint64(len(data))}
		sent := h.Append(nil)
		n := len(sent)
		sent = append(sent, data...)
		mask.XOR(sent[n:], h.Key)
		for _, piece := range []int{1001, 4097, 5003} {
			c, p := newRaw(t, Server, nil)
			rest := sent
			for len(rest) > piece {
				p.sendBytes(rest[:piece])
				rest = rest[piece:]
				cutRead(t, c, readOnes[len(rest)%len(readOnes)].read)
			}
			p.sendBytes(rest)
			expectMessage(t, c, t.Context(), Text, string(data))
			c.CloseNow()
			p.nc.Close()
		}
	})
}
