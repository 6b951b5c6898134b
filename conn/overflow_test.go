package conn

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// numbered is a message of the given size that begins with a number.
func numbered(t testing.TB, n, size int) (*Prepared, string) {
	s := fmt.Sprintf("%-*d", size, n)
	return prepared(t, s), s
}

// holdPosts has whatever is posted wait until it is called.
func holdPosts(t testing.TB, c *Conn) (release func()) {
	w, err := c.Writer(background, Text)
	must(t, err)
	return func() { must(t, w.Close()) }
}

// checkBacklog compares what waits with the numbers that are kept about it, and what is
// reported with what is wanted.
func checkBacklog(t testing.TB, c *Conn, bytes, dropped int64) {
	t.Helper()
	if b, d := c.Backlog(); b != bytes || d != dropped {
		t.Fatalf("%d bytes wait and %d messages were dropped, want %d and %d", b, d, bytes, dropped)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var waits, leaving int64
	l := c.posts.waiting()
	var last *batch
	for b := l.first; b != nil; b = b.next {
		for _, m := range b.list[b.n:] {
			waits += m.posted()
		}
		for _, m := range b.list[:b.n] {
			if m != nil {
				t.Fatal("a message is held that does not wait")
			}
		}
		leaving += b.leaving
		last = b
	}
	if waits != l.waits || c.err == nil && waits+leaving != c.posts.size {
		t.Fatalf("%d bytes wait and %d are leaving; noted are %d and %d in all", waits, leaving, l.waits, c.posts.size)
	}
	if l.grows != nil && l.grows != last {
		t.Fatal("a batch grows that is not the last")
	}
	if limit := c.settings.postLimit; limit >= 0 && c.posts.size > limit {
		t.Fatalf("%d bytes are held, of %d that may", c.posts.size, limit)
	}
}

// What becomes of twelve messages if there is room for ten.
func TestOverflow(t *testing.T) {
	for _, tc := range []struct {
		name        string
		policy      Overflow
		err         error // of the eleventh and twelfth
		first, last int   // that arrive
		dropped     int64
	}{
		{"fail", OverflowFail, ErrPostLimit, 0, 9, 0},
		{"drop", OverflowDrop, nil, 0, 9, 2},
		{"drop the oldest", OverflowDropOldest, nil, 2, 11, 2},
		{"no such policy", 77, ErrPostLimit, 0, 9, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rawTest(t, &Options{PostLimit: 1000, PostOverflow: tc.policy}, func(t *testing.T, c *Conn, p *rawPeer) {
				checkBacklog(t, c, 0, 0)
				release := holdPosts(t, c)
				want := []wireFrame{textFrame("")}
				for i := range 12 {
					m, s := numbered(t, i, 100)
					err := c.Post(m)
					if i < 10 {
						must(t, err)
						checkBacklog(t, c, int64(100*(i+1)), 0)
					} else if err != tc.err {
						t.Errorf("message %d: error %v, want %v", i, err, tc.err)
					}
					if tc.first <= i && i <= tc.last {
						want = append(want, textFrame(s))
					}
				}
				checkBacklog(t, c, 1000, tc.dropped)
				big, _ := numbered(t, 12, 1001)
				mustBe(t, c.Post(big), ErrPostLimit) // whatever the policy
				checkBacklog(t, c, 1000, tc.dropped)
				release()
				p.expect(want...)
				synctest.Wait()
				checkBacklog(t, c, 0, tc.dropped)
				must(t, c.Post(prepared(t, "goes on")))
				p.expect(textFrame("goes on"))
				_ = c.CloseNow()
				mustBe(t, c.Post(big), net.ErrClosed)
				checkBacklog(t, c, 0, tc.dropped)
			})
		})
	}
}

// A message that has begun to leave is not dropped, and those that wait are not dropped in
// vain.
func TestOverflowLeaving(t *testing.T) {
	rawTestSize(t, &Options{PostLimit: 1000, PostOverflow: OverflowDropOldest}, 10, func(t *testing.T, c *Conn, p *rawPeer) {
		var want []wireFrame
		post := func(n, size int, bytes, dropped int64) {
			t.Helper()
			m, s := numbered(t, n, size)
			must(t, c.Post(m))
			synctest.Wait()
			checkBacklog(t, c, bytes, dropped)
			want = append(want, textFrame(s))
		}
		post(0, 800, 800, 0)
		post(1, 100, 900, 0)
		post(2, 300, 900, 1) // there is no room for it whatever is dropped
		post(3, 150, 950, 2) // takes the place of the one that waits
		post(4, 50, 1000, 2)
		post(5, 8, 858, 3)
		p.expect(want[0], want[4], want[5])
		synctest.Wait()
		checkBacklog(t, c, 0, 3)
	})
}

