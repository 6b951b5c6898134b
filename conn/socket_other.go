//go:build !linux || !(amd64 || arm64)

package conn

import (
	"context"
	"time"
)

// socket and loop are for other systems: see socket_linux.go and loop_linux.go.
type (
	socket struct{}
	loop   struct{}
)

func (k *socket) usable() bool                { return false }
func (k *socket) tells() bool                 { return false }
func (k *socket) init(*Conn)                  {}
func (k *socket) read([]byte) (int, error)    { panic("unreachable") }
func (k *socket) sendOutside(_, _ []byte) int { panic("unreachable") }
func (k *socket) shutdown()                   { panic("unreachable") }
func (k *socket) lastHeard() time.Time        { panic("unreachable") }
func (k *socket) lastSent() time.Time         { panic("unreachable") }

func (l *loop) receive([]byte) (int, error) { panic("unreachable") }
func (l *loop) leave(func() error) error    { panic("unreachable") }

func (c *Conn) lull(context.Context)       {}
func (c *Conn) settleDown(context.Context) {}

func (c *Conn) awake(context.Context) error { panic("unreachable") }

func (c *Conn) serveSocket(*server) error { panic("unreachable") }
