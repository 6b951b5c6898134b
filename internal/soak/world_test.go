package soak

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/duplexws/duplex/conn"
	"github.com/duplexws/duplex/handshake"
)

// A world is everything that takes part in a soak: servers, the relays before them, clients
// of all sorts, and what was seen of them.
type world struct {
	seed           uint64
	tally          tally
	ledger         ledger
	sent, received traffic // of sessions, by clients

	servers []*server
	relays  map[*server]*relay
	paths   []string // of the applications that take part in sessions
	refused sync.Map // by the way of a connection: the number of the message of the feed that Post has refused
	client  *tls.Config
	still   atomic.Int64    // when the process last stood still, in ns since 1970
	stutter atomic.Int64    // the same, if only for a moment
	hard    context.Context // what is still there when it ends is given up
	giveUp  context.CancelFunc
}

func newWorld(seed uint64) (*world, error) {
	w := &world{seed: seed, relays: map[*server]*relay{}}
	w.ledger.loud = true
	w.hard, w.giveUp = context.WithCancel(context.Background())
	var config *tls.Config
	config, w.client = certificates()
	for i, s := range []*server{
		{name: "http", http: true},
		{name: "https", http: true, config: config},
		{name: "listen"},
		{name: "listen, tls", config: config},
	} {
		s.w, s.seed = w, seed+uint64(i)
		w.paths = nil
		s.routes = w.applications()
		if err := s.start(); err != nil {
			return nil, err
		}
		r, err := newRelay(s.addr, &w.tally, s.seed)
		if err != nil {
			return nil, err
		}
		w.servers = append(w.servers, s)
		w.relays[s] = r
	}
	return w, nil
}

// run has so many clients at it until stop ends, and then ends everything.
func (w *world) run(stop context.Context, clients int) {
	var all, others sync.WaitGroup
	for i := range clients {
		random := rand.New(rand.NewPCG(w.seed, uint64(i)))
		again := func(f func()) func() {
			return func() {
				for stop.Err() == nil {
					f()
					pause(stop, time.Duration(random.Int64N(int64(200*time.Millisecond))))
				}
			}
		}
		switch i % 10 {
		case 0:
			all.Go(again(func() { w.follow(stop, random) }))
		case 1:
			all.Go(again(func() { w.idle(stop, random) }))
		case 2, 3:
			all.Go(again(func() { w.attack(stop, random) }))
		default:
			k := &client{kind: kinds[(i-i/10*4)%len(kinds)], w: w, random: random}
			all.Go(func() { k.run(stop) })
		}
	}
	others.Go(func() { w.disturb(stop, clients) })
	<-stop.Done()
	for _, r := range w.relays {
		r.calm()
	}
	w.await("clients do not come to an end", func() {
		all.Wait()
		others.Wait()
	})
	w.giveUp()
	for _, r := range w.relays {
		w.await("a relay does not come to an end", r.close)
	}
	for _, s := range w.servers {
		others.Go(func() { s.restart(false) })
	}
	others.Wait()
	if n := len(w.ledger.sessions); n > 0 {
		w.ledger.wrongf("%d sessions are not complete", n)
	}
}

// disturb kills connections, about one in two seconds of each client, and restarts a server
// every now and then, until stop ends.
func (w *world) disturb(stop context.Context, clients int) {
	random := rand.New(rand.NewPCG(w.seed, 4))
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		for i := 0; stop.Err() == nil; i++ {
			pause(stop, time.Second+time.Duration(random.Int64N(int64(2*time.Second))))
			if stop.Err() == nil {
				w.servers[i%len(w.servers)].restart(true)
			}
		}
	})
	killing := rand.New(rand.NewPCG(w.seed, 5))
	for stop.Err() == nil {
		pause(stop, time.Duration(killing.Int64N(int64(4*time.Second)))/time.Duration(clients))
		w.servers[killing.IntN(len(w.servers))].now.Load().kill(killing)
	}
}

// await waits for something that must happen soon.
func (w *world) await(otherwise string, f func()) {
	done := make(chan struct{})
	go func() {
		f()
		close(done)
	}()
	timer := time.NewTimer(2 * patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		buf := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%s:\n%s\n", otherwise, buf[:runtime.Stack(buf, true)])
		w.ledger.wrongf("%s", otherwise)
	}
}

