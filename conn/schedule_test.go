package conn

import (
	"context"
	"crypto/tls"
	"flag"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/duplexws/duplex/internal/pipe"
)

// By default TestSchedule takes a few seconds. For more, or one again that has failed:
//
//	go test -run TestSchedule -schedule.rounds 100000 -timeout 1h
//	go test -run TestSchedule -schedule.rounds 1 -schedule.seed 4711
var (
	scheduleSeed   = flag.Uint64("schedule.seed", 1, "seed of the first schedule of TestSchedule")
	scheduleRounds = flag.Uint64("schedule.rounds", 300/sample, "schedules of TestSchedule in fake time; over TCP it is half as many, over TLS one in 20")
)

// Two connections, and on both sides several goroutines that do whatever a program may do,
// until one of many endings. Messages do not mix, none comes twice or is changed, those of
// calls that came one after the other arrive in that order, none is lost before the end,
// nothing comes of calls that were refused, every call returns, with an error that says why,
// and nothing is left of the connection.
func TestSchedule(t *testing.T) {
	t.Run("pipe", func(t *testing.T) {
		for i := range *scheduleRounds {
			runInBubble(t, *scheduleSeed+i, planOf(*scheduleSeed+i))
		}
	})
	config := selfSigned(t)
	for _, stream := range []struct {
		name  string
		every uint64
		pair  func(t *testing.T) (client, server net.Conn)
	}{
		{"TCP", 2, func(t *testing.T) (client, server net.Conn) { return tcpPair(t) }},
		{"TLS", 20, func(t *testing.T) (client, server net.Conn) {
			client, server = tcpPair(t)
			c, s := tls.Client(client, &tls.Config{InsecureSkipVerify: true}), tls.Server(server, config)
			shaken := async(s.Handshake)
			must(t, c.Handshake())
			must(t, <-shaken)
			return c, s
		}},
	} {
		t.Run(stream.name, func(t *testing.T) {
			for i := uint64(0); i < *scheduleRounds; i += stream.every {
				client, server := stream.pair(t)
				newSchedule(planOf(*scheduleSeed+i), client, server, false).run(t, *scheduleSeed+i)
				_ = client.Close()
				_ = server.Close()
			}
		})
	}
}

// planOf returns the plan that a seed makes.
func planOf(seed uint64) *plan { return newPlan(rand.New(rand.NewPCG(seed, 0))) }

// runInBubble runs a plan over a pipe, in fake time.
func runInBubble(t *testing.T, seed uint64, p *plan) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe.New(p.capacity)
		newSchedule(p, a, b, true).run(t, seed)
	})
}

// schedule is one run of a plan.
type schedule struct {
	*plan
	fake    bool // time is
	ledger  *ledger
	sides   [2]*scheduleSide // client and server
	ending  atomic.Bool      // the end has begun
	senders sync.WaitGroup
	all     sync.WaitGroup
	workers []*worker
	quick   bool // the end took no longer than readers have to come back
}

// scheduleSide is one of the connections.
type scheduleSide struct {
	c      *Conn
	reader chan struct{} // taken by the one who uses Reader
}

// patience is how long a plan may take, in fake and in real time.
const (
	fakePatience = time.Hour
	realPatience = time.Minute
)

func newSchedule(p *plan, client, server net.Conn, fake bool) *schedule {
	o := &Options{Compression: p.compression, KeepAlive: p.keepAlive, PostLimit: p.postLimit, NoGathering: p.noGathering}
	if !fake {
		o.KeepAlive = 0 // a second is not long where others want the processor
	}
	start := Start{Extensions: p.compression.choose(p.compression.offers())}
	y := &schedule{plan: p, fake: fake, ledger: newLedger()}
	for i, nc := range []net.Conn{client, server} {
		start.Role = Role(i)
		y.sides[i] = &scheduleSide{New(nc, start, o), make(chan struct{}, 1)}
	}
	return y
}

// run carries the plan out and fails the test if anything is wrong.
func (y *schedule) run(t *testing.T, seed uint64) {
	t.Helper()
	for side, list := range y.plan.workers {
		for i, s := range list {
			w := &worker{schedule: y, scheduleSide: y.sides[side], routine: s, sender: side*perSide + i, journal: journal{side: side}}
			y.workers = append(y.workers, w)
			y.all.Add(1)
			if s.sends {
				y.senders.Add(1)
			}
			go w.run()
		}
	}
	over := async(func() bool {
		y.end()
		y.all.Wait()
		return true
	})
	limit := realPatience
	if y.fake {
		limit = fakePatience
	}
	select {
	case <-over:
		if y.fake {
			synctest.Wait()
		}
		y.settle()
	case <-time.After(limit):
		for _, w := range y.workers {
			if at := w.at.Load(); at != nil {
				y.ledger.fault("sender %d does not return from %s", w.sender, *at)
			}
		}
		stacks := make([]byte, 1<<20)
		y.ledger.fault("%s", stacks[:runtime.Stack(stacks, true)])
	}
	if faults := y.ledger.faults; len(faults) > 0 {
		for _, s := range y.sides {
			_ = s.c.nc.Close()
		}
		t.Fatalf("-schedule.seed %d, fake %v, end by %s of side %d:\n%s", seed, y.fake, y.plan.ending.how, y.plan.ending.side, strings.Join(faults, "\n"))
	}
}

