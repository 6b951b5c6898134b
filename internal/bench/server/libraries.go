package server

import (
	"log"
	"net"
	"net/http"
)

// library is an echo server.
type library struct {
	order int
	modes []Mode

	// serve accepts connections until the process ends.
	serve func(ln net.Listener, c Config) error

	// prepare makes a binary message to be sent on many connections, in the way that
	// the library has for that.
	prepare func(payload []byte) (any, error)
}

// Names of the libraries that need special treatment.
const (
	Raw  = "raw" // echoes bytes, without WebSocket
	Ours = "duplex"
)

// Of the modes only those are named here that a library documents. A library without
// takeover in its own compressor does not have the mode.
var libraries = map[string]library{
	Raw:       {order: 0, modes: []Mode{Plain}, serve: serveRaw, prepare: prepareRaw},
	"gorilla": {order: 1, modes: []Mode{Plain, NoTakeover}, serve: serveGorilla, prepare: prepareGorilla},
	"coder":   {order: 2, modes: []Mode{Plain, NoTakeover, Takeover}, serve: serveCoder, prepare: prepareNothing},
	"gobwas":  {order: 3, modes: []Mode{Plain, NoTakeover}, serve: serveGobwas, prepare: prepareGobwas},
	"gws":     {order: 4, modes: []Mode{Plain, NoTakeover, Takeover}, serve: serveGWS, prepare: prepareGWS},
	"nbio":    {order: 5, modes: []Mode{Plain, NoTakeover}, serve: serveNbio, prepare: prepareNothing},
	Ours:      {order: 6, modes: []Mode{Plain, NoTakeover, Takeover}, serve: serveDuplex, prepare: prepareDuplex},
}

// accept calls f on a goroutine of its own for each connection.
func accept(ln net.Listener, f func(net.Conn) error) error {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			report(f(nc))
			nc.Close()
		}()
	}
}

// hijacking serves a library that takes the connection over from net/http. Its
// upgrade returns a function that echoes; net/http is left behind before that runs.
func hijacking(ln net.Listener, upgrade func(w http.ResponseWriter, r *http.Request) (echo func() error, err error)) error {
	return http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		echo, err := upgrade(w, r)
		if err != nil {
			report(err)
			return
		}
		go func() { report(echo()) }()
	}))
}

// verbose makes servers say why a connection ended.
const verbose = false

func report(err error) {
	if verbose && err != nil {
		log.Print(err)
	}
}

// prepareNothing is for libraries that have nothing for messages to many.
func prepareNothing(payload []byte) (any, error) { return payload, nil }
