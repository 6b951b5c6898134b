package conn

import (
	"context"

	"github.com/duplexws/duplex/handshake"
)

// An admission is what [Options].Admit has to do with one request. A nil one has nothing
// to do.
type admission struct {
	admit  func(context.Context, *handshake.Request) (func(*Conn), error)
	opened func(*Conn)
}

// admission returns what Admit has to do with a request that is about to come.
func (o *Options) admission() *admission {
	if o.Admit == nil {
		return nil
	}
	return &admission{admit: o.Admit}
}

// ask asks Admit about a request.
func (a *admission) ask(ctx context.Context, r *handshake.Request) error {
	if a == nil {
		return nil
	}
	opened, err := a.admit(ctx, r)
	if err == nil {
		a.opened = opened
	}
	return err
}

// end says what has come of a request that was admitted: a connection, or nil. The first
// time counts.
func (a *admission) end(c *Conn) {
	if a == nil || a.opened == nil {
		return
	}
	opened := a.opened
	a.opened = nil
	told := false
	defer func() {
		if !told && c != nil { // it has panicked, and nobody will have the connection
			_ = c.CloseNow()
		}
	}()
	opened(c)
	told = true
}
