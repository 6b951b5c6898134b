//go:build !linux

package server

import (
	"errors"
	"net"
)

func echoLeast(net.Conn) error { return errors.ErrUnsupported }

func echoLeastRead(net.Conn) error { return errors.ErrUnsupported }
