package main

import (
	"context"
	"sync"

	"github.com/duplexws/duplex/conn"
)

// stopReason is what clients read in the Close frame when the server stops.
const stopReason = "the server is stopping"

// clients is the set of open connections. The server needs its own, because
// net/http forgets a connection that has become a WebSocket: Shutdown neither
// closes it nor waits for it. The zero value is an empty set.
//
// A connection that is made in the very moment of stopping is refused by add, and so
// closed with the same status, but nobody waits until that is done.
type clients struct {
	mu      sync.Mutex
	open    map[*conn.Conn]bool
	stopped bool
	running sync.WaitGroup // one for every connection in open
}

// add reports whether c may go on: not if the server is stopping already.
func (s *clients) add(c *conn.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	if s.open == nil {
		s.open = make(map[*conn.Conn]bool)
	}
	s.open[c] = true
	s.running.Add(1)
	return true
}

// remove takes out what add has put in, once its echo has ended.
func (s *clients) remove(c *conn.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	s.running.Done()
}

// close closes all connections at the same time, so that one slow peer delays no
// other, and waits until their echoes have ended. When ctx ends, those that are
// left are cut off.
func (s *clients) close(ctx context.Context) {
	s.mu.Lock()
	s.stopped = true
	for c := range s.open {
		// Close ends the connection in any case; its error would only say that
		// the peer did not do its part.
		s.running.Go(func() { _ = c.Close(ctx, conn.StatusGoingAway, stopReason) })
	}
	s.mu.Unlock()
	s.running.Wait()
}
