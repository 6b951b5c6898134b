package conn

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/wstest"
)

// FuzzConn shows a connection whatever bytes a peer may send. Nothing makes it panic or
// go on for ever; it ends with one of the documented errors; and messages and error
// are the same in every cut, for every way to read, and with cancelled reads between.
func FuzzConn(f *testing.F) {
	for i, s := range goldenStreams(f) {
		if len(s.Wire) < 1000 && i%sample == 0 {
			f.Add(s.From == frame.Client, s.Limit, uint64(i), s.Wire)
		}
	}
	f.Fuzz(func(t *testing.T, fromClient bool, limit int64, seed uint64, sent []byte) {
		s := wstest.Stream{From: frame.Server, Limit: limit, Wire: sent}
		if fromClient {
			s.From = frame.Client
		}
		synctest.Test(t, func(t *testing.T) { fuzzConn(t, s, rand.New(rand.NewPCG(seed, 0))) })
	})
}

func fuzzConn(t *testing.T, s wstest.Stream, r *rand.Rand) {
	start := time.Now()
	want := play(t, s, wstest.Pieces(s.Wire, 1), false, messageReaders[0].read)
	checkOutcome(t, s, want)
	check := func(how string, got outcome) {
		if diff := diff(want, got); diff != "" {
			t.Errorf("% x from the %v: byte by byte and %s differ (-bytes +other):\n%s", s.Wire, s.From, how, diff)
		}
	}
	for i, way := range messageReaders {
		check(way.name+", whole", play(t, s, [][]byte{s.Wire}, i%2 == 0, way.read))
		check(way.name+", cut", play(t, s, randomCuts(r, s.Wire), i%2 == 1, way.read))
	}
	check("cancelled reads", playCancelled(t, Start{Role: s.From.Peer()}, s, r))
	if passed := time.Since(start); passed > time.Minute {
		t.Errorf("that took %v", passed)
	}
}

// checkOutcome checks what must hold for any input.
func checkOutcome(t *testing.T, s wstest.Stream, o outcome) {
	limit := s.Limit
	if limit == 0 {
		limit = defaultReadLimit
	}
	size := 0
	for _, m := range o.Messages {
		size += len(m.Data)
		if limit >= 0 && int64(len(m.Data)) > limit {
			t.Errorf("a message of %d bytes, the limit is %d", len(m.Data), limit)
		}
		if m.Type == Text && !utf8.Valid(m.Data) || m.Type != Text && m.Type != Binary {
			t.Errorf("a %v message %q", m.Type, m.Data)
		}
	}
	if size > len(s.Wire) {
		t.Errorf("%d bytes in messages, %d were sent", size, len(s.Wire))
	}
	if (o.Close == nil) == (o.Fail == nil) {
		t.Errorf("ended with both errors or none: %v, %v", o.Close, o.Fail)
	}
	if o.Close != nil && o.Close.Code != 1005 && o.Close.Code != 1006 && !o.Close.Code.Sendable() {
		t.Errorf("ended with %v", o.Close)
	}
	for i, f := range o.Sent {
		isClose := f.Op == frame.Close
		if f.Op != frame.Pong && !isClose || isClose && i < len(o.Sent)-1 {
			t.Errorf("frame %d that was sent: %+v", i, f)
		}
		if !isClose {
			continue
		}
		code, _, err := frame.ParseClose([]byte(f.Body))
		want := o.Close
		if o.Fail != nil {
			want = &CloseError{Code: o.Fail.Violation.Code()}
		}
		if code != want.Code || err != nil {
			t.Errorf("a Close frame with %v, error %v; want %v", code, err, want.Code)
		}
	}
}

// randomCuts cuts b into pieces of random sizes.
func randomCuts(r *rand.Rand, b []byte) [][]byte {
	pieces := [][]byte{}
	most := 1 + r.IntN(40)
	for len(b) > 0 {
		n := min(r.IntN(most+1), len(b))
		pieces = append(pieces, b[:n])
		b = b[n:]
	}
	return append(pieces, nil)
}

// playCancelled is play over a stream that stays open between the pieces, with a read
// that times out after each.
func playCancelled(t *testing.T, start Start, s wstest.Stream, r *rand.Rand) outcome {
	a, b := pipe.New(-1)
	c := New(a, start, &Options{ReadLimit: s.Limit})
	p := newRawPeer(t, s.From, b)
	defer c.CloseNow()
	defer b.Close()
	var o outcome
	var err error
	pieces := randomCuts(r, s.Wire)
	for i := 0; !errors.Is(err, net.ErrClosed); i++ {
		if i < len(pieces) {
			_, _ = b.Write(pieces[i]) // if the connection has ended, that fails
		} else {
			p.closeWrite()
		}
		err = nil
		for err == nil {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			var m Message
			m.Type, m.Data, err = readOnes[r.IntN(len(readOnes))].read(ctx, c)
			if err == nil {
				m.Data = append([]byte{}, m.Data...)
				o.Messages = append(o.Messages, m)
			}
			cancel()
		}
		err = c.terminal()
	}
	// A client's connection has ended when its peer has closed the stream.
	p.closeWrite()
	<-c.Context().Done()
	o.ended(t, c, err)
	for {
		f, err := p.next()
		if err == io.EOF {
			return o
		}
		if err != nil {
			t.Fatalf("peer: %v", err)
		}
		o.Sent = append(o.Sent, f)
	}
}
