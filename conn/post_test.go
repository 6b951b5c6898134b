package conn

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func prepared(t testing.TB, s string) *Prepared {
	t.Helper()
	m, err := Prepare(Text, []byte(s))
	must(t, err)
	return m
}

// What is posted arrives, in order, compressed or not, from both roles.
func TestPost(t *testing.T) {
	for _, o := range []*Options{nil, {Compression: &Compression{MinSize: -1}}} {
		synctest.Test(t, func(t *testing.T) {
			client, server := Pipe(o, o)
			defer client.CloseNow()
			defer server.CloseNow()
			for _, ends := range [][2]*Conn{{client, server}, {server, client}} {
				go func() {
					for i := range 300 {
						must(t, ends[0].Post(prepared(t, fmt.Sprint(i, strings.Repeat("x", i*i%2000)))))
						if i%50 == 0 {
							must(t, ends[0].Write(background, Text, []byte("written")))
						}
					}
				}()
				for i := range 300 {
					expectMessage(t, ends[1], background, Text, fmt.Sprint(i, strings.Repeat("x", i*i%2000)))
					if i%50 == 0 {
						expectMessage(t, ends[1], background, Text, "written")
					}
				}
			}
		})
	}
}

// A call has its turn after those that came before, whichever they are.
func TestPostOrder(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		w, err := c.Writer(background, Text)
		must(t, err)
		var all sync.WaitGroup
		var want []wireFrame
		for i := range 5 {
			for range 3 {
				must(t, c.Post(prepared(t, fmt.Sprint("post ", i))))
				want = append(want, textFrame(fmt.Sprint("post ", i)))
			}
			all.Go(func() { must(t, c.Write(background, Text, []byte(fmt.Sprint("write ", i)))) })
			want = append(want, textFrame(fmt.Sprint("write ", i)))
			synctest.Wait()
		}
		must(t, c.Post(prepared(t, "last")))
		must(t, w.Close())
		p.expect(textFrame(""))
		p.expect(append(want, textFrame("last"))...)
		all.Wait()
	})
}

// What waits leaves together, with any limit or none.
func TestPostsLeaveTogether(t *testing.T) {
	for _, limit := range []int64{0, 10_000, -1, math.MinInt64} {
		a, b := tcpPair(t)
		counted := &writeCounter{Conn: a}
		c, p := New(counted, Start{Role: Server}, &Options{PostLimit: limit}), newRawPeer(t, Client, b)
		defer c.CloseNow()
		w, err := c.Writer(background, Text)
		must(t, err)
		want := []wireFrame{textFrame("")}
		for i := range 100 {
			must(t, c.Post(prepared(t, fmt.Sprint(i))))
			want = append(want, textFrame(fmt.Sprint(i)))
		}
		must(t, w.Close())
		p.expect(want...)
		if n := counted.writes.Load(); n != 2 {
			t.Errorf("PostLimit %d: an empty message and 100 posts left in %d writes, want 2", limit, n)
		}
	}
}