// dial connects to a server, half of the time by way of its relay.
func (w *world) dial(ctx context.Context, random *rand.Rand, s *server, path string, o conn.Options) (*conn.Conn, error) {
	addr := s.addr()
	if random.IntN(2) == 0 {
		addr = w.relays[s].ln.Addr().String()
	}
	return w.dialAt(ctx, addr, s, path, o)
}

// dialAt connects to a server at one of its addresses.
func (w *world) dialAt(ctx context.Context, addr string, s *server, path string, o conn.Options) (*conn.Conn, error) {
	o.ReadLimit, o.HandshakeTimeout, o.WriteTimeout = readLimit, handshakeTimeout, writeTimeout
	o.PostLimit = postLimit
	if o.KeepAlive == 0 {
		o.KeepAlive = keepAlive
	}
	c, err := conn.Dial(ctx, s.url(path), &conn.DialOptions{
		Options: o, TLS: w.client,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	})
	if err == nil {
		w.tally.add("dialled", s.name, 1)
		w.refused.Delete(way(c.LocalAddr(), c.RemoteAddr())) // of an earlier one
	}
	return c, err
}

// someCompression is any of the settings.
func (w *world) someCompression(random *rand.Rand) *conn.Compression {
	return []func() *conn.Compression{noCompression, takeover, noTakeover}[random.IntN(3)]()
}

// idle is a client that only stays connected, and pings now and then.
func (w *world) idle(ctx context.Context, random *rand.Rand) {
	o := conn.Options{KeepAlive: keepAlive / 4, Compression: w.someCompression(random)}
	c, err := w.dial(ctx, random, w.servers[random.IntN(len(w.servers))], "/idle", o)
	if err != nil {
		w.tally.add("dials that failed", reason(err), 1)
		return
	}
	defer c.CloseNow()
	some, cancel := context.WithTimeout(ctx, time.Duration(random.Int64N(int64(5*time.Second))))
	defer cancel()
	var pinging sync.WaitGroup
	pinging.Go(func() {
		for some.Err() == nil && c.Context().Err() == nil {
			if _, err := c.Ping(some); err == nil {
				w.tally.add("pings", "answered", 1)
			}
			pause(some, time.Second)
		}
	})
	err = c.Discard(some)
	cancel()
	pinging.Wait()
	w.ended(err)
	_ = c.Close(ctx, conn.StatusNormalClosure, "")
}

// ended counts how a connection of a client has ended.
func (w *world) ended(err error) {
	w.mustNotFail("client", err)
	w.tally.add("connections of clients ended", reason(err), 1)
}

// mustNotFail sees to it that none of our own peers breaks a rule, as far as the other
// side knows: no fault on the way makes one thing of another. Nor may it be told that it has.
func (w *world) mustNotFail(side string, err error) {
	if fe, ok := errors.AsType[*conn.FailError](err); ok {
		w.ledger.wrongf("%s: %v", side, fe)
	}
	if ce, ok := errors.AsType[*conn.CloseError](err); ok && !slices.Contains(codes, ce.Code) {
		w.ledger.wrongf("%s: %v", side, ce)
	}
}

// codes are those with which our own peers may end a connection: 1011 is for one that keepalive
// has found dead.
var codes = []conn.StatusCode{
	conn.StatusNormalClosure, conn.StatusGoingAway, conn.StatusServiceRestart, conn.StatusTryAgainLater,
	conn.StatusInternalError, conn.StatusAbnormalClosure,
}

// Write takes what servers log.
func (w *world) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "panic") {
		w.ledger.wrongf("logged: %s", p)
	}
	w.tally.add("logged by servers", "lines", 1)
	return len(p), nil
}

// reason says in a few words how a connection has ended, or why there was none.
func reason(err error) string {
	if ce, ok := errors.AsType[*conn.CloseError](err); ok {
		if ce.Code == conn.StatusAbnormalClosure {
			return "broken off"
		}
		return fmt.Sprintf("by %d", ce.Code)
	}
	if he, ok := errors.AsType[*handshake.Error](err); ok {
		if he.Status == 0 {
			return "without an answer"
		}
		return fmt.Sprintf("refused with %d", he.Status)
	}
	if ne, ok := errors.AsType[*net.OpError](err); ok {
		return "error of " + ne.Op
	}
	switch {
	case errors.Is(err, conn.ErrKeepAlive):
		return "by keepalive"
	case errors.Is(err, conn.ErrWriteTimeout):
		return "by write timeout"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "time was over"
	case errors.Is(err, context.Canceled):
		return "soak was over"
	case errors.Is(err, net.ErrClosed):
		return "by this end"
	}
	return "otherwise"
}
