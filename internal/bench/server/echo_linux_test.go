package server

import (
	"fmt"
	"net"
	"testing"

	"github.com/duplexws/duplex/deflate"
	"github.com/duplexws/duplex/frame"
	"github.com/duplexws/duplex/internal/bench/corpus"
	"github.com/duplexws/duplex/internal/bench/load"
)

// serving starts the server of a library in this process; it lives as long as that.
func serving(t *testing.T, c Config) (addr string) {
	t.Helper()
	ln, err := listen(&c)
	if err != nil {
		t.Fatal(err)
	}
	go libraries[c.Lib].serve(ln, c)
	return ln.Addr().String()
}

// TestServers compares what every server sends back in every mode with what it was
// sent, and holds it to what was agreed.
func TestServers(t *testing.T) {
	messages := corpus.JSON(1, 20, 2000)
	for _, c := range configs() {
		t.Run(fmt.Sprintf("%s/%s/bits=%d/own=%t/readapi=%t", c.Lib, c.Mode, c.Bits, c.Own, c.ReadAPI), func(t *testing.T) {
			addr := serving(t, c)
			nc, _, a, err := load.Dial(addr, true)
			if err != nil {
				t.Fatal(err)
			}
			nc.Close()
			if a.Compressed != (c.Mode != Plain) {
				t.Fatalf("compression agreed: %t", a.Compressed)
			}
			stream := load.Frames(frame.Text, messages)
			if a.Compressed {
				if got := a.Terms.Server.NoTakeover; got != (c.Mode == NoTakeover) {
					t.Errorf("no takeover agreed: %t", got)
				}
				if got := a.Terms.Server.Bits; c.Bits != 0 && got != c.Bits && (got != 0 || c.Bits != deflate.MaxWindowBits) {
					t.Errorf("window of %d bits agreed", got)
				}
				if stream, err = load.Deflated(frame.Text, messages, a.Terms.Client); err != nil {
					t.Fatal(err)
				}
			}
			size, err := load.Verify(addr, true, stream)
			if err != nil {
				t.Fatal(err)
			}
			if plain := 20 * 2000; (size < plain) != a.Compressed || size > plain {
				t.Errorf("%d bytes came back", size)
			}
		})
	}
}

// configs are those that benchmarks use.
func configs() []Config {
	var list []Config
	for _, lib := range testedLibraries()[1:] { // raw has no handshake
		for _, mode := range libraries[lib].modes {
			list = append(list, Config{Lib: lib, Mode: mode})
			if mode == Takeover && lib != "coder" {
				list = append(list, Config{Lib: lib, Mode: mode, Bits: 15}, Config{Lib: lib, Mode: mode, Bits: 10})
			}
		}
	}
	return append(list,
		Config{Lib: Ours, Mode: Plain, Own: true},
		Config{Lib: Ours, Mode: Plain, ReadAPI: true},
		Config{Lib: Ours, Mode: Takeover, ReadAPI: true},
	)
}

// TestSecureServers does the same with one message over TLS.
func TestSecureServers(t *testing.T) {
	stream := load.Frames(frame.Binary, corpus.Bytes(1, 2, 300))
	for _, lib := range testedLibraries()[1:] {
		t.Run(lib, func(t *testing.T) {
			client, err := load.OpenSecure(serving(t, Config{Lib: lib, Mode: Plain, TLS: true}), 2, false, stream)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if err := client.Verify(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBroadcast counts what arrives.
func TestBroadcast(t *testing.T) {
	const conns, times, size = 3, 2, 512
	for _, lib := range testedLibraries() {
		t.Run(lib, func(t *testing.T) {
			c := Config{Lib: lib, Mode: Plain, Broadcast: conns, hub: newHub()}
			addr := serving(t, c)
			messages := corpus.Bytes(1, 1, size)
			stream := load.Frames(frame.Binary, messages)
			if lib == Raw {
				stream = load.Raw(corpus.Bytes(1, 1, size+4)) // the header too
			}
			client, err := load.Open(addr, conns, false, lib == Raw, []*load.Stream{stream})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			for range times {
				if err := broadcast(c, make([]byte, size)); err != nil {
					t.Fatal(err)
				}
			}
			r, err := client.Receive(conns * times)
			if err != nil || r.Messages != conns*times {
				t.Errorf("%d messages, error %v", r.Messages, err)
			}
			if want := uint64(conns * times * size); lib != Raw && r.Bytes != want {
				t.Errorf("%d bytes, want %d", r.Bytes, want)
			}
		})
	}
}

// TestClients lets every library dial and send.
func TestClients(t *testing.T) {
	for _, lib := range testedLibraries() {
		t.Run(lib, func(t *testing.T) {
			const size = 1000
			peer, err := load.Listen(size, lib == Raw)
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			c := clients{dial: dialers[lib], addr: peer.Addr}
			if err := c.connect(3, true); err != nil {
				t.Fatal(err)
			}
			if err := c.connect(2, false); err != nil {
				t.Fatal(err)
			}
			if err := c.trips(50, size); err != nil {
				t.Fatal(err)
			}
			for _, k := range c.open {
				k.close()
			}
		})
	}
}

// TestLoopback shows that the address of a server is one of loopback.
func TestLoopback(t *testing.T) {
	ln, err := listen(&Config{Lib: Raw, Mode: Plain})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if ip := ln.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		t.Errorf("it listens on %v", ip)
	}
}
