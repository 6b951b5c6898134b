package soak

import (
	"bufio"
	"compress/flate"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/mask"
)

// attackTime is how long a misbehaving client waits for its end. No server may let it wait
// as long.
const attackTime = 30 * time.Second

// An attack is something that a misbehaving client does.
type attack struct {
	name string
	send string   // after the opening handshake, or in its place
	raw  bool     // send stands in the place of the handshake
	then string   // "" is to wait for the server to end it
	want []string // how it may end
}

// What a client does after it has sent what it had to say.
const (
	hangsUp = "hangs up"
	resets  = "resets"
	drips   = "drips" // goes on byte by byte, slowly
)

// opening is the client's opening handshake, without its end.
const opening = "GET /read HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// flood is what the Pings of a flood carry.
const flood = "flood"

// The rest of it, with and without an offer to compress.
const (
	version  = "Sec-WebSocket-Version: 13\r\n"
	compress = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
)

// attacks are all of them. An end without anything is one by a server that has nothing to
// say to such a client; a reset comes where it has not read all that was sent.
var attacks = []attack{
	{name: "unmasked", send: "\x81\x01a", want: []string{"close 1002"}},
	{name: "reserved opcode", send: masked(0x83, ""), want: []string{"close 1002"}},
	{name: "reserved bit", send: masked(0xA1, "a"), want: []string{"close 1002"}},
	{name: "fragmented ping", send: masked(0x09, "a"), want: []string{"close 1002"}},
	{name: "long ping", send: masked(0x89, strings.Repeat("a", 126)), want: []string{"close 1002"}},
	{name: "continuation of nothing", send: masked(0x80, "a"), want: []string{"close 1002"}},
	{name: "long form of length", send: "\x82\xFE\x00\x01\x00\x00\x00\x00a", want: []string{"close 1002"}},
	{name: "length of 64 bits", send: "\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00", want: []string{"close 1002"}},
	{name: "length of 62 bits", send: "\x82\xFF\x3F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00\x00\x00\x00", want: []string{"close 1009"}},
	{name: "a byte too much", send: string(frame.Header{Opcode: frame.Binary, Fin: true, Masked: true, Length: readLimit + 1}.Append(nil)), want: []string{"close 1009"}},
	{name: "not UTF-8", send: masked(0x81, "\xFF"), want: []string{"close 1007"}},
	{name: "bad close code", send: masked(0x88, "\x03\xED"), want: []string{"close 1002"}},
	{name: "not deflated", send: masked(0xC2, "\xFF\xFF\xFF\xFF"), want: []string{"close 1007", "close 1002"}},
	{name: "bomb", send: masked(0xC2, bomb()), want: []string{"close 1009", "close 1002"}},
	{name: "flood of pings", send: strings.Repeat(masked(0x89, flood), 3000), want: []string{"close 1008", "reset"}},
	{name: "flood of empty fragments", send: masked(0x01, "") + strings.Repeat(masked(0x00, ""), 3000), want: []string{"close 1008", "reset"}},
	{name: "wrong greeting", send: masked(0x81, noGreeting), want: []string{"close 1011"}},
	{name: "silent", want: []string{"end", "close 1002", "close 1011"}},
	{name: "hangs up in a frame", send: "\x82\xFF\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00abc", then: hangsUp, want: []string{hangsUp}},
	{name: "resets in a frame", send: "\x82\xFF\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00abc", then: resets, want: []string{resets}},
	{name: "hangs up", then: hangsUp, want: []string{hangsUp}},
	{name: "resets", then: resets, want: []string{resets}},
	{name: "not HTTP", send: "\x16\x03\x01\x00\xA5\r\n\r\n", raw: true, want: []string{"HTTP 400", "end"}},
	{name: "another version", send: opening + "Sec-WebSocket-Version: 12\r\n\r\n", raw: true, want: []string{"HTTP 426"}},
	{name: "half an opening, hangs up", send: opening, raw: true, then: hangsUp, want: []string{hangsUp}},
	{name: "half an opening, resets", send: opening, raw: true, then: resets, want: []string{resets}},
	{name: "half an opening, silent", send: opening, raw: true, want: []string{"end", "HTTP 408"}},
	{name: "half an opening, slow", send: opening, raw: true, then: drips, want: []string{"end", "HTTP 408", "HTTP 400", "reset"}},
	{name: "nothing", raw: true, want: []string{"end", "HTTP 408"}},
	{name: "endless opening", send: opening + strings.Repeat("X: y\r\n", 10_000), raw: true, want: []string{"HTTP 431", "HTTP 400", "reset", "end"}},
}

// tooLate is how a server ends a connection on which nothing has come for some time.
var tooLate = []string{"end", "reset", "HTTP 408", "HTTP 400", "close 1011"}

