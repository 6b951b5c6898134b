package server

import "errors"

// client is a connection that this process has opened.
type client interface {
	// trips sends the payload n times, each time after the answer to the last, and
	// then calls done. It does not wait for that.
	trips(n int, payload []byte, done func(error))
	close()
}

// dialers open connections as a client, in the fast configuration of each library,
// without compression.
var dialers = map[string]func(addr string) (client, error){
	Raw:       dialRaw,
	"gorilla": dialGorilla,
	"coder":   dialCoder,
	"gobwas":  dialGobwas,
	"gws":     dialGWS,
	"nbio":    dialNbio,
	Ours:      dialDuplex,
}

// blocking is a client whose calls wait: it takes a goroutine to use it.
type blocking struct {
	trip func(payload []byte) error
	end  func()
}

func (b blocking) trips(n int, payload []byte, done func(error)) {
	go func() {
		for range n {
			if err := b.trip(payload); err != nil {
				done(err)
				return
			}
		}
		done(nil)
	}()
}

func (b blocking) close() { b.end() }

// calling is a client that is called when a message arrives.
type calling struct {
	left    int
	payload []byte
	done    func(error)
	write   func([]byte) error
	end     func()
}

func (c *calling) trips(n int, payload []byte, done func(error)) {
	c.left, c.payload, c.done = n, payload, done
	c.next()
}

func (c *calling) close() { c.end() }

// next sends the next message, or says that all have been answered.
func (c *calling) next() {
	if c.left == 0 {
		c.done(nil)
		return
	}
	c.left--
	if err := c.write(c.payload); err != nil {
		c.done(err)
	}
}

// clients are the connections that this process has opened.
type clients struct {
	dial func(addr string) (client, error)
	addr string
	open []client
}

// connect opens n connections; keep says whether they stay open.
func (c *clients) connect(n int, keep bool) error {
	for range n {
		k, err := c.dial(c.addr)
		if err != nil {
			return err
		}
		if keep {
			c.open = append(c.open, k)
		} else {
			k.close()
		}
	}
	return nil
}

// trips lets every open connection send n messages of that size, one after another.
func (c *clients) trips(n, size int) error {
	done := make(chan error, len(c.open))
	payload := make([]byte, size)
	for _, k := range c.open {
		k.trips(n, payload, func(err error) { done <- err })
	}
	var all error
	for range c.open {
		all = errors.Join(all, <-done)
	}
	return all
}
