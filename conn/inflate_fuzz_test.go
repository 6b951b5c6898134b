package conn

import (
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/pipe"
	"github.com/duplexws/duplex/internal/wstest"
)

// FuzzInflateConn is FuzzConn with permessage-deflate: whatever a peer sends, messages
// and error are the same in every cut, for every way to read, whose buffers differ, and
// with cancelled reads between.
func FuzzInflateConn(f *testing.F) {
	seeds := slices.Concat(goldenCompressed(), corruptStreams())
	for i, s := range seeds {
		role := Role(i % 2)
		limit := s.limit
		if limit == 0 {
			limit = -1 // no limit
		}
		f.Add(role == Server, limit, uint64(i), s.window.Bits, s.window.NoTakeover, s.in(role).Wire)
	}
	f.Fuzz(func(t *testing.T, fromClient bool, limit int64, seed uint64, bits int, forget bool, sent []byte) {
		if limit <= 0 || limit > 1<<20 {
			limit = 1 << 20 // a bomb shall not take long
		}
		s := wstest.Stream{From: frame.Server, Limit: limit, Wire: sent}
		if fromClient {
			s.From = frame.Client
		}
		w := deflate.Window{Bits: bits, NoTakeover: forget}
		if w.Bits != 0 {
			w.Bits = min(max(bits, deflate.MinWindowBits), deflate.MaxWindowBits)
		}
		synctest.Test(t, func(t *testing.T) { fuzzInflateConn(t, s, w, rand.New(rand.NewPCG(seed, 0))) })
	})
}

func fuzzInflateConn(t *testing.T, s wstest.Stream, w deflate.Window, r *rand.Rand) {
	began := time.Now()
	start := Start{Role: s.From.Peer(), Extensions: inflateAgreed(s.From.Peer(), w)}
	want := playAs(t, start, s, wstest.Pieces(s.Wire, 1), false, messageReaders[0].read)
	size := 0
	for _, m := range want.Messages {
		size = max(size, len(m.Data))
	}
	if int64(size) > s.Limit {
		t.Errorf("a message of %d bytes, the limit is %d", size, s.Limit)
	}
	if size > 10_000 {
		return // reading that byte by byte takes long
	}
	for i, way := range inflatingWays {
		pieces := [][]byte{s.Wire}
		if i%2 == 1 {
			pieces = randomCuts(r, s.Wire)
		}
		got := playAs(t, start, s, pieces, r.IntN(2) == 0, way.read)
		want := want
		want.Messages = way.of(want.Messages)
		if diff := diff(want, got); diff != "" {
			t.Errorf("% x from the %v: byte by byte and %s differ (-bytes +other):\n%s", s.Wire, s.From, way.name, diff)
		}
	}
	if diff := diff(want, playCancelled(t, start, s, r)); diff != "" {
		t.Errorf("% x from the %v: byte by byte and cancelled reads differ (-bytes +other):\n%s", s.Wire, s.From, diff)
	}
	if passed := time.Since(began); passed > time.Minute {
		t.Errorf("that took %v", passed)
	}
}

// Several goroutines read compressed messages: each gets whole ones, every message is
// had once, and with takeover every one of them matters.
func TestInflateConcurrently(t *testing.T) {
	for _, role := range []Role{Client, Server} {
		const messages = 300
		a, b := pipe.New(0)
		c := New(a, Start{Role: role, Extensions: inflateAgreed(role, withTakeover)}, nil)
		peer := newRawPeer(t, role.Peer(), b)
		var wg sync.WaitGroup
		wg.Go(func() {
			s := newStandardSender(6)
			for i := range messages {
				body := s.message(jsonText(500, i))
				for _, f := range compressedParts(frame.Text, cutString(body, 1+len(body)/(1+i%4))...) {
					peer.send(f, pingFrame(""))
				}
			}
			peer.closeWrite()
		})
		wg.Go(func() {
			for err := error(nil); err == nil; {
				_, err = peer.next() // Pongs
			}
		})
		var mu sync.Mutex
		got := map[string]int{}
		for i := range 6 {
			wg.Go(func() {
				var err error
				for err == nil {
					var p []byte
					if i == 0 {
						var r io.ReadCloser
						if _, r, err = c.Reader(background); err == nil {
							p, err = io.ReadAll(r)
						}
					} else {
						_, p, err = readOnes[i%len(readOnes)].read(background, c)
					}
					mu.Lock()
					if err == nil {
						got[string(p)]++
					}
					mu.Unlock()
					if err == ErrReaderOpen {
						err = nil
					}
				}
				mustBe(t, err, net.ErrClosed)
			})
		}
		wg.Wait()
		for i := range messages {
			if n := got[jsonText(500, i)]; n != 1 {
				t.Errorf("message %d was had %d times", i, n)
			}
		}
		if len(got) != messages {
			t.Errorf("%d different messages, want %d", len(got), messages)
		}
		_ = c.CloseNow()
		_ = b.Close()
	}
}