// Post never waits: a receiver that takes nothing costs the others nothing, and holds no
// more than the limit.
func TestPostLimit(t *testing.T) {
	for _, limit := range []int64{1000, -1} {
		synctest.Test(t, func(t *testing.T) {
			a, b := newRawSize(t, Server, &Options{PostLimit: limit}, 100)
			defer b.nc.Close()
			defer a.CloseNow()
			m := prepared(t, strings.Repeat("x", 100))
			sent := 0
			for range 50 {
				err := a.Post(m)
				if err != nil {
					mustBe(t, err, ErrPostLimit)
					break
				}
				sent++
			}
			if want := map[int64]int{1000: 10, -1: 50}[limit]; sent != want {
				t.Fatalf("limit %d: %d messages were taken, want %d", limit, sent, want)
			}
			for range sent {
				b.expect(textFrame(strings.Repeat("x", 100)))
			}
			synctest.Wait()
			must(t, a.Post(prepared(t, "goes on")))
			b.expect(textFrame("goes on"))
			synctest.Wait()
			a.mu.Lock()
			defer a.mu.Unlock()
			if b := a.posts.waiting(); a.posts.size != 0 || *b != (backlog{}) {
				t.Errorf("%d bytes are left, %+v", a.posts.size, b)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c, p := newRaw(t, Server, &Options{PostLimit: 10})
		defer p.nc.Close()
		defer c.CloseNow()
		mustBe(t, c.Post(prepared(t, "eleven byte")), ErrPostLimit)
		must(t, c.Post(prepared(t, "ten bytes.")))
		p.expect(textFrame("ten bytes."))
	})
}

// Close leaves what was posted before it its turn, and nothing can be posted after it.
func TestPostAndClose(t *testing.T) {
	rawTest(t, nil, func(t *testing.T, c *Conn, p *rawPeer) {
		var want []wireFrame
		for i := range 10 {
			must(t, c.Post(prepared(t, fmt.Sprint(i))))
			want = append(want, textFrame(fmt.Sprint(i)))
		}
		closed := goClose(c, background)
		p.expect(append(want, closeFrame(StatusNormalClosure, ""))...)
		mustBe(t, c.Post(prepared(t, "late")), net.ErrClosed)
		p.send(closeFrame(StatusNormalClosure, ""))
		p.closeWrite()
		must(t, <-closed)
		for range 2 {
			mustBe(t, c.Post(prepared(t, "late")), net.ErrClosed)
		}
	})
}

// Close leaves what was posted 250 ms; what has begun to leave is sent in any case.
func TestCloseOvertakesPosts(t *testing.T) {
	for _, tc := range []struct {
		wait time.Duration // until the peer begins to read
		want int           // messages
	}{
		{0, 3},
		{failTime - time.Millisecond, 3},
		{failTime + time.Millisecond, 1},
		{time.Second, 1},
	} {
		t.Run(tc.wait.String(), func(t *testing.T) {
			rawTestSize(t, nil, 100, func(t *testing.T, c *Conn, p *rawPeer) {
				body := strings.Repeat("x", maxGathered+1)
				for range 3 {
					must(t, c.Post(prepared(t, body)))
				}
				closed := goClose(c, background)
				<-time.After(tc.wait)
				for range tc.want {
					p.expect(textFrame(body))
				}
				p.expect(closeFrame(StatusNormalClosure, ""))
				p.send(closeFrame(StatusNormalClosure, ""))
				p.closeWrite()
				must(t, <-closed)
			})
		})
	}
}

// The end of a connection ends what waits for it.
func TestPostsEndWithTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newRawSize(t, Server, nil, 100)
		defer p.nc.Close()
		for range 20 {
			must(t, c.Post(prepared(t, strings.Repeat("x", 1000))))
			go func() { _ = c.Write(background, Text, []byte("waits")) }()
		}
		synctest.Wait()
		_ = c.CloseNow()
		synctest.Wait()
		mustBe(t, c.Post(prepared(t, "late")), net.ErrClosed)
	})
	rawTest(t, nil, func(t *testing.T, c *Conn, _ *rawPeer) {
		mustBe(t, c.Post(nil), ErrMessageType)
		mustBe(t, c.Post(new(Prepared)), ErrMessageType)
	})
}

// One message to many connections, some of which take nothing.
func TestBroadcast(t *testing.T) {
	const conns, rounds = 200, 20
	synctest.Test(t, func(t *testing.T) {
		var cs []*Conn
		var all sync.WaitGroup
		for i := range conns {
			c, p := newRawSize(t, Server, nil, 500)
			defer p.nc.Close()
			defer c.CloseNow()
			cs = append(cs, c)
			if i%10 == 0 {
				continue // is stuck
			}
			all.Go(func() {
				for j := range rounds {
					p.expect(textFrame(strings.Repeat(string(rune('a'+j)), 100)))
				}
			})
		}
		for j := range rounds {
			m := prepared(t, strings.Repeat(string(rune('a'+j)), 100))
			for _, c := range cs {
				must(t, c.Post(m))
			}
		}
		all.Wait()
	})
}

// A lone message leaves at once: the best of many tries is far below a millisecond.
func TestPostLatency(t *testing.T) {
	a, b := tcpPair(t)
	c := New(a, Start{Role: Server}, nil)
	defer c.CloseNow()
	m := prepared(t, "now")
	best := time.Duration(math.MaxInt64)
	buf := make([]byte, 100)
	for range 200 {
		begun := time.Now()
		must(t, c.Post(m))
		if _, err := b.Read(buf); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(begun))
	}
	if best > time.Millisecond {
		t.Errorf("%v at best", best)
	}
}