// The policies do what is written here in few words, for any sizes, also if others write in
// between or come and go.
func TestOverflowModel(t *testing.T) {
	const limit = 1000
	type entry struct {
		text    string
		written bool // by Write, so that it does not count
	}
	for seed := range uint64(60) {
		policy := []Overflow{OverflowFail, OverflowDrop, OverflowDropOldest}[seed%3]
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			c, p := newRaw(t, Role(seed%2), &Options{PostLimit: limit, PostOverflow: policy})
			defer p.nc.Close()
			defer c.CloseNow()
			release := holdPosts(t, c)
			var model []entry
			var size, dropped int64
			var all sync.WaitGroup
			post := func(i int) {
				m, s := numbered(t, i, 4+rnd.IntN(400)*rnd.IntN(4))
				n := m.posted()
				err := c.Post(m)
				fits := size+n <= limit
				if n > limit || !fits && policy == OverflowFail {
					mustBe(t, err, ErrPostLimit)
					return
				}
				must(t, err)
				if !fits && policy == OverflowDrop {
					dropped++
					return
				}
				for j := 0; size+n > limit; {
					if model[j].written {
						j++
						continue
					}
					size -= max(int64(len(model[j].text)), minPosted)
					dropped++
					model = append(model[:j:j], model[j+1:]...)
				}
				size += n
				model = append(model, entry{s, false})
			}
			for i := range 300 {
				switch rnd.IntN(10) {
				case 0: // somebody writes
					s := fmt.Sprint("written ", i)
					all.Go(func() { must(t, c.Write(background, Text, []byte(s))) })
					model = append(model, entry{s, true})
				case 1: // or thinks better of it, and something was posted meanwhile
					ctx, cancel := context.WithCancel(background)
					all.Go(func() {
						if err := c.Write(ctx, Text, nil); !errors.Is(err, context.Canceled) {
							t.Error(err)
						}
					})
					synctest.Wait()
					post(i)
					cancel()
				default:
					post(i)
				}
				synctest.Wait()
				checkBacklog(t, c, size, dropped)
			}
			release()
			p.expect(textFrame(""))
			for _, e := range model {
				p.expect(textFrame(e.text))
			}
			all.Wait()
			synctest.Wait()
			checkBacklog(t, c, 0, dropped)
		})
	}
}

// Of a feed a receiver that is too slow gets a part, in order, with the latest in it; each
// message is sent, dropped or waits. And others write all the time.
func TestOverflowFeed(t *testing.T) {
	for seed := range uint64(12) {
		var z *Compression
		if seed%2 == 1 {
			z = &Compression{MinSize: -1}
		}
		o := &Options{PostLimit: 5000, PostOverflow: OverflowDropOldest, Compression: z}
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			server, client := newPair(t, o, 3000)
			const posts = 500
			var written, posted sync.WaitGroup
			posted.Go(func() {
				for i := range posts {
					size := 8 + rnd.IntN(100)*rnd.IntN(30)
					if i == posts-1 {
						size = 8 // for which room can be made
					}
					m, _ := numbered(t, i, size)
					must(t, server.Post(m))
					if b, _ := server.Backlog(); b > 5000 {
						t.Errorf("%d bytes wait", b)
					}
					if i%20 == 0 {
						written.Go(func() { must(t, server.Write(background, Binary, nil)) })
					}
					if rnd.IntN(3) == 0 {
						time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
					}
				}
			})
			last, seen, empty := -1, int64(0), 0
			for last < posts-1 {
				typ, p, err := client.Read(background)
				must(t, err)
				if typ == Binary {
					empty++
					continue
				}
				n := -1
				if _, err := fmt.Sscan(string(p), &n); err != nil || n <= last || strings.TrimSpace(string(p)) != fmt.Sprint(n) {
					t.Fatalf("after %d came %.20q", last, p)
				}
				last = n
				seen++
				time.Sleep(time.Duration(seed) * time.Millisecond)
			}
			posted.Wait()
			for ; empty < posts/20; empty++ {
				expectMessage(t, client, background, Binary, "")
			}
			written.Wait()
			synctest.Wait()
			checkBacklog(t, server, 0, posts-seen)
		})
	}
}

