package server

import "sync"

// hub is the connections of a broadcast.
type hub struct {
	mu   sync.Mutex
	came sync.Cond
	all  []func(message any) error
}

func newHub() *hub {
	h := new(hub)
	h.came.L = &h.mu
	return h
}

// add remembers how to send a prepared message on one connection.
func (h *hub) add(send func(message any) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, send)
	h.came.Signal()
}

// send sends a prepared message on all connections, when there are so many.
func (h *hub) send(message any, conns int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.all) < conns {
		h.came.Wait()
	}
	for _, send := range h.all {
		if err := send(message); err != nil {
			return err
		}
	}
	return nil
}

// broadcast sends one binary message to all connections of a server.
func broadcast(c Config, payload []byte) error {
	message, err := libraries[c.Lib].prepare(payload)
	if err != nil {
		return err
	}
	return c.hub.send(message, c.Broadcast)
}
