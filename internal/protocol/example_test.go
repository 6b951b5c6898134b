package protocol_test

import (
	"fmt"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/protocol"
	"github.com/duplexws/duplex/mask"
)

// A text in two fragments with a ping between them, as a server sends it, and how its
// pieces are taken.
func ExampleReceiver() {
	in := []byte("\x01\x03Hel" + "\x89\x04ping" + "\x80\x02lo")
	rx := protocol.NewReceiver(frame.Server, 0, 1<<20)
	var message []byte
	for {
		ev, n, err := rx.Next(in)
		if err != nil {
			fmt.Println(err)
			return
		}
		in = in[n:]
		switch ev.Kind {
		case protocol.More:
			return // here a connection reads from the network
		case protocol.Begin:
			fmt.Println("begin:", ev.Opcode)
			rx.Open()
		case protocol.Payload:
			p := in[:min(uint64(len(in)), rx.Left())]
			rx.Frame(p)
			if err := rx.Message(p); err != nil {
				fmt.Println(err)
				return
			}
			message = append(message, p...)
			in = in[len(p):]
		case protocol.End:
			fmt.Printf("end: %s, %v\n", message, rx.EndMessage())
		case protocol.Control:
			fmt.Printf("%v: %s\n", ev.Opcode, ev.Body)
		}
	}
	// Output:
	// begin: text
	// ping: ping
	// end: Hello, <nil>
}

// A header is refused as soon as its bytes show that it breaks a rule.
func ExampleReceiver_Next_violation() {
	rx := protocol.NewReceiver(frame.Client, 0, 1<<20)
	_, _, err := rx.Next([]byte("\x81\xFF\x00\x00\x00\x01\x00\x00\x00\x00"))
	fmt.Println(err)
	// Output: the message is larger than the read limit (RFC 6455, section 10.4; close code 1009)
}

// A message in three frames.
func ExampleSender() {
	tx := protocol.NewSender(frame.Client)
	tx.Begin(frame.Text)
	for _, piece := range []string{"Hel", "lo", ""} {
		if err := tx.Message([]byte(piece)); err != nil {
			fmt.Println(err)
			return
		}
		last := piece == ""
		if last {
			if err := tx.EndMessage(); err != nil {
				fmt.Println(err)
				return
			}
		}
		h := tx.Frame(last, len(piece))
		b := h.Append(nil)
		b = append(b, piece...)
		mask.XOR(b[h.Len():], h.Key)
		fmt.Printf("%v, last: %v, %d bytes on the wire\n", h.Opcode, h.Fin, len(b))
	}
	// Output:
	// text, last: false, 9 bytes on the wire
	// continuation, last: false, 8 bytes on the wire
	// continuation, last: true, 6 bytes on the wire
}

// The closing handshake, begun by the peer.
func ExampleState() {
	var s protocol.State // Open
	s = s.After(protocol.ReceiveClose)
	fmt.Println("data:", s.MaySend(), "Close:", s.MaySendClose())
	s = s.After(protocol.SendClose)
	fmt.Println("complete:", s == protocol.BothClosed, "Close:", s.MaySendClose())
	// Output:
	// data: false Close: true
	// complete: true Close: false
}
