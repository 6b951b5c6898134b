package server

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Config says what a server process does. It travels as arguments of the form
// name=value.
type Config struct {
	Lib       string // one of Libraries
	Mode      Mode
	Bits      int // the windows of both directions as exponents of two; 0: the library's default
	Level     int // of compression; 0: the library's default
	TLS       bool
	Broadcast int    // send to all connections, once there are so many
	Idle      bool   // of the yardstick: a small buffer for each connection
	Least     bool   // of the yardstick: no more than the system calls that it takes
	Own       bool   // of ours: conn.Listen, without net/http
	Hijack    bool   // of the yardstick: behind net/http, with an answer that is always the same
	Verdict   bool   // of the yardstick: behind package handshake, which reads, judges and answers
	ReadAPI   bool   // of ours: ReadAppend and Write instead of Serve, WritePrepared instead of Post; with Least as such an API
	Connect   string // be a client of this address instead of a server

	certificate, key []byte // in PEM, made by the server process if TLS
	hub              *hub   // made by the server process if Broadcast
}

// Mode says whether and how messages are compressed.
type Mode string

// The modes.
const (
	Plain      Mode = "plain"
	NoTakeover Mode = "no-takeover"
	Takeover   Mode = "takeover"
)

// args returns what parse reads.
func (c Config) args() []string {
	return []string{
		"lib=" + c.Lib,
		"mode=" + string(c.Mode),
		"bits=" + strconv.Itoa(c.Bits),
		"level=" + strconv.Itoa(c.Level),
		"tls=" + strconv.FormatBool(c.TLS),
		"broadcast=" + strconv.Itoa(c.Broadcast),
		"idle=" + strconv.FormatBool(c.Idle),
		"least=" + strconv.FormatBool(c.Least),
		"own=" + strconv.FormatBool(c.Own),
		"hijack=" + strconv.FormatBool(c.Hijack),
		"verdict=" + strconv.FormatBool(c.Verdict),
		"readapi=" + strconv.FormatBool(c.ReadAPI),
		"connect=" + c.Connect,
	}
}

// parse reads the arguments of a server process.
func parse(args []string) (c Config, err error) {
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "lib":
			c.Lib = value
		case "mode":
			c.Mode = Mode(value)
		case "bits":
			c.Bits, err = strconv.Atoi(value)
		case "level":
			c.Level, err = strconv.Atoi(value)
		case "tls":
			c.TLS, err = strconv.ParseBool(value)
		case "broadcast":
			c.Broadcast, err = strconv.Atoi(value)
		case "idle":
			c.Idle, err = strconv.ParseBool(value)
		case "connect":
			c.Connect = value
		case "readapi":
			c.ReadAPI, err = strconv.ParseBool(value)
		case "least":
			c.Least, err = strconv.ParseBool(value)
		case "own":
			c.Own, err = strconv.ParseBool(value)
		case "hijack":
			c.Hijack, err = strconv.ParseBool(value)
		case "verdict":
			c.Verdict, err = strconv.ParseBool(value)
		default:
			err = fmt.Errorf("unknown argument %q", arg)
		}
		if err != nil {
			return c, err
		}
	}
	lib, ok := libraries[c.Lib]
	if !ok {
		return c, fmt.Errorf("no library %q; there are %s", c.Lib, strings.Join(Libraries(), ", "))
	}
	if !slices.Contains(lib.modes, c.Mode) {
		return c, fmt.Errorf("%s has no mode %q", c.Lib, c.Mode)
	}
	return c, nil
}

// Libraries returns the names of all libraries, the yardstick first and ours last.
func Libraries() []string {
	names := slices.Collect(maps.Keys(libraries))
	slices.SortFunc(names, func(a, b string) int { return libraries[a].order - libraries[b].order })
	return names
}

// Has reports whether the library offers the mode.
func Has(lib string, m Mode) bool { return slices.Contains(libraries[lib].modes, m) }
