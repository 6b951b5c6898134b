//go:build linux && (amd64 || arm64)

package conn

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/duplexws/duplex/frame"
)

// newRush makes what is posted next the first of a rush.
func newRush() { theRush.n.Add(1) }

// oneProcessor keeps goroutines that the test starts from running before it waits.
func oneProcessor(t testing.TB) {
	n, gc := runtime.GOMAXPROCS(1), debug.SetGCPercent(-1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(n)
		debug.SetGCPercent(gc)
	})
}

// noLull makes a rush last until the next newRush.
func noLull(t testing.TB) {
	was := theRush.lull
	theRush.lull = time.Hour
	t.Cleanup(func() { theRush.lull = was })
}

// waiting returns how many bytes of posted messages have not left.
func waiting(c *Conn) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.posts.size
}

// postPair returns a connection over TCP and its peer, in a role, with permessage-deflate or
// without.
func postPair(t testing.TB, role Role, z *Compression) (c, peer *Conn) {
	a, b := tcpPair(t)
	o := &Options{Compression: z}
	s := Start{Role: role}
	if z != nil {
		s.Extensions = z.choose(z.offers())
	}
	c = New(a, s, o)
	s.Role = role.Peer()
	peer = New(b, s, o)
	t.Cleanup(func() { _, _ = c.CloseNow(), peer.CloseNow() })
	return c, peer
}

// Which messages have left when Post returns: the first of a rush, if it is small and
// nobody else writes.
func TestPostAtOnce(t *testing.T) {
	oneProcessor(t)
	hold := func(turn func(c *Conn) *turn) func(t *testing.T, c *Conn) func() {
		return func(t *testing.T, c *Conn) func() {
			if !turn(c).try() {
				t.Fatal("the turn is taken")
			}
			return func() { c.giveBack(turn(c)) }
		}
	}
	for _, tt := range []struct {
		name  string
		size  int
		busy  func(t *testing.T, c *Conn) (free func())
		waits bool
	}{
		{name: "empty"},
		{name: "small", size: 100},
		{name: "largest", size: maxPostedAtOnce},
		{name: "too large", size: maxPostedAtOnce + 1, waits: true},
		{name: "a message under way", size: 100, waits: true, busy: hold(func(c *Conn) *turn { return &c.messageTurn })},
		{name: "a frame under way", size: 100, waits: true, busy: hold(func(c *Conn) *turn { return &c.writeTurn })},
	} {
		for _, role := range []Role{Client, Server} {
			for _, z := range []*Compression{nil, {MinSize: -1}} {
				t.Run(fmt.Sprintf("%s, %v, compressed %v", tt.name, role, z != nil), func(t *testing.T) {
					c, peer := postPair(t, role, z)
					body := strings.Repeat("x", tt.size)
					m := prepared(t, body)
					free := func() {}
					if tt.busy != nil {
						free = tt.busy(t, c)
					}
					newRush()
					must(t, c.Post(m))
					if waits := waiting(c) > 0; waits != tt.waits {
						t.Errorf("it waits: %v, want %v", waits, tt.waits)
					}
					free()
					expectMessage(t, peer, background, Text, body)
					// Both ends have the same text in their windows then.
					other := "Once more, with a reference to what was written before."
					for range 2 {
						must(t, c.Write(background, Text, []byte(other)))
						newRush()
						must(t, c.Post(m))
						expectMessage(t, peer, background, Text, other)
						expectMessage(t, peer, background, Text, body)
					}
				})
			}
		}
	}
}