// newPair returns both ends of a connection over a pipe of the given size.
func newPair(t testing.TB, o *Options, size int) (server, client *Conn) {
	server, p := newRawSize(t, Server, o, size)
	s := Start{Role: Client}
	if z := o.Compression; z != nil {
		_ = server.CloseNow()
		server, p = newRawSize(t, Server, nil, size)
		s.Extensions = z.choose(z.offers())
		server = New(server.nc, Start{Role: Server, Extensions: s.Extensions}, o)
	}
	client = New(p.nc, s, o)
	t.Cleanup(func() { _, _ = client.CloseNow(), server.CloseNow() })
	return server, client
}

// The connection of a receiver that is too slow ends, without anybody waiting for it: with
// a Close frame if the peer takes what is on its way, and in bounded time if not.
func TestOverflowClose(t *testing.T) {
	for _, tc := range []struct {
		name  string
		pause time.Duration // until the peer goes on reading
		told  bool
	}{
		{"the peer goes on at once", 0, true},
		{"the peer goes on in time", closeTime - time.Millisecond, true},
		{"the peer does not go on", time.Hour, false},
	} {
		for _, reads := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, with a reader %v", tc.name, reads), func(t *testing.T) {
				rawTestSize(t, &Options{PostLimit: 1000, PostOverflow: OverflowClose}, 50, func(t *testing.T, c *Conn, p *rawPeer) {
					var read <-chan error
					if reads {
						read = async(func() error { return c.Discard(background) })
					}
					start := time.Now()
					m, s := numbered(t, 0, 100)
					for range 10 {
						must(t, c.Post(m))
					}
					synctest.Wait()
					for range 3 {
						mustBe(t, c.Post(m), ErrPostLimit, net.ErrClosed)
					}
					written := async(func() error { return c.Write(background, Text, nil) })
					checkClosed := func() {
						t.Helper()
						if b, d := c.Backlog(); b != 0 || d != 0 {
							t.Errorf("%d bytes wait, %d messages were dropped", b, d)
						}
					}
					checkClosed()
					if took := time.Since(start); took != 0 {
						t.Errorf("it took %v", took)
					}
					if tc.told {
						time.Sleep(tc.pause)
						var frames []wireFrame
						for f, err := p.next(); err == nil; f, err = p.next() {
							frames = append(frames, f)
						}
						n := max(len(frames)-1, 1) // that were on their way
						want := append(slices.Repeat([]wireFrame{textFrame(s)}, n), closeFrame(StatusTryAgainLater, slowReason))
						if diff := cmp.Diff(want, frames); diff != "" || n > 4 {
							t.Errorf("frames (-want +got):\n%s", diff)
						}
					}
					<-c.Context().Done()
					if took := time.Since(start); took > closeTime+2*failTime {
						t.Errorf("the connection ended after %v", took)
					}
					mustBe(t, context.Cause(c.Context()), ErrPostLimit)
					mustBe(t, c.Post(m), ErrPostLimit, net.ErrClosed)
					checkClosed()
					mustBe(t, <-written, ErrPostLimit, net.ErrClosed)
					if reads {
						mustBe(t, <-read, ErrPostLimit, net.ErrClosed)
					}
				})
			})
		}
	}
}

// Of a broadcast a connection whose peer reads nothing misses a part or ends; the others get
// all of it, and nobody waits.
func TestOverflowBroadcast(t *testing.T) {
	const conns, rounds = 300, 50
	for _, policy := range []Overflow{OverflowFail, OverflowDrop, OverflowDropOldest, OverflowClose} {
		synctest.Test(t, func(t *testing.T) {
			var cs []*Conn
			var all sync.WaitGroup
			for i := range conns {
				c, p := newRawSize(t, Role(i%2), &Options{PostLimit: 1000, PostOverflow: policy}, 200)
				defer p.nc.Close()
				defer c.CloseNow()
				cs = append(cs, c)
				if i == 0 {
					continue // reads nothing
				}
				all.Go(func() {
					for j := range rounds {
						_, s := numbered(t, j, 100)
						p.expect(textFrame(s))
					}
				})
			}
			start := time.Now()
			for j := range rounds {
				m, _ := numbered(t, j, 100)
				for i, c := range cs {
					if err := c.Post(m); err != nil && i > 0 {
						t.Errorf("connection %d: %v", i, err)
					}
				}
				synctest.Wait() // the others have taken it
			}
			all.Wait()
			if took := time.Since(start); took != 0 {
				t.Errorf("the broadcast took %v", took)
			}
			bytes, dropped := cs[0].Backlog()
			if want := int64(1000); policy != OverflowClose && bytes != want {
				t.Errorf("%d bytes wait, want %d", bytes, want)
			}
			// Two of 100 bytes and a header are on the wire, or nearly; ten count.
			if drops := policy == OverflowDrop || policy == OverflowDropOldest; drops != (dropped > rounds-15) {
				t.Errorf("%d messages were dropped", dropped)
			}
		})
	}
}