// masked is a frame of a client.
func masked(first byte, payload string) string {
	h := frame.Header{Opcode: frame.Opcode(first & 15), Fin: first&0x80 != 0, RSV: frame.RSV(first & 0x70), Masked: true, Length: uint64(len(payload))}
	h.Key = mask.Key{1, 2, 3, 4}
	b := h.Append(nil)
	n := len(b)
	b = append(b, payload...)
	mask.XOR(b[n:], h.Key)
	return string(b)
}

// attack has a misbehaving client misbehave. What comes of it must be one of what is expected,
// unless the server was drained meanwhile.
func (w *world) attack(stop context.Context, random *rand.Rand) {
	s := w.servers[random.IntN(len(w.servers))]
	a := &attacks[random.IntN(len(attacks))]
	drains, begun := s.ended.Load(), time.Now()
	got := a.run(stop, s, w, random)
	if stop.Err() != nil {
		return // it was cut
	}
	w.tally.add("misbehaving, "+a.name, got, 1)
	// On a busy machine the server's time may be over before the client has said all.
	late := time.Since(begun) >= handshakeTimeout && slices.Contains(tooLate, got)
	drained := s.begun.Load() != drains && got != "time was over"
	if drained || late || slices.Contains(a.want, got) || w.stood(time.Since(begun)) {
		return
	}
	// A process that does not run in time cannot say in time why it has had enough.
	if got == "end" && strings.HasPrefix(a.want[0], "close") && w.stuttered(time.Since(begun)) {
		w.tally.add("misbehaving, "+a.name, "end after a stutter", 1)
		return
	}
	w.ledger.wrongf("%s: misbehaving client, %s: %s, want one of %q", s.name, a.name, got, a.want)
}

func (a *attack) run(stop context.Context, s *server, w *world, random *rand.Rand) (end string) {
	tcp, err := net.Dial("tcp", s.addr())
	if err != nil {
		return "no server"
	}
	defer tcp.Close()
	defer context.AfterFunc(stop, func() { _ = tcp.Close() })()
	_ = tcp.SetDeadline(time.Now().Add(attackTime))
	nc := tcp
	if s.config != nil {
		nc = tls.Client(tcp, w.client)
	}
	in := bufio.NewReader(nc)
	if !a.raw {
		offer := ""
		if random.IntN(2) == 0 {
			offer = compress // or else a compressed message is one with a reserved bit
		}
		if _, err := io.WriteString(nc, opening+version+offer+"\r\n"); err != nil {
			return ending(err)
		}
		if end := status(in); end != "HTTP 101" {
			return end
		}
	}
	if _, err := io.WriteString(nc, a.send); err != nil && a.then != "" {
		return ending(err)
	}
	switch a.then {
	case hangsUp:
		return hangsUp
	case resets:
		_ = tcp.(*net.TCPConn).SetLinger(0)
		return resets
	case drips:
		for err = nil; err == nil; pause(stop, 20*time.Millisecond) {
			_, err = io.WriteString(nc, "X")
		}
	}
	if a.raw {
		return status(in)
	}
	return closing(in)
}

// status reads a response and returns its status, or how the connection has ended.
func status(in *bufio.Reader) string {
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		return ending(err)
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	}
	_ = r.Body.Close()
	return fmt.Sprintf("HTTP %d", r.StatusCode)
}

// closing reads frames to the end of the stream and returns the code of the Close
// frame, or how the connection has ended without.
func closing(in *bufio.Reader) (end string) {
	for {
		head, err := in.Peek(2)
		if err != nil {
			return ending(err)
		}
		h, n, err := frame.Parse(head)
		if err != nil || h.Length > 125 {
			return fmt.Sprintf("frame % x", head)
		}
		_, _ = in.Discard(n)
		p := make([]byte, h.Length)
		if _, err := io.ReadFull(in, p); err != nil {
			return ending(err)
		}
		if h.Opcode != frame.Close {
			if h.Opcode == frame.Pong && string(p) != flood {
				return fmt.Sprintf("pong %q", p)
			}
			continue
		}
		code, _, err := frame.ParseClose(p)
		if err != nil {
			return err.Error()
		}
		if _, err := io.Copy(io.Discard, in); err != nil && ending(err) == "time was over" {
			return ending(err)
		}
		return fmt.Sprintf("close %d", code)
	}
}

// ending says how a connection of a misbehaving client has ended.
func ending(err error) string {
	ne, ok := errors.AsType[net.Error](err)
	switch {
	case ok && ne.Timeout():
		return "time was over"
	case ok: // whatever that is called on this system
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "end"
	}
	return err.Error()
}

// bomb is a compressed message that is much larger than the limit.
func bomb() string {
	var b strings.Builder
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = w.Write(make([]byte, 4*readLimit))
	_ = w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}