// In a rush only the first leaves at once, so that the others leave together; and gathered
// replies leave before.
func TestPostInRush(t *testing.T) {
	oneProcessor(t)
	noLull(t)
	c, peer := postPair(t, Server, nil)
	m := prepared(t, "x")
	for range 3 {
		newRush()
		var sizes []int64
		for range 4 {
			must(t, c.Post(m))
			sizes = append(sizes, waiting(c))
		}
		if diff := cmp.Diff([]int64{0, minPosted, 2 * minPosted, 3 * minPosted}, sizes); diff != "" {
			t.Errorf("bytes that wait (-want +got):\n%s", diff)
		}
		for range 4 {
			expectMessage(t, peer, background, Text, "x")
		}
		must(t, c.acquire(background, &c.messageTurn, nil)) // the batch is over
		c.releaseMessage()
	}
	served := async(func() error {
		return c.Serve(background, func(r *Replier, _ Message) error {
			must(t, r.Write(Text, []byte("reply")))
			newRush()
			return c.Post(m)
		})
	})
	must(t, peer.Write(background, Text, []byte("hello")))
	expectMessage(t, peer, background, Text, "reply")
	expectMessage(t, peer, background, Text, "x")
	_ = peer.CloseNow()
	mustBe(t, <-served, net.ErrClosed)
}

// A rush ends with a pause of any length that is longer than the lull, and only so.
func TestRush(t *testing.T) {
	r := rush{lull: time.Millisecond}
	at := r.join() // long after the zero time
	if at == 0 {
		t.Fatal("the first is in no rush")
	}
	r.last.Add(int64(time.Hour)) // the next one comes right after it
	if n := r.join(); n != at {
		t.Errorf("rush %d goes on as %d", at, n)
	}
	r.last.Add(-int64(r.lull) - 1)
	if n := r.join(); n != at+1 {
		t.Errorf("after rush %d comes %d", at, n)
	}
}

// A peer that reads nothing keeps nobody waiting: what the socket does not take, or takes
// in part, waits, up to the limit, and nothing of it is lost or mixed. A Close frame
// or a message of others comes after it.
func TestPostAtOnceToStuckPeer(t *testing.T) {
	const limit = 20_000
	a, b := narrowPair(t)
	c, p := New(a, Start{Role: Server}, &Options{PostLimit: limit}), newRawPeer(t, Client, b)
	defer c.CloseNow()
	cut := 0
	for round := range 20 {
		var want []wireFrame
		for i := 0; ; i++ {
			body := strings.Repeat(string(rune('a'+i%26)), (i*997+round*101)%maxPostedAtOnce)
			newRush()
			err := c.Post(prepared(t, body))
			if isCut(c) {
				cut++
			}
			if err != nil {
				mustBe(t, err, ErrPostLimit)
				break
			}
			want = append(want, textFrame(body))
		}
		if n := waiting(c); n > limit {
			t.Fatalf("%d bytes are waiting, of %d that may", n, limit)
		}
		written := async(func() error { return c.Write(background, Text, []byte("written")) })
		p.expect(append(want, textFrame("written"))...)
		must(t, <-written)
	}
	if cut == 0 {
		t.Error("no frame was cut")
	}
}

// What is left of a frame leaves by itself.
func TestPostAtOnceRest(t *testing.T) {
	_, p, posts := stuckPost(t)
	limit := time.AfterFunc(10*time.Second, func() { _ = p.nc.Close() })
	defer limit.Stop()
	for range posts {
		_, err := p.next()
		must(t, err)
	}
}

// What is left of a frame leaves before anything else, whoever sends that.
func TestPostAtOnceCut(t *testing.T) {
	c, p, _ := stuckPost(t)
	ping := async(func() error { _, err := c.Ping(background); return err })
	f, err := p.next()
	for ; err == nil && f.Op == frame.Text; f, err = p.next() {
		if f.Body != strings.Repeat("x", len(f.Body)) {
			t.Fatal("a frame is mixed with another")
		}
	}
	must(t, err)
	if f.Op != frame.Ping {
		t.Fatalf("%v came, want a Ping", f.Op)
	}
	_ = c.CloseNow()
	mustBe(t, <-ping, net.ErrClosed)
}