// wait lets time pass, or others have their turn. Real time is short.
func (y *schedule) wait(d time.Duration) {
	switch d = y.scale(d); d {
	case 0:
		runtime.Gosched()
	default:
		<-time.After(d)
	}
}

func (y *schedule) scale(d time.Duration) time.Duration {
	if !y.fake {
		d /= 100
	}
	return d
}

// end ends the connection as the plan has it.
func (y *schedule) end() {
	e := y.plan.ending
	if e.late {
		y.senders.Wait()
	} else {
		y.wait(e.at)
	}
	c, peer := y.sides[e.side].c, y.sides[1-e.side].c
	var posted [2]bool // what was posted leaves before the end
	if e.late && y.fake {
		// Close sees to it itself, unless that takes long or the other side closes first.
		posted = [2]bool{true, true}
		for side, of := range y.sides {
			for (side != e.side || y.pauses || e.how == endBothClose) && of.posts() > 0 {
				y.wait(time.Millisecond)
			}
		}
	}
	if posted[e.side] && e.how == endClose {
		y.postLast(c)
	}
	y.ending.Store(true)
	begun := time.Now()
	y.ledger.expect(posted)
	switch e.how {
	case endClose:
		y.closed(c.Close(background, StatusNormalClosure, "enough"))
	case endBothClose:
		other := async(func() error { return peer.Close(background, StatusGoingAway, "both") })
		y.closed(c.Close(background, StatusNormalClosure, "enough"))
		y.closed(<-other)
	case endCutClose:
		ctx, cancel := context.WithTimeout(background, y.scale(e.life))
		_ = c.Close(ctx, StatusNormalClosure, "enough")
		cancel()
	case endCloseNow:
		y.closed(c.CloseNow())
	case endLost:
		_ = c.nc.Close()
	case endFailure:
		c.SetReadLimit(1)
		_ = peer.Write(background, Binary, []byte("large"))
	}
	y.quick = time.Since(begun) < readerGrace
}

// postLast posts what a Close that follows at once has to wait for.
func (y *schedule) postLast(c *Conn) {
	for range 3 {
		p := y.ledger.begin(y.plan.ending.side*perSide+perSide-1, 5000, Binary)
		m := &Prepared{t: p.kind, data: p.payload()}
		p.posted = true
		y.ledger.outcome(p, c.Post(m))
	}
}

// closed checks what Close has returned.
func (y *schedule) closed(err error) {
	if err != nil && !y.cuts {
		y.ledger.fault("%s: %v", y.plan.ending.how, err)
	}
}

// posts returns for how many bytes counts what was posted and has not left.
func (s *scheduleSide) posts() int64 {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.c.posts.size
}

// settle looks at what is left when every call has returned.
func (y *schedule) settle() {
	for i, s := range y.sides {
		c := s.c
		select {
		case <-c.ended():
		case <-time.After(realPatience):
			y.ledger.fault("side %d has not ended", i)
			return
		}
		want := c.terminal()
		for method, call := range calls(c, background) {
			if err := call(); err != want && method != "Messages" {
				y.ledger.fault("side %d: %s returned %v after the end, which was %v", i, method, err, want)
			}
		}
		if left := y.left(s); left != "" {
			y.ledger.fault("side %d: %s left", i, left)
		}
	}
	var journals []*journal
	for _, w := range y.workers {
		journals = append(journals, &w.journal)
	}
	// A reader that does not come back in time misses what Close drops.
	complete := [2]bool{!y.lossy[0], !y.lossy[1]}
	if !y.fake && !y.quick {
		complete = [2]bool{}
	}
	y.ledger.audit(journals, complete, y.plan.ending.how.inOrder() && !y.cuts)
}

// left says what is left of a connection that has ended, once all goroutines are done.
func (y *schedule) left(s *scheduleSide) (what string) {
	for range 1000 { // for nothing tells when the last of them is, in real time
		if what = s.left(); what == "" || y.fake {
			break
		}
		<-time.After(time.Millisecond)
	}
	return what
}

func (s *scheduleSide) left() string {
	c := s.c
	for what, t := range map[string]*turn{"the read turn": &c.readTurn, "the message turn": &c.messageTurn, "the write turn": &c.writeTurn} {
		if !t.try() {
			return what
		}
		defer t.release()
	}
	switch {
	case c.in.pooled != nil || c.message.kept != nil || c.message.reader != nil:
		return "input"
	case c.replies.o != nil:
		return "replies"
	case s.posts() != 0:
		return "posts"
	case c.deflate != nil && c.deflate.enc.Add(nil) != nil:
		return "the encoder"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.controls != nil && len(c.controls.pings.waiting) > 0 {
		return "a Ping"
	}
	return ""
}
