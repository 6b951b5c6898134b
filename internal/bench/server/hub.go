package server

import "sync"

// hub remembers the connections of a broadcast.
type hub[T any] struct {
	mu  sync.Mutex
	all []T
}

// add remembers c, if this server is there for broadcasts.
func (h *hub[T]) add(config Config, c T) {
	if !config.Broadcast {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, c)
}

// each calls f for every connection.
func (h *hub[T]) each(f func(T) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.all {
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}