// When the connection ends, what waits is forgotten, and what is posted is refused.
func TestPostAtOnceEnded(t *testing.T) {
	c, _, _ := stuckPost(t)
	_ = c.CloseNow()
	mustBe(t, c.Post(prepared(t, "late")), net.ErrClosed)
	for waiting(c) != 0 { // what waited for the stream finds out by itself
		runtime.Gosched()
	}

	// The stream was closed below it: the next Post finds that out.
	c, _ = postPair(t, Server, nil)
	must(t, c.NetConn().Close())
	newRush()
	must(t, c.Post(prepared(t, "lost")))
	<-c.Context().Done()
	mustBe(t, c.Post(prepared(t, "late")), net.ErrClosed)
}

// Posts at once, writes, pings and the end, by many goroutines at the same time, with and
// without a loop that holds the descriptor.
func TestPostAtOnceConcurrently(t *testing.T) {
	const each = 300
	for _, z := range []*Compression{nil, {MinSize: -1}} {
		c, peer := postPair(t, Server, z)
		served := async(func() error {
			return c.Serve(background, func(r *Replier, m Message) error { return r.Write(m.Type, m.Data) })
		})
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for j := range each {
					body := bytes.Repeat([]byte{byte('a' + i)}, 1+j*7)
					newRush()
					var err error
					switch i {
					case 0, 1:
						err = c.Post(prepared(t, string(body)))
					case 2:
						err = c.Write(background, Text, body)
					default:
						err = peer.Write(background, Text, body)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		seen := [4]int{}
		for range 4 * each {
			_, p, err := peer.Read(background)
			must(t, err)
			i := p[0] - 'a'
			if want := bytes.Repeat([]byte{p[0]}, 1+seen[i]*7); !bytes.Equal(p, want) {
				t.Fatalf("message %d of %d: %d bytes", seen[i], i, len(p))
			}
			seen[i]++
		}
		all.Wait()
		for range 4 {
			all.Go(func() {
				for c.Post(prepared(t, "until the end")) == nil {
					newRush()
				}
			})
		}
		_ = c.CloseNow()
		all.Wait()
		mustBe(t, <-served, net.ErrClosed)
	}
}

// A lone message costs nothing but sending it.
func TestPostAtOnceAllocates(t *testing.T) {
	for _, z := range []*Compression{nil, {MinSize: -1, ServerNoContextTakeover: true}} {
		c, peer := postPair(t, Server, z)
		read := async(func() error { return peer.Discard(background) })
		m := prepared(t, strings.Repeat("x", 500))
		must(t, c.Post(m))
		if n := allocs(t, func() {
			newRush()
			must(t, c.Post(m))
		}); n != 0 {
			t.Errorf("a Post allocates %v times", n)
		}
		_ = peer.CloseNow()
		<-read
	}
}

// stuckPost returns a connection that has posted some frames, of which the last has left
// in part, and its peer.
func stuckPost(t testing.TB) (c *Conn, p *rawPeer, posts int) {
	oneProcessor(t)
	for range 100 {
		a, b := narrowPair(t)
		c := New(a, Start{Role: Server}, nil)
		t.Cleanup(func() { _ = c.CloseNow() })
		posts := 0
		for ; waiting(c) == 0; posts++ {
			newRush()
			must(t, c.Post(prepared(t, strings.Repeat("x", posts*997%maxPostedAtOnce))))
		}
		if isCut(c) {
			return c, newRawPeer(t, Client, b), posts
		}
		_ = c.CloseNow()
	}
	t.Fatal("no frame was cut")
	return nil, nil, 0
}

// isCut reports whether a frame has left in part, unless its rest is being sent.
func isCut(c *Conn) bool {
	if !c.writeTurn.try() {
		return false
	}
	defer c.releaseWrite()
	return c.tail != nil
}

// narrowPair is tcpPair with small buffers, but for segments of the usual size.
func narrowPair(t testing.TB) (a, b net.Conn) {
	a, b = tcpPair(t)
	must(t, a.(*net.TCPConn).SetWriteBuffer(128<<10))
	must(t, b.(*net.TCPConn).SetReadBuffer(128<<10))
	return a, b
}