// Whatever is posted to a peer that reads nothing, the connection holds what the limit
// allows, and no goroutine for what it has dropped.
func TestOverflowMemory(t *testing.T) {
	const limit = 64 << 10
	rawTestSize(t, &Options{PostLimit: limit, PostOverflow: OverflowDropOldest, WriteTimeout: -1}, 10, func(t *testing.T, c *Conn, _ *rawPeer) {
		m := prepared(t, strings.Repeat("x", 1000))
		for range 100 {
			must(t, c.Post(m))
		}
		synctest.Wait()
		goroutines, memory := runtime.NumGoroutine(), heap()
		for i := range 20_000 {
			m, _ := numbered(t, i, 1000)
			must(t, c.Post(m))
			if i%10 > 0 {
				continue
			}
			ctx, cancel := context.WithTimeout(background, time.Millisecond)
			if err := c.Write(ctx, Text, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			cancel()
		}
		synctest.Wait()
		if n := runtime.NumGoroutine(); n > goroutines+5 {
			t.Errorf("%d goroutines, and %d before", n, goroutines)
		}
		if n := heap(); n > memory+2*limit {
			t.Errorf("%d bytes more are held", n-memory)
		}
		// Each a batch of its own, with somebody between any two.
		stop := make(chan struct{})
		ctx, cancel := context.WithCancel(background)
		go func() { <-stop; cancel() }()
		var all sync.WaitGroup
		for i := range 500 {
			m, _ := numbered(t, i, 1000)
			must(t, c.Post(m))
			all.Go(func() { _ = c.Write(ctx, Text, nil) })
			synctest.Wait()
		}
		if n := runtime.NumGoroutine(); n > goroutines+500+limit/1000+5 {
			t.Errorf("%d goroutines, and %d before", n, goroutines)
		}
		close(stop)
		all.Wait()
		bytes, _ := c.Backlog()
		if bytes > limit || bytes < limit-1000 {
			t.Errorf("%d bytes wait", bytes)
		}
	})
}

// A Post that waits or drops allocates nothing.
func TestOverflowAllocates(t *testing.T) {
	for _, policy := range []Overflow{OverflowFail, OverflowDrop, OverflowDropOldest} {
		c, p := newRaw(t, Server, &Options{PostLimit: 10_000, PostOverflow: policy})
		t.Cleanup(func() { _, _ = c.CloseNow(), p.nc.Close() })
		_ = holdPosts(t, c)
		m := prepared(t, strings.Repeat("x", 100))
		for range 300 {
			_ = c.Post(m)
		}
		if n := allocs(t, func() { _ = c.Post(m) }); n != 0 {
			t.Errorf("policy %d: Post allocates %v times", policy, n)
		}
	}
}

// Many post, write and look at the backlog at once, over TCP, while messages are dropped;
// what arrives is whole and in order, and the end is an end for all.
func TestOverflowConcurrently(t *testing.T) {
	for _, policy := range []Overflow{OverflowDropOldest, OverflowDrop, OverflowClose} {
		a, b := tcpPair(t)
		c, peer := New(a, Start{Role: Server}, &Options{PostLimit: 3000, PostOverflow: policy}), New(b, Start{Role: Client}, nil)
		const each = 400
		var all sync.WaitGroup
		var failed sync.Map
		for i := range 4 {
			all.Go(func() {
				for j := range each {
					m, _ := numbered(t, i*each+j, 8+j*7%1500)
					if i > 0 {
						if err := c.Post(m); err != nil {
							failed.Store(i, err)
							return
						}
						c.Backlog()
						continue
					}
					ctx, cancel := context.WithTimeout(background, time.Millisecond)
					err := c.Write(ctx, Text, m.data)
					cancel()
					if err != nil && c.terminal() != nil {
						return
					}
				}
			})
		}
		read := async(func() error {
			last := [4]int{-1, -1, -1, -1}
			for {
				_, p, err := peer.Read(background)
				if err != nil {
					return err
				}
				n := -1
				_, err = fmt.Sscan(string(p), &n)
				if i, j := n/each, n%each; err != nil || j <= last[i] || len(p) != 8+j*7%1500 {
					return fmt.Errorf("after %v came %.20q", last, p)
				} else {
					last[i] = j
				}
			}
		})
		all.Wait()
		failed.Range(func(_, err any) bool {
			if err := err.(error); policy != OverflowClose && c.terminal() == nil || !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			return true
		})
		go func() { _ = c.Close(background, StatusNormalClosure, "") }()
		if err := <-read; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		_, _ = peer.CloseNow(), c.CloseNow()
	}
}
