package hostile

import (
	"testing"

	"github.com/duplexws/duplex/conn"
)

// A row is one thing that a peer does in a connection; see the package documentation.
type row struct {
	name    string
	section string
	send    []part
	want    string // frames, as a server sends them
	end     end
}

// A table is rows for connections with the same options.
type table struct {
	name    string
	options conn.Options
	// extension is what the handshake agrees on, "" for nothing.
	extension extension
	rows      []row
	// trailing follows in the same write what each row sends, once it has ended, and
	// must have no effect: nothing is processed after a failure or a Close.
	trailing part
}

// tables are those that hold for both roles.
func tables() []table {
	return []table{
		headers, lengths, fragments, text, closes, controls, limits, exactLimit,
		compressed, compressedLimit, windows, plain, hangups, hangupsCompressed, trailing,
	}
}

// deliveries are the ways in which the bytes of a row travel.
type delivery uint8

const (
	coalesced delivery = iota // with the handshake, in one write
	whole                     // in one write after it
	bytewise                  // one by one
	numDeliveries
)

var deliveryNames = [numDeliveries]string{"with the handshake", "in one write", "byte by byte"}

// mostBytewise bounds what is sent byte by byte.
const mostBytewise = 600

// ways are the ways to deliver n bytes.
func ways(n int) []delivery {
	if n > mostBytewise {
		return []delivery{coalesced, whole}
	}
	return []delivery{coalesced, whole, bytewise}
}

// TestTables checks the tables themselves.
func TestTables(t *testing.T) {
	names := map[string]bool{}
	both := 0
	for _, table := range tables() {
		for _, r := range table.rows {
			name := table.name + "/" + r.name
			if names[name] || r.section == "" {
				t.Errorf("%s: the name is taken, or there is no section", name)
			}
			names[name] = true
			both++
		}
	}
	server := both + len(serverRows.rows) + len(requests) + len(httpRequests)
	client := both + len(clientRows.rows) + len(responses)
	t.Logf("%d cases against servers, %d against clients, %d of them in common", server, client, both)
	if server < 200 || client < 80 {
		t.Errorf("%d cases against servers and %d against clients, want at least 200 and 80", server, client)
	}
}
