//go:build linux

package server

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// Flag is the first argument of a server process.
const Flag = "-server"

// Usage is what a server process has used since its start.
type Usage struct {
	// CPU is user and system time, before the numbers below were taken and after:
	// taking them costs some.
	Before, After time.Duration

	Mallocs    uint64 // objects allocated so far
	HeapInuse  uint64 // bytes in spans that hold live objects
	HeapAlloc  uint64 // bytes of objects
	StackInuse uint64
	RSS        uint64 // bytes resident, where the system tells
	Goroutines int
}

// The commands of the parent, a line each: a word and two numbers. Every one is
// answered with a Usage.
const (
	askUsage     = "usage"
	askCollect   = "collect"   // after a garbage collection that empties the pools too
	askBroadcast = "broadcast" // after so many messages of so many bytes were sent to all
	askDial      = "dial"      // after so many connections were opened and closed
	askOpen      = "open"      // after so many connections were opened
	askTrips     = "trips"     // after so many messages of so many bytes on each connection
)

// Main is the server process: args are those behind Flag. It returns when the parent
// is gone.
func Main(args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(1)
	if c.Broadcast > 0 {
		c.hub = newHub()
	}
	a := answerer{config: c, clients: clients{dial: dialers[c.Lib], addr: c.Connect}}
	if c.Connect != "" {
		fmt.Println("ready")
		return a.run()
	}
	ln, err := listen(&c)
	if err != nil {
		return err
	}
	fmt.Println(ln.Addr())
	failed := make(chan error, 1)
	go func() { failed <- libraries[c.Lib].serve(ln, c) }()
	go func() { failed <- a.run() }()
	return <-failed
}

// listen returns a listener on loopback, with TLS if that is asked for. The exception
// is nbio, which has its own.
func listen(c *Config) (net.Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil || !c.TLS {
		return ln, err
	}
	if c.certificate, c.key, err = selfSigned(); err != nil || c.Lib == "nbio" {
		return ln, err
	}
	certificate, err := tls.X509KeyPair(c.certificate, c.key)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{certificate}}), nil
}

// answerer obeys the parent.
type answerer struct {
	config  Config
	clients clients
}

// run reads commands until the parent closes our standard input.
func (a *answerer) run() error {
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var command string
		var times, size int
		if _, err := fmt.Sscan(in.Text(), &command, &times, &size); err != nil {
			return err
		}
		if err := a.obey(command, times, size); err != nil {
			return err
		}
		u, err := usage()
		if err != nil {
			return err
		}
		if err := out.Encode(u); err != nil {
			return err
		}
	}
	return in.Err()
}

func (a *answerer) obey(command string, times, size int) error {
	switch command {
	case askCollect:
		// The second collection takes what the first has left in pools.
		for range 3 {
			runtime.GC()
		}
		debug.FreeOSMemory()
	case askBroadcast:
		for range times {
			if err := broadcast(a.config, make([]byte, size)); err != nil {
				return err
			}
		}
	case askDial, askOpen:
		return a.clients.connect(times, command == askOpen)
	case askTrips:
		return a.clients.trips(times, size)
	}
	return nil
}

func usage() (u Usage, err error) {
	if u.Before, err = cpuTime(); err != nil {
		return u, err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.Mallocs, u.HeapInuse, u.HeapAlloc, u.StackInuse = m.Mallocs, m.HeapInuse, m.HeapAlloc, m.StackInuse
	u.Goroutines = runtime.NumGoroutine()
	u.system()
	u.After, err = cpuTime()
	return u, err
}

// cpuTime is the user and system time of this process.
func cpuTime() (time.Duration, error) {
	var r syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), err
}
