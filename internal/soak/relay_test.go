package soak

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// A fault is what a relay does to a connection.
type fault string

const (
	none     fault = "none"
	delay    fault = "delay"    // everything comes some milliseconds later
	bytewise fault = "bytewise" // the first bytes come in segments of one
	stall    fault = "stall"    // nothing comes for a while
	silence  fault = "silence"  // nothing comes any more, and nobody is told
	cut      fault = "cut"      // both ends are closed, wherever they are
	reset    fault = "reset"    // both ends are reset
)

var faults = []fault{none, delay, bytewise, stall, silence, cut, reset, cut, reset}

// How much the relays do.
const (
	longestDelay  = 5 * time.Millisecond
	longestStall  = 400 * time.Millisecond
	silent        = 3 * keepAlive // by then both ends have noticed
	bytewiseBytes = 1500
	faultWithin   = 64 << 10 // bytes after which a fault is over or has happened
)

// A relay stands between clients and a server and injects faults.
type relay struct {
	ln     net.Listener
	target func() string // the address of the server
	tally  *tally
	ctx    context.Context // of all connections
	cancel context.CancelFunc
	faulty context.Context // as long as there are to be faults
	calm   context.CancelFunc
	all    sync.WaitGroup
}

func newRelay(target func() string, tally *tally, seed uint64) (*relay, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{ln: ln, target: target, tally: tally}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.faulty, r.calm = context.WithCancel(r.ctx)
	r.all.Go(func() {
		random := rand.New(rand.NewPCG(seed, 0))
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			l := &link{relay: r, fault: faults[random.IntN(len(faults))], at: random.IntN(faultWithin)}
			if random.IntN(2) == 0 {
				l.at %= 2048 // in the handshake, or soon after it
			}
			seed := random.Uint64()
			r.all.Go(func() { l.pass(nc.(*net.TCPConn), seed) })
		}
	})
	return r, nil
}

// close ends all connections and waits for them.
func (r *relay) close() {
	_ = r.ln.Close()
	r.cancel()
	r.all.Wait()
}

// A link is a connection through a relay.
type link struct {
	relay *relay
	fault fault
	at    int // after so many bytes of one direction it happens
	once  sync.Once
	ends  []*net.TCPConn
	ctx   context.Context
	end   context.CancelFunc
}

// pass passes a connection on until one side ends it, or the fault does.
func (l *link) pass(client *net.TCPConn, seed uint64) {
	defer client.Close()
	nc, err := net.Dial("tcp", l.relay.target())
	if err != nil {
		return // the client sees its end, which is what it would see of the server
	}
	server := nc.(*net.TCPConn)
	defer server.Close()
	l.ends = []*net.TCPConn{client, server}
	l.ctx, l.end = context.WithCancel(l.relay.faulty) // of what a fault waits for
	defer l.end()
	stop := context.AfterFunc(l.relay.ctx, func() { l.sever(true) })
	defer stop()
	if l.fault == none {
		l.happened()
	}
	var both sync.WaitGroup
	both.Go(func() { l.pump(server, client, rand.New(rand.NewPCG(seed, 1))) })
	both.Go(func() { l.pump(client, server, rand.New(rand.NewPCG(seed, 2))) })
	both.Wait()
}

// happened counts the fault.
func (l *link) happened() { l.once.Do(func() { l.relay.tally.add("faults", string(l.fault), 1) }) }

// sever closes or resets both ends.
func (l *link) sever(hard bool) {
	for _, nc := range l.ends {
		if hard {
			_ = nc.SetLinger(0)
		}
		_ = nc.Close()
	}
	l.end()
}

// pump passes on what comes from one end.
func (l *link) pump(dst, src *net.TCPConn, random *rand.Rand) {
	passed := 0
	buf := make([]byte, 16<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 && !l.forward(dst, buf[:n], passed, random) {
			return
		}
		passed += n
		if err != nil {
			if err == io.EOF {
				_ = dst.CloseWrite()
			} else { // a reset, which is passed on, too
				l.sever(true)
			}
			return
		}
	}
}

// forward writes what was read, after passed bytes, and lets the fault happen. It reports
// whether the link goes on.
func (l *link) forward(dst *net.TCPConn, p []byte, passed int, random *rand.Rand) bool {
	switch due := passed <= l.at && l.at < passed+len(p); {
	case l.relay.faulty.Err() != nil:
	case l.fault == delay && passed < faultWithin:
		l.happened()
		pause(l.ctx, time.Duration(random.Int64N(int64(longestDelay))))
	case l.fault == bytewise && passed < bytewiseBytes:
		l.happened()
		n := min(len(p), bytewiseBytes-passed)
		for b := range slices.Chunk(p[:n], 1) {
			if _, err := dst.Write(b); err != nil {
				l.sever(true)
				return false
			}
		}
		p = p[n:]
	case !due:
	case l.fault == stall:
		l.happened()
		pause(l.ctx, time.Duration(random.Int64N(int64(longestStall))))
	case l.fault == silence:
		l.happened()
		pause(l.ctx, silent)
		l.sever(true)
		return false
	case l.fault == cut, l.fault == reset:
		l.happened()
		_, _ = dst.Write(p[:l.at-passed])
		l.sever(l.fault == reset)
		return false
	}
	if _, err := dst.Write(p); err != nil {
		l.sever(true)
		return false
	}
	return true
}

// pause waits for some time, or less if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