// Many goroutines post, write and stream at once; nothing mixes and nothing is lost.
func TestPostConcurrently(t *testing.T) {
	const each = 50
	a, b := tcpPair(t)
	c, peer := New(a, Start{Role: Server}, nil), New(b, Start{Role: Client}, nil)
	defer c.CloseNow()
	defer peer.CloseNow()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range each {
				body := bytes.Repeat([]byte{byte('a' + i)}, 1+j*97)
				var err error
				switch i {
				case 0, 1:
					var m *Prepared
					if m, err = Prepare(Text, body); err == nil {
						err = c.Post(m)
					}
				case 2:
					err = c.Write(background, Text, body)
				default:
					err = streamed(c, body)
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
		if want := bytes.Repeat([]byte{p[0]}, 1+seen[i]*97); !bytes.Equal(p, want) {
			t.Fatalf("message %d of goroutine %d: %d bytes", seen[i], i, len(p))
		}
		seen[i]++
	}
	all.Wait()
}

// streamed sends a message in pieces.
func streamed(c *Conn, p []byte) error {
	w, err := c.Writer(context.Background(), Text)
	if err != nil {
		return err
	}
	for len(p) > 0 {
		n := min(len(p), 1000)
		if _, err := w.Write(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return w.Close()
}

// Messages without a byte are bounded too.
func TestPostLimitOfEmptyMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newRawSize(t, Server, &Options{PostLimit: 1000}, 10)
		defer p.nc.Close()
		defer c.CloseNow()
		m := prepared(t, "")
		for range 1000 {
			if err := c.Post(m); err != nil {
				mustBe(t, err, ErrPostLimit)
				return
			}
		}
		t.Error("nothing bounds how many empty messages wait")
	})
}

// A peer that does not take what is posted keeps nobody from reading what it sends: it may
// be waiting for that.
func TestPostLeavesReadersAlone(t *testing.T) {
	for name, read := range map[string]func(ctx context.Context, c *Conn) error{
		"Read": func(ctx context.Context, c *Conn) error { _, _, err := c.Read(ctx); return err },
		"Serve": func(ctx context.Context, c *Conn) error {
			if err := c.Serve(ctx, func(*Replier, Message) error { return errEnough }); err != errEnough {
				return err
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			rawTestSize(t, nil, 50, func(t *testing.T, c *Conn, p *rawPeer) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				for range 3 {
					must(t, c.Post(prepared(t, large[:100])))
					synctest.Wait() // it has left in part
					p.send(textFrame("first"))
					must(t, read(ctx, c))
				}
				for range 3 {
					p.expect(textFrame(large[:100]))
				}
			})
		})
	}
}

// Small messages are taken together, but no more than are gathered and a quarter of PostLimit.
func TestNextPosted(t *testing.T) {
	for _, tc := range []struct {
		name  string
		limit int64
		sizes []int
		want  []int // how many are taken at once
	}{
		{"no limit", -1, slices.Repeat([]int{8}, 35), []int{16, 16, 3}},
		{"as large as what is gathered", -1, []int{maxGathered, 8}, []int{1, 1}},
		{"together as large", -1, []int{maxGathered / 2, maxGathered / 2, 8}, []int{2, 1}},
		{"a quarter of the limit", 128, []int{16, 16, 8, 24, 16}, []int{2, 2, 1}},
		{"more than a quarter", 128, []int{100, 100, 16, 16}, []int{1, 1, 2}},
		{"empty ones count", 64, []int{0, 0, 0, 0, 0}, []int{2, 2, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := Pipe(&Options{PostLimit: tc.limit}, nil)
			defer func() { _ = c.CloseNow() }()
			b := new(batch)
			c.mu.Lock()
			for _, size := range tc.sizes {
				m, err := Prepare(Binary, make([]byte, size))
				must(t, err)
				b.add(m)
				c.posts.size += m.posted()
				c.posts.waiting().waits += m.posted()
			}
			c.mu.Unlock()
			var got []int
			var room [16]*Prepared
			for list := c.nextPosted(b, room[:0]); len(list) > 0; list = c.nextPosted(b, room[:0]) {
				got = append(got, len(list))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if bytes, _ := c.Backlog(); bytes != 0 || c.posts.backlog.waits != 0 {
				t.Errorf("%d bytes are left, %d wait", bytes, c.posts.backlog.waits)
			}
		})
	}
}
